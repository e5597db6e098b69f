// SPDX-License-Identifier: Apache-2.0
//
// Logits and targets for binary_cross_entropy.
#pragma once
#include "core/layers/binary_cross_entropy.h"
#include "tests/support/layer_test.h"
#include "tests/support/random_pick.h"

namespace fovea::test {

inline LayerCase binary_case(std::string name, std::string why, Shape x, float low, float high,
                             InputFill target = {0, 1}, bool small = false) {
  return {.name = std::move(name),
          .why = std::move(why),
          .layer = std::make_shared<BinaryCrossEntropy>(),
          .inputs = {x, x},
          .fills = {{.low = low, .high = high}, target},
          .small = small};
}

inline std::vector<LayerCase> binary_cross_entropy_cases() {
  const InputFill none{.low = 0, .high = 0}, all{.low = 1, .high = 1};
  std::vector<LayerCase> cases{
      binary_case("Logistic", "a logistic regression", {64, 1}, -4, 4),
      binary_case("MultiLabel", "twenty independent decisions", {16, 20}, -4, 4),
      binary_case("Single", "one element", {1, 1}, -4, 4, {0, 1}, true),
      binary_case("AllNo", "every target is 0", {5, 12}, -4, 4, none, true),
      binary_case("AllYes", "every target is 1", {5, 12}, -4, 4, all, true),
      binary_case("Warp31", "one element less than a warp", {5, 31}, -4, 4),
      binary_case("Warp33", "one element more than a warp", {5, 33}, -4, 4, {0, 1}, true),
      binary_case("Block255", "one element less than a block of threads", {2, 255}, -4, 4),
      binary_case("Block257", "one element more than a block of threads", {2, 257}, -4, 4, {0, 1}, true),
      binary_case("Masks", "one decision for every pixel", {3, 2, 13, 11}, -4, 4),
      binary_case("LongSample", "6,075 elements a sample", {2, 27, 15, 15}, -4, 4),
      binary_case("Zeros", "logits of 0: the loss is log 2", {3, 7}, 0, 0),
      binary_case("Tiny", "logits near 0", {3, 7}, -1e-3f, 1e-3f),
      binary_case("SureAndRight", "large logits of target 1: the loss is a small exponential", {4, 20}, 10, 80, all),
      binary_case("SureAndWrong", "large logits of target 0: the loss is the logit", {4, 20}, 10, 80, none),
      binary_case("Underflow", "exp(-|x|) is 0", {4, 20}, -200, -100, {0, 1}),
      binary_case("Huge", "exp(|x|) would overflow", {4, 20}, -10000, 10000, {0, 1}, true),
  };
  for (LayerCase& c : cases) {
    // A sum of large numbers leaves a difference quotient no digits for the slopes that vanish.
    if (c.name == "Huge" || c.name == "Underflow" || c.name == "SureAndWrong") c.phase = Phase::inference;
  }
  return cases;
}

inline LayerCase random_binary_cross_entropy_case(RandomStream& random) {
  const Shape inner = pick_shape(random, 300);
  const float offset = random.uniform(-3, 3), spread = random.uniform(0.1f, 10);
  return binary_case("BinaryCrossEntropy", {}, inner.with_batch(pick(random, 1, 5)), offset - spread, offset + spread);
}

}  // namespace fovea::test
