// SPDX-License-Identifier: Apache-2.0
//
// Rows of scores for softmax and softmax_cross_entropy, shared by tests and benchmarks.
#pragma once
#include <ostream>
#include <vector>

#include "core/tensor/shape.h"

namespace fovea::test {

struct SoftmaxCase {
  const char* name;
  const char* why;
  Shape x;
  float spread = 1;  // scores lie in [-spread, spread] + offset
  float offset = 0;
  bool small = false;
};
inline std::ostream& operator<<(std::ostream& out, const SoftmaxCase& c) {
  return out << c.name << " (" << c.why << "), x " << c.x.to_string();
}

inline const std::vector<SoftmaxCase>& softmax_cases() {
  static const std::vector<SoftmaxCase> cases{
      {"Digits", "ten classes, a batch of 64", {64, 10}, 4},
      {"BatchOne", "one sample", {1, 10}, 4, 0, true},
      {"OneClass", "the probability of the only class is 1", {3, 1}, 4},
      {"TwoClasses", "the smallest choice", {5, 2}, 4, 0, true},
      {"AllEqual", "a uniform distribution", {4, 10}, 0, 3},
      {"Warp31", "one class less than a warp", {3, 31}},
      {"Warp32", "exactly a warp", {3, 32}},
      {"Warp33", "one class more than a warp", {3, 33}, 1, 0, true},
      {"Block257", "one class more than a block of threads", {2, 257}, 4},
      {"ImageNet", "1,000 classes", {2, 1000}, 8},
      {"Huge", "scores of +-10,000: all but one exponential vanish", {6, 10}, 10000, 0, true},
      {"LargeOffset", "a common offset of 1,000 would overflow without the maximum", {6, 10}, 3, 1000},
      {"NegativeOffset", "a common offset of -1,000 would divide by zero", {6, 10}, 3, -1000},
      {"ManyRows", "more rows than a block has threads", {300, 3}, 2},
  };
  return cases;
}

}  // namespace fovea::test
