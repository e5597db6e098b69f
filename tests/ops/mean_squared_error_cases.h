// SPDX-License-Identifier: Apache-2.0
//
// Predictions and targets for mean_squared_error.
#pragma once
#include "core/layers/mean_squared_error.h"
#include "tests/support/layer_test.h"
#include "tests/support/random_pick.h"

namespace fovea::test {

inline LayerCase squares_case(std::string name, std::string why, Shape x, float spread = 1, float offset = 0,
                              bool small = false) {
  const InputFill fill{.low = offset - spread, .high = offset + spread};
  return {.name = std::move(name),
          .why = std::move(why),
          .layer = std::make_shared<MeanSquaredError>(),
          .inputs = {x, x},
          .fills = {fill, fill},
          .small = small};
}

inline std::vector<LayerCase> mean_squared_error_cases() {
  std::vector<LayerCase> cases{
      squares_case("Adaline", "ten outputs against targets", {64, 10}),
      squares_case("Single", "one element", {1, 1}, 1, 0, true),
      squares_case("BatchOne", "one sample", {1, 17}, 1, 0, true),
      squares_case("OnePerSample", "a regression onto one number", {300, 1}),
      squares_case("Warp31", "one element less than a warp", {5, 31}),
      squares_case("Warp33", "one element more than a warp", {5, 33}, 1, 0, true),
      squares_case("Block255", "one element less than a block of threads", {2, 255}),
      squares_case("Block256", "exactly a block of threads", {2, 256}),
      squares_case("Block257", "one element more than a block of threads", {2, 257}, 1, 0, true),
      squares_case("Images", "an autoencoder's output", {3, 2, 13, 11}),
      squares_case("LongSample", "6,075 elements a sample", {2, 27, 15, 15}),
      squares_case("Tiny", "squares near the smallest numbers", {3, 7}, 1e-17f),
      squares_case("Large", "values of 10,000", {3, 7}, 10000),
      squares_case("Near", "differences are small beside the values", {4, 20}, 0.01f, 100),
      squares_case("Exact", "whole numbers throughout", {8, 64}),
      squares_case("ExactRow", "whole numbers, a block and more of them", {2, 512}),
  };
  for (std::size_t i = cases.size() - 2; i < cases.size(); ++i) cases[i].exact_forward = cases[i].exact_backward = true;
  // The loss itself, 10^-34 or 10^8, leaves a difference quotient no digits.
  for (LayerCase& c : cases)
    if (c.name == "Tiny" || c.name == "Large") c.phase = Phase::inference;
  return cases;
}

inline LayerCase random_mean_squared_error_case(RandomStream& random) {
  const Shape inner = pick_shape(random, 300);
  const bool deep = inner.rank() < Shape::max_rank;
  return squares_case("MeanSquaredError", {}, deep ? inner.with_batch(pick(random, 1, 5)) : inner,
                      random.uniform(0.1f, 10), random.uniform(-5, 5));
}

}  // namespace fovea::test
