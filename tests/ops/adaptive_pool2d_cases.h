// SPDX-License-Identifier: Apache-2.0
//
// Adaptive poolings, average and maximum.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/layers/adaptive_pool2d.h"
#include "tests/support/layer_test.h"
#include "tests/support/random_pick.h"

namespace fovea::test {

// Sizes and their reasons, for both kinds. `halves`: every window has 1, 2, 4, ... elements, whose mean is exact.
struct AdaptivePool2dSizes {
  const char* name;
  const char* why;
  Shape x;
  Size2 output;
  bool halves = false, small = false;
};
inline std::vector<AdaptivePool2dSizes> adaptive_pool2d_sizes() {
  return {
      {"AlexNet", "13x13 to 6x6: windows of 3 that overlap by one", {2, 5, 13, 13}, 6, false, true},
      {"Vgg", "7x7 to 7x7: every window is one element", {2, 3, 7, 7}, 7, true},
      {"Even", "windows that do not overlap", {2, 3, 8, 12}, {4, 3}, true},
      {"Larger", "more windows than elements: an element is a window several times", {2, 3, 3, 2}, {5, 7}},
      {"LargerMultiple", "each element is copied", {1, 2, 3, 4}, {6, 8}, true, true},
      {"Unequal", "rows and columns must not be swapped", {2, 3, 9, 5}, {2, 4}, false, true},
      {"OneRow", "all rows, three columns", {1, 4, 6, 10}, {1, 3}},
      {"GlobalResNet", "7x7 to 1x1", {3, 4, 7, 7}, 1, false, true},
      {"GlobalWarpTail1", "one element", {3, 2, 1, 1}, 1, true},
      {"GlobalWarpTail31", "one lane of the warp has nothing", {1, 3, 1, 31}, 1},
      {"GlobalWarpTail32", "each lane of the warp has one", {1, 3, 4, 8}, 1, true},
      {"GlobalWarpTail33", "one lane has two", {1, 3, 3, 11}, 1},
      {"GlobalNarrow", "a lane's step is many rows", {1, 2, 257, 1}, 1},
      {"GlobalLarge", "1,221 addends", {1, 2, 33, 37}, 1},
      {"Channels8", "in NHWC: whole vectors of channels", {2, 8, 7, 6}, {3, 2}, false, true},
      {"Channels72", "in NHWC: two groups of vectors, the last one not full", {2, 72, 7, 5}, {2, 1}},
      {"ManyPlanes", "255 elements of output: the last warps and threads have none", {3, 85, 2, 3}, 1},
      {"WideImage", "a row longer than a block", {1, 1, 2, 260}, {2, 7}},
  };
}

inline std::vector<LayerCase> adaptive_avg_pool2d_cases() {
  std::vector<LayerCase> cases;
  for (const AdaptivePool2dSizes& s : adaptive_pool2d_sizes())
    cases.push_back({.name = s.name,
                     .why = s.why,
                     .layer = std::make_shared<AdaptiveAvgPool2d>(AdaptivePool2dOptions{.output_size = s.output}),
                     .inputs = {s.x},
                     .exact_forward = s.halves,
                     .exact_backward = s.halves,
                     .small = s.small});
  cases.push_back({.name = "GlobalLayer",
                   .why = "the layer without options",
                   .layer = std::make_shared<GlobalAvgPool2d>(),
                   .inputs = {{2, 3, 5, 6}}});
  return cases;
}

// Most elements win nothing, so the gradient is mostly zeros.
inline std::vector<LayerCase> adaptive_max_pool2d_cases() {
  std::vector<LayerCase> cases;
  for (const AdaptivePool2dSizes& s : adaptive_pool2d_sizes())
    cases.push_back({.name = s.name,
                     .why = s.why,
                     .layer = std::make_shared<AdaptiveMaxPool2d>(AdaptivePool2dOptions{.output_size = s.output}),
                     .inputs = {s.x},
                     .fills = {{.distinct = true}},
                     .exact_forward = true,
                     .exact_backward = true,
                     .backward_trust = ZeroTrust::off,
                     .small = s.small});
  cases.push_back({.name = "GlobalLayer",
                   .why = "the layer without options",
                   .layer = std::make_shared<GlobalMaxPool2d>(),
                   .inputs = {{2, 3, 5, 6}},
                   .fills = {{.distinct = true}},
                   .exact_forward = true,
                   .exact_backward = true,
                   .backward_trust = ZeroTrust::off});
  return cases;
}

template <class L>
LayerCase random_adaptive_pool2d_case(RandomStream& random) {
  return {.name = "AdaptivePool2d",
          .layer = std::make_shared<L>(AdaptivePool2dOptions{.output_size = pick_size(random, 1, 9)}),
          .inputs = {pick_images(random, 1, 1)},
          .fills = {{.distinct = true}},
          .backward_trust = ZeroTrust::off};
}

}  // namespace fovea::test
