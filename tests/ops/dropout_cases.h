// SPDX-License-Identifier: Apache-2.0
//
// Dropouts that tests and benchmarks share. A thread serves four elements, a block 1,024.
#pragma once
#include <memory>
#include <vector>

#include "core/layers/dropout.h"
#include "tests/support/layer_test.h"
#include "tests/support/random_pick.h"

namespace fovea::test {

inline LayerCase dropout_case(const char* name, const char* why, double rate, Shape x) {
  const double scale = 1 / (1 - rate);
  const bool whole = scale == static_cast<double>(static_cast<int>(scale));
  // What is dropped is 0.
  const ZeroTrust trust = rate > 0.6 || x.elements() < 40 ? ZeroTrust::off : ZeroTrust::on;
  return {.name = name,
          .why = why,
          .layer = std::make_shared<Dropout>(DropoutOptions{.rate = rate}),
          .inputs = {x},
          .exact_forward = whole,
          .exact_backward = whole,
          .forward_trust = trust,
          .backward_trust = trust,
          .small = x.elements() < 400};
}

inline std::vector<LayerCase> dropout_cases() {
  return {
      dropout_case("One", "the first word of a random block", 0.5, {1}),
      dropout_case("Two", "two words of a random block", 0.5, {2}),
      dropout_case("Three", "three words of a random block", 0.5, {1, 3}),
      dropout_case("Four", "a whole random block", 0.5, {4}),
      dropout_case("Five", "a random block and one word more", 0.5, {5}),
      dropout_case("Warp127", "a warp of threads less one element", 0.5, {127}),
      dropout_case("Block1023", "a block of threads less one element", 0.5, {3, 341}),
      dropout_case("Block1024", "exactly a block of threads", 0.5, {2, 512}),
      dropout_case("Block1025", "a block of threads and one element more", 0.5, {1025}),
      dropout_case("FeatureMap", "a feature map of lenet5", 0.5, {2, 6, 28, 28}),
      dropout_case("Planes35", "in NHWC: planes that begin anywhere in a random block", 0.5, {2, 5, 5, 7}),
      dropout_case("Planes16", "in NHWC: planes of whole random blocks", 0.5, {2, 8, 4, 4}),
      dropout_case("Planes2", "in NHWC: two planes in a random block", 0.5, {3, 9, 1, 2}),
      dropout_case("Planes3", "in NHWC: planes that reach into two random blocks", 0.5, {3, 7, 3, 1}),
      dropout_case("RateZero", "the identity", 0, {2, 33}),
      dropout_case("RateThird", "a scale that is not a float", 1.0 / 3, {6, 70}),
      dropout_case("RateTenth", "few are dropped", 0.1, {5, 7, 11}),
      dropout_case("RateHigh", "few are kept", 0.9, {1, 2000}),
      dropout_case("RateThreeQuarters", "a scale of exactly 4", 0.75, {1, 1, 1, 511}),
      dropout_case("RateTiny", "a rate below one step of u: only u = 0 is dropped", 1e-9, {300}),
      dropout_case("RateAlmostOne", "above the largest u: nothing is kept", 1 - 1e-9, {300}),
  };
}

inline LayerCase random_dropout_case(RandomStream& random) {
  LayerCase c = dropout_case("Dropout", "", pick_real(random, 0, 0.95), pick_shape(random, 2000));
  c.why.clear();
  c.forward_trust = c.backward_trust = ZeroTrust::off;
  return c;
}

}  // namespace fovea::test
