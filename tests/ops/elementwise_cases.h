// SPDX-License-Identifier: Apache-2.0
//
// Sizes for the operations that go element by element (relu, tanh, add, sgd), shared by tests and benchmarks. Their
// kernels take several elements per thread and 256 threads per block.
#pragma once
#include <ostream>
#include <vector>

#include "core/tensor/shape.h"

namespace fovea::test {

struct ElementwiseCase {
  const char* name;
  const char* why;
  Shape x;
  bool small = false;
};
inline std::ostream& operator<<(std::ostream& out, const ElementwiseCase& c) {
  return out << c.name << " (" << c.why << "), " << c.x.to_string();
}

inline const std::vector<ElementwiseCase>& elementwise_cases() {
  static const std::vector<ElementwiseCase> cases{
      {"One", "a single element", {1}, true},
      {"Three", "fewer than a vector of four", {3}},
      {"Five", "a vector of four and one more", {5}, true},
      {"Block255", "one element less than a block", {255}},
      {"Block256", "exactly a block", {256}},
      {"Block257", "one element more than a block", {257}, true},
      {"Vectors1023", "a block of vectors less one element", {1023}},
      {"Vectors1024", "exactly a block of vectors", {1024}},
      {"Vectors1025", "a block of vectors and one element", {1025}},
      {"LeNetConv1", "a feature map of lenet5", {2, 6, 28, 28}},
      {"Planes35", "planes of 35 elements: in NHWC they begin anywhere in a vector of four", {2, 3, 5, 7}, true},
      {"Prime", "9,973 elements in four dimensions of one", {1, 1, 1, 9973}},
  };
  return cases;
}

}  // namespace fovea::test
