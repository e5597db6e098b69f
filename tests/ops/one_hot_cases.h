// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <vector>

#include "core/layers/one_hot.h"
#include "tests/support/layer_test.h"
#include "tests/support/random_pick.h"

namespace fovea::test {

// `off` is not 0 in most cases, so that a wrong element shows.
inline LayerCase one_hot_case(std::string name, std::string why, std::int64_t batch, OneHotOptions options,
                              bool small = false) {
  return {.name = std::move(name),
          .why = std::move(why),
          .layer = std::make_shared<OneHot>(options),
          .inputs = {{batch}},
          .fills = {{.classes = options.classes}},
          .exact_forward = true,
          .forward_trust = options.off == 0 ? ZeroTrust::off : ZeroTrust::on,
          .small = small};
}

inline std::vector<LayerCase> one_hot_cases() {
  return {
      one_hot_case("OneClass", "the only class", 3, {.classes = 1}, true),
      one_hot_case("OneLabel", "a batch of one", 1, {.classes = 2, .off = -1}, true),
      one_hot_case("Adaline", "targets 1 and -1", 16, {.classes = 3, .on = 1, .off = -1}, true),
      one_hot_case("Probabilities", "targets 1 and 0, as a loss of squares reads them", 64, {.classes = 10}),
      one_hot_case("Smoothed", "neither is a float32 number: the nearest ones", 9,
                   {.classes = 10, .on = 0.9, .off = 0.1}),
      one_hot_case("Swapped", "off above on", 7, {.classes = 4, .on = -2, .off = 5}, true),
      one_hot_case("Classes31", "a row shorter than a warp", 9, {.classes = 31, .off = 0.5}),
      one_hot_case("Classes32", "a row like a warp", 8, {.classes = 32, .off = 0.5}),
      one_hot_case("Classes33", "a row longer than a warp", 9, {.classes = 33, .off = 0.5}),
      one_hot_case("Classes257", "a row longer than a block", 3, {.classes = 257, .off = 0.25}),
      one_hot_case("Elements255", "one less than a block", 85, {.classes = 3, .off = 2}),
      one_hot_case("Elements256", "a block", 64, {.classes = 4, .off = 2}),
      one_hot_case("ImageNet", "1000 classes", 5, {.classes = 1000, .off = 1e-3}),
      one_hot_case("Extremes", "the largest and the smallest float32", 5,
                   {.classes = 3, .on = 0x1.fffffep127, .off = -0x1p-149}),
  };
}

inline LayerCase random_one_hot_case(RandomStream& random) {
  OneHotOptions o;
  o.classes = pick(random, 1, 70);
  o.on = pick_real(random, -2, 2), o.off = pick_real(random, -2, 2);
  return one_hot_case("OneHot", "", pick(random, 1, 40), o);
}

}  // namespace fovea::test
