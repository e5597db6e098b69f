// SPDX-License-Identifier: Apache-2.0
//
// Logits and probabilities for soft_cross_entropy: one position takes a warp, many take a thread each.
#pragma once
#include <algorithm>

#include "core/layers/soft_cross_entropy.h"
#include "tests/support/layer_test.h"
#include "tests/support/random_pick.h"

namespace fovea::test {

// Class weights in the options say how many there are; those that the harness uses are random.
inline LayerCase soft_case(std::string name, std::string why, Shape logits, double smoothing, bool weighted,
                           float spread = 4, bool small = false) {
  SoftmaxCrossEntropyOptions options{.label_smoothing = smoothing};
  if (weighted) options.class_weights.assign(static_cast<std::size_t>(logits[1]), 1.0);
  LayerCase c{.name = std::move(name),
              .why = std::move(why),
              .layer = std::make_shared<SoftCrossEntropy>(options),
              .inputs = {logits, logits},
              .fills = {{.low = -spread, .high = spread}, {.probabilities = true}},
              .small = small};
  if (weighted) c.state_fills = {{.low = 0.1f, .high = 3}};
  return c;
}

inline std::vector<LayerCase> soft_cross_entropy_cases() {
  std::vector<LayerCase> cases{
      soft_case("Plain", "a classifier", {64, 10}, 0, false),
      soft_case("BatchOne", "one sample", {1, 10}, 0, false, 4, true),
      soft_case("OneClass", "the probability of the only class is 1", {3, 1}, 0, false),
      soft_case("TwoClasses", "the smallest choice", {5, 2}, 0, false, 4, true),
      soft_case("Warp31", "one class less than a warp", {3, 31}, 0, false),
      soft_case("Warp32", "exactly a warp", {3, 32}, 0, true),
      soft_case("SmoothWarp33", "one class more than a warp", {3, 33}, 0.1, false, 1, true),
      soft_case("NearlyUniform", "smoothing close to 1", {5, 10}, 0.999, false),
      soft_case("Weighted", "classes of unlike weight", {64, 10}, 0, true),
      soft_case("Block257", "one sample more than a block has threads", {257, 3}, 0, true),
      soft_case("SmoothWeighted", "both together", {16, 31}, 0.2, true),
      soft_case("Classes257", "more classes than a block has threads", {2, 257}, 0.1, true),
      soft_case("ImageNet", "1,000 classes", {2, 1000}, 0, false, 8),
      soft_case("AllEqual", "equal logits: the loss is log C", {4, 10}, 0, false, 0),
      soft_case("Huge", "logits of +-10,000: all but one exponential vanish", {6, 10}, 0, false, 10000, true),
      soft_case("Masks", "probabilities for every pixel", {2, 5, 7, 9}, 0, false, 4, true),
      soft_case("MasksBoth", "smoothing and weights", {2, 3, 4, 5}, 0.3, true, 4, true),
      soft_case("Sequence", "probabilities for every step", {3, 4, 33}, 0, false),
      soft_case("TwoPositions", "the fewest that are not one", {3, 4, 2}, 0, true, 4, true),
      soft_case("OnePosition", "an image of one pixel goes the way of whole samples", {5, 4, 1, 1}, 0.1, true),
      soft_case("Positions255", "one position less than a block of threads", {1, 3, 255}, 0, false),
      soft_case("Positions257", "one position more than a block of threads", {1, 3, 257}, 0.1, true),
  };
  for (LayerCase& c : cases) {
    if (c.name == "OneClass") c.forward_trust = c.backward_trust = ZeroTrust::off;  // the loss is 0
    // A sum of large numbers leaves a difference quotient no digits for the slopes that vanish.
    if (c.name == "Huge") c.phase = Phase::inference;
  }
  return cases;
}

inline LayerCase random_soft_cross_entropy_case(RandomStream& random) {
  const std::int64_t batch = pick(random, 1, 9), classes = pick(random, 2, 70);
  const bool positions = pick_bool(random);
  const Shape inner = positions ? Shape{pick(random, 1, 5), pick(random, 1, 9)} : Shape{};
  const double smoothing = pick_bool(random) ? pick_real(random, 0, 0.99) : 0;
  LayerCase c = soft_case("SoftCrossEntropy", {}, inner.with_batch(classes).with_batch(batch), smoothing,
                          pick_bool(random), random.uniform(0.1f, 10));
  const float offset = random.uniform(-50, 50);
  c.fills[0].low += offset, c.fills[0].high += offset;
  return c;
}

}  // namespace fovea::test
