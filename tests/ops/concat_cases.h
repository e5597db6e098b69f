// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <vector>

#include "core/layers/concat.h"
#include "tests/support/layer_test.h"
#include "tests/support/random_pick.h"

namespace fovea::test {

inline LayerCase concat_case(std::string name, std::string why, std::int64_t axis, std::vector<Shape> inputs,
                             bool small = false) {
  return {.name = std::move(name),
          .why = std::move(why),
          .layer = std::make_shared<Concat>(ConcatOptions{.axis = axis}),
          .inputs = std::move(inputs),
          .exact_forward = true,
          .exact_backward = true,
          .small = small};
}

inline std::vector<LayerCase> concat_cases() {
  return {
      concat_case("OneInput", "nothing beside it: a copy", 1, {{2, 3, 4, 5}}, true),
      concat_case("OneElementEach", "the smallest", 1, {{1, 1}, {1, 1}}, true),
      concat_case("Inception", "four branches of an inception block", 1,
                  {{2, 16, 7, 7}, {2, 24, 7, 7}, {2, 8, 7, 7}, {2, 8, 7, 7}}),
      concat_case("UNetSkip", "a skip connection of a segmentation net", 1, {{2, 5, 12, 10}, {2, 5, 12, 10}}, true),
      concat_case("ThreeUneven", "channels of 1, 31 and 2", 1, {{1, 1, 7, 9}, {1, 31, 7, 9}, {1, 2, 7, 9}}),
      concat_case("AroundABlock", "rows of 255, 256 and 257", 1, {{2, 255}, {2, 256}, {2, 257}}),
      concat_case("AroundAWarp", "rows of 31, 32 and 33", 1, {{3, 31}, {3, 32}, {3, 33}}),
      concat_case("ManyRows", "257 rows of one and two elements", 1, {{257, 1}, {257, 2}}),
      concat_case("Rows", "axis 2: each channel on its own", 2, {{2, 3, 4, 5}, {2, 3, 1, 5}, {2, 3, 6, 5}}, true),
      concat_case("Columns", "axis 3: nothing behind the axis", 3, {{2, 3, 4, 1}, {2, 3, 4, 5}}, true),
      concat_case("Sequences", "axis 2 of three", 2, {{2, 4, 9}, {2, 4, 1}}),
      concat_case("SixAxes", "the most axes that a tensor has", 3, {{2, 2, 3, 1, 2, 3}, {2, 2, 3, 4, 2, 3}}),
      concat_case("NineInputs", "many thin ones", 1,
                  {{2, 1, 3}, {2, 1, 3}, {2, 1, 3}, {2, 1, 3}, {2, 1, 3}, {2, 1, 3}, {2, 1, 3}, {2, 1, 3}, {2, 1, 3}}),
  };
}

inline LayerCase random_concat_case(RandomStream& random) {
  const std::int64_t rank = pick(random, 2, 5), axis = pick(random, 1, rank - 1), count = pick(random, 1, 4);
  std::vector<std::int64_t> extents;
  for (std::int64_t i = 0; i < rank; ++i) extents.push_back(pick(random, 1, 5));
  std::vector<Shape> inputs;
  for (std::int64_t i = 0; i < count; ++i) {
    extents[static_cast<std::size_t>(axis)] = pick(random, 1, 12);
    inputs.emplace_back(std::span<const std::int64_t>(extents));
  }
  return concat_case("Concat", "", axis, inputs);
}

}  // namespace fovea::test
