// SPDX-License-Identifier: Apache-2.0
//
// Poolings of sequences.
#pragma once
#include <algorithm>
#include <memory>
#include <vector>

#include "core/layers/avg_pool1d.h"
#include "core/layers/max_pool1d.h"
#include "tests/support/layer_test.h"
#include "tests/support/random_pick.h"

namespace fovea::test {

inline LayerCase max_pool1d_case(std::string name, std::string why, Shape x, MaxPool1dOptions options,
                                 bool small = false) {
  return {.name = std::move(name),
          .why = std::move(why),
          .layer = std::make_shared<MaxPool1d>(options),
          .inputs = {x},
          .fills = {{.distinct = true}},
          .exact_forward = true,
          .exact_backward = true,
          .backward_trust = ZeroTrust::off,  // most elements of a large window win nothing
          .small = small};
}

inline std::vector<LayerCase> max_pool1d_cases() {
  return {
      max_pool1d_case("Halves", "the usual one", {2, 3, 8}, {}, true),
      max_pool1d_case("OddLength", "the last element belongs to no window", {2, 3, 9}, {}, true),
      max_pool1d_case("CeilMode", "the last window hangs over the end", {2, 3, 9}, {.ceil_mode = true}, true),
      max_pool1d_case("SingleElement", "one window of one element", {1, 1, 1}, {.kernel = 1, .stride = 1}, true),
      max_pool1d_case("Overlapping", "an element may win twice", {2, 3, 13}, {.kernel = 3, .stride = 2}, true),
      max_pool1d_case("PadLeft", "left and right must not be swapped", {2, 3, 12}, {.kernel = 5, .padding = {2, 0}}),
      max_pool1d_case("PadRight", "", {2, 3, 12}, {.kernel = 5, .padding = {0, 2}}),
      max_pool1d_case("StrideAboveKernel", "elements between the windows", {1, 3, 17}, {.kernel = 2, .stride = 5}),
      max_pool1d_case("Global", "the window is the sequence", {3, 4, 20}, {.kernel = 20, .stride = 1}),
      max_pool1d_case("Window256", "the largest window with a one-byte index", {1, 2, 300},
                      {.kernel = 256, .stride = 7}),
      max_pool1d_case("Window257", "the index takes two bytes", {1, 2, 300}, {.kernel = 257, .stride = 7}),
  };
}

inline LayerCase random_max_pool1d_case(RandomStream& random) {
  MaxPool1dOptions o;
  o.kernel = pick(random, 1, 6), o.stride = pick(random, 1, 5);
  o.padding = pick_size(random, 0, o.kernel / 2);
  o.ceil_mode = pick_bool(random);
  return max_pool1d_case("MaxPool1d", "", {pick(random, 1, 3), pick(random, 1, 5), o.kernel + pick(random, 0, 40)}, o);
}

inline LayerCase avg_pool1d_case(std::string name, std::string why, Shape x, AvgPool1dOptions options,
                                 bool small = false) {
  return {.name = std::move(name),
          .why = std::move(why),
          .layer = std::make_shared<AvgPool1d>(options),
          .inputs = {x},
          .backward_trust = options.stride > options.kernel ? ZeroTrust::off : ZeroTrust::on,
          .small = small};
}

inline std::vector<LayerCase> avg_pool1d_cases() {
  return {
      avg_pool1d_case("Halves", "the usual one", {2, 3, 8}, {}, true),
      avg_pool1d_case("OddLength", "the last element belongs to no window", {2, 3, 9}, {}, true),
      avg_pool1d_case("CeilMode", "the last window hangs over the end", {2, 3, 9}, {.ceil_mode = true}, true),
      avg_pool1d_case("SingleElement", "one window of one element", {1, 1, 1}, {.kernel = 1, .stride = 1}, true),
      avg_pool1d_case("Smoothing", "a moving average of five", {2, 3, 21}, {.kernel = 5, .stride = 1, .padding = 2},
                      true),
      avg_pool1d_case("CountInside", "padding does not count", {2, 3, 21},
                      {.kernel = 5, .stride = 1, .padding = 2, .count_include_pad = false}, true),
      avg_pool1d_case("PadLeft", "left and right must not be swapped", {2, 3, 12}, {.kernel = 5, .padding = {2, 0}}),
      avg_pool1d_case("PadRight", "", {2, 3, 12}, {.kernel = 5, .padding = {0, 2}, .count_include_pad = false}),
      avg_pool1d_case("StrideAboveKernel", "elements between the windows", {1, 3, 17}, {.kernel = 2, .stride = 5}),
      avg_pool1d_case("Global", "the window is the sequence", {3, 4, 20}, {.kernel = 20, .stride = 1}),
      avg_pool1d_case("Length257", "longer than a block", {1, 2, 257}, {.kernel = 3, .stride = 1, .padding = 1}),
  };
}

inline LayerCase random_avg_pool1d_case(RandomStream& random) {
  AvgPool1dOptions o;
  o.kernel = pick(random, 1, 6), o.stride = pick(random, 1, 5);
  o.padding = pick_size(random, 0, o.kernel / 2);
  o.ceil_mode = pick_bool(random), o.count_include_pad = pick_bool(random);
  LayerCase c =
      avg_pool1d_case("AvgPool1d", "", {pick(random, 1, 3), pick(random, 1, 5), o.kernel + pick(random, 0, 40)}, o);
  c.backward_trust = ZeroTrust::off;
  return c;
}

}  // namespace fovea::test
