// SPDX-License-Identifier: Apache-2.0
//
// Batch normalisations.
#pragma once
#include <memory>
#include <vector>

#include "core/layers/batch_norm.h"
#include "tests/support/layer_test.h"
#include "tests/support/random_pick.h"

namespace fovea::test {

inline LayerCase batch_norm_case(const char* name, const char* why, const Shape& x,
                                 const BatchNormOptions& options = {}, const InputFill& fill = {.low = -2, .high = 3},
                                 bool small = false) {
  return {.name = name,
          .why = why,
          .layer = std::make_shared<BatchNorm>(options),
          .inputs = {x},
          .fills = {fill},
          .small = small};
}

inline LayerCase in_inference(LayerCase c) {
  c.phase = Phase::inference;
  return c;
}

inline std::vector<LayerCase> batch_norm_cases() {
  std::vector<LayerCase> cases{
      batch_norm_case("ConvNet", "after a convolution", {4, 6, 7, 5}, {}, {.low = -2, .high = 3}, true),
      batch_norm_case("Dense", "after a linear layer: [N, C]", {9, 13}, {}, {.low = -2, .high = 3}, true),
      batch_norm_case("Sequence", "[N, C, L]", {3, 4, 19}),
      batch_norm_case("Volume", "[N, C, D, H, W]", {2, 3, 2, 4, 3}),
      batch_norm_case("OneImage", "a batch of one has H*W values per channel", {1, 5, 6, 6}),
      batch_norm_case("TwoValues", "the least there can be", {2, 4}),
      batch_norm_case("OneChannel", "one block", {3, 1, 5, 5}),
      batch_norm_case("Block255", "one thread has no value", {5, 2, 51}),
      batch_norm_case("Block256", "each thread has one value", {4, 2, 8, 8}, {}, {.low = -2, .high = 3}, true),
      batch_norm_case("Block257", "one thread has two", {257, 2}, {}, {.low = -2, .high = 3}, true),
      batch_norm_case("Long", "many values for each thread", {3, 2, 37, 41}),
      batch_norm_case("ManyChannels", "more channels than values", {3, 300}),
      batch_norm_case("Channels8", "in NHWC: whole vectors of channels", {2, 8, 5, 3}, {}, {.low = -2, .high = 3},
                      true),
      batch_norm_case("Channels72", "in NHWC: two groups of vectors, the last one not full", {2, 72, 3, 4}),
      batch_norm_case("Slices", "in NHWC: 646 rows, in two slices", {2, 8, 17, 19}, {}, {.low = -2, .high = 3}, true),
      batch_norm_case("FrozenSlices", "two slices with the running variance", {2, 8, 17, 19}, {.frozen = true}),
      in_inference(batch_norm_case("InferenceChannels16", "in NHWC: whole vectors of channels", {2, 16, 3, 3}, {},
                                   {.low = -2, .high = 3}, true)),
      batch_norm_case("TinyDeviation", "epsilon outweighs the variance", {4, 3, 5, 5}, {},
                      {.low = -1e-4f, .high = 1e-4f}),
      batch_norm_case("LargeEpsilon", "epsilon is an ordinary number", {4, 3, 5, 5}, {.epsilon = 2}),
      batch_norm_case("MomentumOne", "the running statistics are the batch's", {4, 3, 5, 5}, {.momentum = 1}),
      batch_norm_case("MomentumZero", "the running statistics stay", {4, 3, 5, 5}, {.momentum = 0}),
      batch_norm_case("Frozen", "training with the running statistics", {4, 3, 5, 5}, {.frozen = true},
                      {.low = -2, .high = 3}, true),
      batch_norm_case("FrozenOneValue", "a frozen layer needs no second value", {1, 4}, {.frozen = true}),
      batch_norm_case("FrozenLong", "long sums with the running variance", {3, 2, 37, 11}, {.frozen = true}),
      in_inference(batch_norm_case("Inference", "running statistics, nothing saved", {4, 6, 7, 5}, {},
                                   {.low = -2, .high = 3}, true)),
      in_inference(batch_norm_case("InferenceOneValue", "one sample at a time", {1, 33})),
      in_inference(batch_norm_case("InferenceLargeEpsilon", "epsilon counts", {2, 3, 4}, {.epsilon = 2})),
  };
  return cases;
}

inline LayerCase random_batch_norm_case(RandomStream& random) {
  BatchNormOptions o;
  o.epsilon = pick_real(random, 1e-5, 0.1);
  o.momentum = pick_real(random, 0, 1);
  o.frozen = pick(random, 0, 4) == 0;
  const std::int64_t n = pick(random, 2, 9), c = pick(random, 1, 9), rank = pick(random, 2, 4);
  const std::int64_t h = pick(random, 1, 9), w = pick(random, 1, 9);
  const Shape x = rank == 2 ? Shape{n, c} : rank == 3 ? Shape{n, c, h} : Shape{n, c, h, w};
  const float middle = random.uniform(-3, 3), reach = random.uniform(0.5f, 3);
  return {.name = "BatchNorm",
          .layer = std::make_shared<BatchNorm>(o),
          .inputs = {x},
          .fills = {{.low = middle - reach, .high = middle + reach}},
          .phase = pick(random, 0, 4) == 0 ? Phase::inference : Phase::training};
}

}  // namespace fovea::test
