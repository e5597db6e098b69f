// SPDX-License-Identifier: Apache-2.0
//
// Logits and labels for softmax_cross_entropy beyond the rows of softmax_cases.h: smoothing, class weights, positions.
#pragma once
#include "core/layers/softmax_cross_entropy.h"
#include "tests/ops/random_configurations.h"

namespace fovea::test {

// Class weights in the options say how many there are; those that the harness uses are random.
inline LayerCase cross_entropy_case(std::string name, std::string why, Shape logits, double smoothing, bool weighted,
                                    float spread = 4, bool small = false) {
  SoftmaxCrossEntropyOptions options{.label_smoothing = smoothing};
  if (weighted) options.class_weights.assign(static_cast<std::size_t>(logits[1]), 1.0);
  const Shape labels = logits.without_batch().without_batch().with_batch(logits[0]);
  LayerCase c{.name = std::move(name),
              .why = std::move(why),
              .layer = std::make_shared<SoftmaxCrossEntropy>(options),
              .inputs = {logits, labels},
              .fills = {{.low = -spread, .high = spread}, {.classes = logits[1]}},
              .small = small};
  if (weighted) c.state_fills = {{.low = 0.1f, .high = 3}};
  return c;
}

inline std::vector<LayerCase> softmax_cross_entropy_cases() {
  std::vector<LayerCase> cases{
      cross_entropy_case("Plain", "a classifier", {64, 10}, 0, false),
      cross_entropy_case("Smooth", "label smoothing as Inception trains", {16, 10}, 0.1, false),
      cross_entropy_case("SmoothWarp33", "one class more than a warp", {3, 33}, 0.1, false, 1, true),
      cross_entropy_case("NearlyUniform", "smoothing close to 1", {5, 10}, 0.999, false),
      cross_entropy_case("Weighted", "classes of unlike weight", {64, 10}, 0, true),
      cross_entropy_case("WeightedBatchOne", "the weight of the only sample cancels", {1, 10}, 0, true, 4, true),
      cross_entropy_case("WeightedBlock257", "one sample more than a block has threads", {257, 3}, 0, true),
      cross_entropy_case("SmoothWeighted", "both together", {16, 31}, 0.2, true),
      cross_entropy_case("Classes257", "more classes than a block has threads", {2, 257}, 0.1, true),
      cross_entropy_case("Masks", "a class for every pixel", {2, 5, 7, 9}, 0, false, 4, true),
      cross_entropy_case("MasksSmooth", "smoothed labels of pixels", {2, 5, 7, 9}, 0.1, false),
      cross_entropy_case("MasksWeighted", "background weighs less", {2, 5, 7, 9}, 0, true),
      cross_entropy_case("MasksBoth", "smoothing and weights", {2, 3, 4, 5}, 0.3, true, 4, true),
      cross_entropy_case("Sequence", "a class for every step", {3, 4, 33}, 0, false),
      cross_entropy_case("TwoPositions", "the fewest that are not one", {3, 4, 2}, 0, false, 4, true),
      cross_entropy_case("OnePosition", "an image of one pixel goes the way of whole samples", {5, 4, 1, 1}, 0.1, true),
      cross_entropy_case("Positions255", "one position less than a block of threads", {1, 3, 255}, 0, false),
      cross_entropy_case("Positions257", "one position more than a block of threads", {1, 3, 257}, 0.1, true),
      cross_entropy_case("MasksOneClass", "the probability of the only class is 1", {2, 1, 3, 4}, 0, true),
      cross_entropy_case("MasksTwoClasses", "foreground and background", {2, 2, 8, 8}, 0, true),
  };
  for (LayerCase& c : cases)
    if (c.name == "MasksOneClass") c.forward_trust = c.backward_trust = ZeroTrust::off;  // the loss is 0
  return cases;
}

}  // namespace fovea::test
