// SPDX-License-Identifier: Apache-2.0
//
// Average poolings that tests and benchmarks share.
#pragma once
#include <ostream>
#include <vector>

#include "core/ops/avg_pool2d.h"

namespace fovea::test {

struct AvgPool2dCase {
  const char* name;
  const char* why;
  Shape x;
  AvgPool2dOptions options;
  bool small = false;
};
inline std::ostream& operator<<(std::ostream& out, const AvgPool2dCase& c) {
  return out << c.name << " (" << c.why << "), x " << c.x.to_string();
}

inline const std::vector<AvgPool2dCase>& avg_pool2d_cases() {
  static const std::vector<AvgPool2dCase> cases{
      {"LeNetS2", "the first sub-sampling of lenet5-1998", {2, 6, 28, 28}, {}},
      {"LeNetS4", "the second sub-sampling of lenet5-1998", {2, 16, 10, 10}, {}},
      {"SinglePixel", "one window of one element", {1, 1, 1, 1}, {.kernel = 1, .stride = 1}, true},
      {"OddInput", "the last row and column belong to no window", {2, 3, 7, 9}, {}, true},
      {"CeilMode", "what hangs over the edge does not count", {2, 3, 7, 9}, {.ceil_mode = true}, true},
      {"CeilModePadded",
       "a window over image, padding and beyond",
       {1, 2, 6, 7},
       {.kernel = 4, .stride = 3, .padding = 1, .ceil_mode = true},
       true},
      {"CeilModeExcludePad",
       "the same without counting padding",
       {1, 2, 6, 7},
       {.kernel = 4, .stride = 3, .padding = 1, .ceil_mode = true, .count_include_pad = false}},
      {"Padded", "padding counts", {2, 3, 6, 8}, {.kernel = 4, .stride = 2, .padding = 2}},
      {"ExcludePad",
       "padding does not count",
       {2, 3, 6, 8},
       {.kernel = 4, .stride = 2, .padding = 2, .count_include_pad = false},
       true},
      {"Overlapping",
       "3x3, stride 2: an element lies in up to four windows",
       {2, 4, 13, 13},
       {.kernel = 3, .stride = 2},
       true},
      {"Stride1", "every element lies in nine windows", {1, 3, 8, 7}, {.kernel = 3, .stride = 1, .padding = 1}},
      {"StrideAboveKernel", "elements between the windows", {2, 3, 11, 10}, {.kernel = 2, .stride = {3, 4}}},
      {"KernelUnequal", "rows and columns must not be swapped", {2, 2, 9, 8}, {.kernel = {4, 2}, .stride = {2, 1}}},
      {"PadAsymmetric", "four different sides", {1, 3, 8, 9}, {.kernel = {4, 5}, .stride = 2, .padding = {2, 1, 0, 2}}},
      {"GlobalWindow", "the window is the image", {3, 5, 6, 7}, {.kernel = {6, 7}, .stride = 1}},
      {"Window17x17", "289 addends", {1, 2, 20, 21}, {.kernel = 17, .stride = {1, 2}}},
      {"ManyPlanes", "more planes than positions", {5, 33, 4, 4}, {}},
      {"Channels16",
       "in NHWC: whole vectors of channels",
       {2, 16, 7, 6},
       {.kernel = 3, .stride = 2, .padding = 1},
       true},
      {"Channels20", "in NHWC: whole vectors in float32 only", {2, 20, 5, 6}, {.kernel = {2, 3}, .stride = 1}, true},
      {"Sum", "no division", {2, 3, 8, 8}, {.sum = true}},
      {"SumPadded",
       "padding adds nothing",
       {2, 3, 7, 9},
       {.kernel = {3, 4}, .stride = {2, 1}, .padding = {1, 2, 0, 1}, .sum = true},
       true},
      {"SumOverlapping", "an element counts four times", {2, 4, 13, 13}, {.kernel = 3, .stride = 2, .sum = true}},
      {"SumCeilMode", "nor does what hangs over", {1, 5, 7, 9}, {.ceil_mode = true, .sum = true}, true},
      {"Sum17x17", "289 addends", {1, 2, 20, 21}, {.kernel = 17, .stride = 1, .sum = true}},
  };
  return cases;
}

}  // namespace fovea::test
