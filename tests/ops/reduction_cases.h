// SPDX-License-Identifier: Apache-2.0
//
// Sizes for the operations that reduce a flat arena to one number (sum_of_squares, nonfinite). They cut it into parts of
// 4096 elements, look through each with 256 threads, and reduce the parts with 256 threads again.
#pragma once
#include <ostream>
#include <vector>

#include "core/tensor/shape.h"

namespace fovea::test {

struct ReductionCase {
  const char* name;
  const char* why;
  Shape x;
  bool small = false;
};
inline std::ostream& operator<<(std::ostream& out, const ReductionCase& c) {
  return out << c.name << " (" << c.why << "), " << c.x.to_string();
}

inline const std::vector<ReductionCase>& reduction_cases() {
  static const std::vector<ReductionCase> cases{
      {"One", "a single element", {1}, true},
      {"Lanes255", "one element less than there are lanes", {255}},
      {"Lanes257", "one element more than there are lanes", {257}, true},
      {"Part4095", "one element less than a part", {4095}},
      {"Part4096", "exactly a part", {4096}},
      {"Part4097", "one element more than a part", {4097}, true},
      {"ManyParts", "more parts than lanes, the last of five elements", {257 * 4096 + 5}},
      {"FourAxes", "any shape is flat", {2, 6, 28, 28}},
  };
  return cases;
}

}  // namespace fovea::test
