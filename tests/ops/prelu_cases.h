// SPDX-License-Identifier: Apache-2.0
//
// PReLUs that tests and benchmarks share. The slope's gradient takes one warp per plane, four planes per block, and
// then one block of 256 threads per slope.
#pragma once
#include <memory>
#include <vector>

#include "core/layers/prelu.h"
#include "tests/support/layer_test.h"
#include "tests/support/random_pick.h"

namespace fovea::test {

inline LayerCase prelu_case(const char* name, const char* why, Shape x, bool shared = false, InputFill fill = {}) {
  // Few elements may all be positive or, among small integers, 0.
  const ZeroTrust trust = x.elements() < 10 ? ZeroTrust::off : ZeroTrust::on;
  return {.name = name,
          .why = why,
          .layer = std::make_shared<Prelu>(PreluOptions{.shared = shared}),
          .inputs = {x},
          .fills = {fill},
          .exact_forward = true,
          .exact_backward = true,
          .forward_trust = trust,
          .backward_trust = trust,
          .small = x.elements() < 400};
}

inline std::vector<LayerCase> prelu_cases() {
  return {
      prelu_case("FeatureMap", "a slope for each of six channels", {2, 6, 28, 28}),
      prelu_case("FeatureMapShared", "one slope for all channels", {2, 6, 28, 28}, true),
      prelu_case("OneElement", "one plane of one element", {1, 1}),
      prelu_case("Dense", "planes of one element, as behind a linear layer", {7, 33}),
      prelu_case("DenseShared", "the same with one slope", {7, 33}, true),
      prelu_case("OneChannel", "[C] and [1] are the same", {3, 1, 9, 5}),
      prelu_case("Warp31", "planes of a warp less one", {2, 2, 31}),
      prelu_case("Warp32", "planes of exactly a warp; five planes fill a block and start another", {1, 5, 4, 8}),
      prelu_case("Warp33", "planes of a warp and one", {3, 3, 33}),
      prelu_case("Block255", "one element less than a block", {1, 3, 85}),
      prelu_case("Block257", "one element more than a block", {1, 1, 257}),
      prelu_case("ManySamples", "more samples than a block has threads", {300, 3, 2}),
      prelu_case("ManyPlanesShared", "more planes than a block has threads", {40, 13, 3}, true),
      prelu_case("SixAxes", "three spatial axes and one more", {2, 3, 2, 3, 2, 3}),
      prelu_case("AllNegative", "the slope everywhere", {2, 4, 6, 5}, false, {.low = -2, .high = -0.1f}),
      prelu_case("AllPositive", "the slope nowhere: its gradient is 0", {2, 4, 6, 5}, false, {.low = 0.1f, .high = 2}),
      prelu_case("Large", "values in hundreds", {2, 3, 50}, false, {.low = -900, .high = 900}),
  };
}

inline LayerCase random_prelu_case(RandomStream& random) {
  const std::int64_t n = pick(random, 1, 9), c = pick(random, 1, 9);
  const Shape shapes[] = {{n, c}, {n, c, pick(random, 1, 70)}, {n, c, pick(random, 1, 9), pick(random, 1, 9)}};
  const float middle = random.uniform(-1, 1);
  LayerCase drawn = prelu_case("Prelu", "", shapes[random.below(3)], pick_bool(random),
                               {.low = middle - 2, .high = middle + 2, .distinct = pick_bool(random)});
  drawn.why.clear();
  drawn.parameter_fills = {{.low = -2, .high = 2}};
  drawn.forward_trust = drawn.backward_trust = ZeroTrust::off;
  return drawn;
}

}  // namespace fovea::test
