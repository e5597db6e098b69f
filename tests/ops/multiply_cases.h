// SPDX-License-Identifier: Apache-2.0
//
// Products of two tensors, for tests and benchmarks. Kernels take one element per thread and 256 threads per block.
#pragma once
#include <memory>
#include <vector>

#include "core/layers/multiply.h"
#include "tests/support/layer_test.h"
#include "tests/support/random_pick.h"

namespace fovea::test {

inline std::vector<LayerCase> multiply_cases() {
  const auto multiply = std::make_shared<Multiply>();
  const auto entry = [&](const char* name, const char* why, Shape x, std::vector<InputFill> fills = {}) {
    return LayerCase{.name = name,
                     .why = why,
                     .layer = multiply,
                     .inputs = {x, x},
                     .fills = std::move(fills),
                     .exact_forward = true,
                     .exact_backward = true,
                     // Few small integers may happen to be 0.
                     .forward_trust = x.elements() < 10 ? ZeroTrust::off : ZeroTrust::on,
                     .backward_trust = x.elements() < 10 ? ZeroTrust::off : ZeroTrust::on,
                     .small = x.elements() < 300};
  };
  return {
      entry("One", "a single element", {1}),
      entry("Three", "fewer than a warp", {3}),
      entry("Warp31", "a warp less one", {31}),
      entry("Warp33", "a warp and one", {1, 33}),
      entry("Block255", "one element less than a block", {5, 51}),
      entry("Block256", "exactly a block", {256}),
      entry("Block257", "one element more than a block", {257}),
      entry("Gate", "a map times a gate between 0 and 1", {2, 6, 14, 14}, {{}, {.low = 0, .high = 1}}),
      entry("OneScale", "one factor in thousands, one in thousandths", {700}, {{1000, 9000}, {0.001f, 0.009f}}),
      entry("Prime", "9,973 elements in four dimensions of one", {1, 1, 1, 9973}),
  };
}

inline LayerCase random_multiply_case(RandomStream& random) {
  const Shape x = pick_shape(random, 600);
  const float a = random.uniform(0.1f, 30), b = random.uniform(0.1f, 30);
  return {.name = "Multiply",
          .layer = std::make_shared<Multiply>(),
          .inputs = {x, x},
          .fills = {{.low = -a, .high = a}, {.low = -b, .high = b}},
          .exact_forward = true,
          .exact_backward = true,
          .forward_trust = ZeroTrust::off,  // few small integers may happen to be 0
          .backward_trust = ZeroTrust::off};
}

}  // namespace fovea::test
