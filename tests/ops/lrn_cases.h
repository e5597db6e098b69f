// SPDX-License-Identifier: Apache-2.0
//
// Local response normalisations.
#pragma once
#include <memory>
#include <vector>

#include "core/layers/lrn.h"
#include "tests/support/layer_test.h"
#include "tests/support/random_pick.h"

namespace fovea::test {

inline LayerCase lrn_case(const char* name, const char* why, const Shape& x, const LrnOptions& options,
                          const InputFill& fill = {}, bool small = false) {
  return {.name = name,
          .why = why,
          .layer = std::make_shared<Lrn>(options),
          .inputs = {x},
          .fills = {fill},
          .small = small};
}

inline std::vector<LayerCase> lrn_cases() {
  constexpr LrnRegion within = LrnRegion::within;
  // Most cases have a large alpha, so that the neighbours matter.
  return {
      lrn_case("AlexNetPaper", "k = 2, alpha not divided by size", {2, 8, 5, 5},
               {.size = 5, .alpha = 1e-4, .beta = 0.75, .k = 2, .divide_by_size = false}, {.low = -100, .high = 100}),
      lrn_case("CaffeAndTorch", "alpha divided by size", {2, 8, 5, 5}, {}, {.low = -100, .high = 100}),
      lrn_case("Strong", "an element is mostly its neighbours' business", {2, 9, 4, 3}, {.alpha = 5, .beta = 0.75}, {},
               true),
      lrn_case("EvenSize", "one more channel before than after", {1, 7, 3, 4}, {.size = 4, .alpha = 3, .k = 0.5}, {},
               true),
      lrn_case("SizeOne", "an element is its only neighbour", {1, 5, 4, 4}, {.size = 1, .alpha = 2}),
      lrn_case("SizeAboveChannels", "every channel is a neighbour", {2, 3, 2, 5}, {.size = 9, .alpha = 4}),
      lrn_case("OneChannel", "nobody else there", {2, 1, 5, 3}, {.size = 5, .alpha = 4}),
      lrn_case("BetaOne", "an ordinary quotient", {1, 6, 3, 3}, {.size = 3, .alpha = 3, .beta = 1}),
      lrn_case("BetaZero", "the identity", {1, 6, 3, 3}, {.size = 3, .alpha = 3, .beta = 0}),
      lrn_case("BetaHigh", "the power multiplies errors", {1, 6, 3, 3}, {.size = 3, .alpha = 3, .beta = 4.5}),
      lrn_case("AlphaZero", "d = k", {1, 4, 3, 3}, {.alpha = 0, .k = 3}),
      lrn_case("SmallK", "d is nearly all neighbours", {1, 6, 4, 4}, {.size = 3, .alpha = 1, .k = 1e-3}, {}),
      lrn_case("Within", "rows and columns, alpha divided by 9", {2, 3, 6, 7},
               {.size = 3, .alpha = 5, .region = within}, {}, true),
      lrn_case("WithinEven", "one more row after than before", {1, 2, 6, 5},
               {.size = 4, .alpha = 5, .region = within, .divide_by_size = false}, {}, true),
      lrn_case("WithinSizeAboveImage", "every pixel is a neighbour", {2, 2, 3, 4},
               {.size = 11, .alpha = 5, .region = within, .divide_by_size = false}),
      lrn_case("WithinOneRow", "no rows above or below", {1, 3, 1, 33}, {.size = 5, .alpha = 5, .region = within}),
      lrn_case("Channels8", "in NHWC: whole vectors of channels", {2, 8, 4, 3}, {.size = 5, .alpha = 5}, {}, true),
      lrn_case("WithinChannels8", "in NHWC: a thread has neighbouring channels", {1, 8, 5, 6},
               {.size = 3, .alpha = 5, .region = within}, {}, true),
      lrn_case("WithinChannels24", "in NHWC: several vectors at each place", {2, 24, 4, 3},
               {.size = 4, .alpha = 5, .region = within}),
      lrn_case("Block255", "one thread of the block has nothing", {1, 5, 3, 17}, {.size = 3, .alpha = 3}),
      lrn_case("Block257", "a block with one thread", {1, 1, 1, 257}, {.size = 3, .alpha = 3, .region = within}),
      lrn_case("LargeValues", "squares near 1e12", {1, 5, 3, 3}, {.alpha = 1}, {.low = -1e6f, .high = 1e6f}),
  };
}

inline LayerCase random_lrn_case(RandomStream& random) {
  LrnOptions o;
  o.size = pick(random, 1, 7);
  o.alpha = pick_real(random, 0, 6);
  o.beta = pick_real(random, 0, 2);
  o.k = pick_real(random, 0.1, 3);
  o.region = pick_bool(random) ? LrnRegion::across : LrnRegion::within;
  o.divide_by_size = pick_bool(random);
  const std::int64_t n = pick(random, 1, 3), c = pick(random, 1, 9), h = pick(random, 1, 7);
  return {.name = "Lrn", .layer = std::make_shared<Lrn>(o), .inputs = {{n, c, h, pick(random, 1, 7)}}};
}

}  // namespace fovea::test
