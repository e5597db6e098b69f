// SPDX-License-Identifier: Apache-2.0
//
// Scores and labels for hinge_loss.
#pragma once
#include "core/layers/hinge_loss.h"
#include "tests/ops/random_configurations.h"

namespace fovea::test {

inline LayerCase hinge_case(std::string name, std::string why, HingeLossOptions options, Shape scores, float spread = 2,
                            bool small = false) {
  // With scores of this spread many differences exceed the margin; a large batch in two kinds is mostly zeros.
  return {.name = std::move(name),
          .why = std::move(why),
          .layer = std::make_shared<HingeLoss>(options),
          .inputs = {scores, {scores[0]}},
          .fills = {{.low = -spread, .high = spread, .distinct = true}, {.classes = scores[1]}},
          .backward_trust = ZeroTrust::off,
          .small = small};
}

inline std::vector<LayerCase> hinge_loss_cases() {
  std::vector<LayerCase> cases{
      hinge_case("Cs231n", "the linear SVM of CIFAR-10: margin 1, ten classes", {}, {64, 10}),
      hinge_case("Torch", "MultiMarginLoss: divided by the classes", {.average_classes = true}, {16, 10}),
      hinge_case("Squared", "the L2-SVM", {.squared = true}, {16, 10}),
      hinge_case("SquaredAverage", "MultiMarginLoss with p = 2", {.squared = true, .average_classes = true}, {7, 9}),
      hinge_case("Perceptron", "margin 0", {.margin = 0}, {16, 10}, 2, true),
      hinge_case("OddMargin", "a margin that float cannot hold", {.margin = 0.1}, {16, 10}),
      hinge_case("WideMargin", "every class violates it", {.margin = 100}, {5, 12}, 2, true),
      hinge_case("BatchOne", "one sample", {}, {1, 10}, 2, true),
      hinge_case("TwoClasses", "the smallest choice", {}, {5, 2}, 1, true),
      hinge_case("Warp31", "one class less than a warp", {}, {3, 31}),
      hinge_case("Warp32", "exactly a warp", {}, {3, 32}),
      hinge_case("Warp33", "one class more than a warp", {.squared = true}, {3, 33}, 2, true),
      hinge_case("Block257", "one class more than a block of threads", {}, {2, 257}),
      hinge_case("ManyRows", "more samples than a block has threads", {}, {300, 3}),
      hinge_case("LargeScores", "differences of 1,000", {}, {6, 10}, 500),
  };
  // Whole numbers, and a power of two of samples and classes.
  cases.push_back(hinge_case("Exact", "whole numbers throughout", {}, {8, 16}));
  cases.push_back(hinge_case("ExactSquared", "whole numbers throughout", {.squared = true}, {4, 8}));
  cases.push_back(hinge_case("ExactAverage", "whole numbers throughout", {.average_classes = true}, {8, 16}));
  for (std::size_t i = cases.size() - 3; i < cases.size(); ++i) cases[i].exact_forward = cases[i].exact_backward = true;
  return cases;
}

inline LayerCase random_hinge_loss_case(RandomStream& random) {
  HingeLossOptions options;
  options.margin = pick_bool(random) ? pick_real(random, 0, 3) : static_cast<double>(pick(random, 0, 2));
  options.squared = pick_bool(random);
  options.average_classes = pick_bool(random);
  const Shape scores{pick(random, 1, 9), pick(random, 2, 70)};
  LayerCase c = hinge_case("HingeLoss", {}, options, scores, random.uniform(0.5f, 20));
  c.forward_trust = ZeroTrust::off;  // all may be on the right side
  return c;
}

}  // namespace fovea::test
