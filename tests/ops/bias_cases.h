// SPDX-License-Identifier: Apache-2.0
//
// Biases of dense layers and of convolutions, shared by tests and benchmarks.
#pragma once
#include <ostream>
#include <vector>

#include "core/tensor/shape.h"

namespace fovea::test {

struct BiasCase {
  const char* name;
  const char* why;
  Shape y;
  bool small = false;
};
inline std::ostream& operator<<(std::ostream& out, const BiasCase& c) {
  return out << c.name << " (" << c.why << "), y " << c.y.to_string();
}

inline const std::vector<BiasCase>& bias_cases() {
  static const std::vector<BiasCase> cases{
      {"LeNetConv1", "a feature map of lenet5", {2, 6, 28, 28}},
      {"LeNetFc1", "a dense layer of lenet5", {16, 120}},
      {"Single", "one element", {1, 1}, true},
      {"BatchOne", "one sample", {1, 17}},
      {"OneChannel", "one sum over everything", {3, 1, 5, 7}, true},
      {"OddSizes", "no extent is a power of two", {5, 7, 3, 11}, true},
      {"Addends255", "one addend less than a block of threads", {255, 2}},
      {"Addends256", "one addend for each thread of a block", {256, 2}},
      {"Addends257", "one addend more than a block of threads", {257, 2}},
      {"ManyChannels", "more channels than a block has threads", {2, 300}},
      {"Channels8", "in NHWC: whole vectors of channels", {2, 8, 3, 5}, true},
      {"Channels72", "in NHWC: two groups of vectors, the last one not full", {3, 72, 4, 5}, true},
      {"Slices", "in NHWC: 646 rows, in two slices", {2, 24, 17, 19}},
      {"LongReduction", "6,075 addends per channel", {27, 2, 15, 15}},
  };
  return cases;
}

}  // namespace fovea::test
