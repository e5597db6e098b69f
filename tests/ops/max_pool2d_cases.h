// SPDX-License-Identifier: Apache-2.0
//
// Max poolings that tests and benchmarks share.
#pragma once
#include <ostream>
#include <vector>

#include "core/ops/max_pool2d.h"

namespace fovea::test {

struct MaxPool2dCase {
  const char* name;
  const char* why;
  Shape x;
  MaxPool2dOptions options;
  bool small = false;
};
inline std::ostream& operator<<(std::ostream& out, const MaxPool2dCase& c) {
  return out << c.name << " (" << c.why << "), x " << c.x.to_string();
}

inline const std::vector<MaxPool2dCase>& max_pool2d_cases() {
  static const std::vector<MaxPool2dCase> cases{
      {"LeNetPool1", "the first pooling of lenet5", {2, 6, 28, 28}, {}},
      {"LeNetPool2", "the second pooling of lenet5", {2, 16, 10, 10}, {}},
      {"SinglePixel", "one window of one element", {1, 1, 1, 1}, {.kernel = 1, .stride = 1}, true},
      {"OddInput", "the last row and column belong to no window", {2, 3, 7, 9}, {}, true},
      {"CeilMode", "the last windows hang over the edge", {2, 3, 7, 9}, {.ceil_mode = true}, true},
      {"CeilModeStride3",
       "the last window holds one row",
       {1, 2, 10, 10},
       {.kernel = 2, .stride = 3, .ceil_mode = true}},
      {"CeilModeDropsWindow",
       "ceil rounding would start a window in the trailing padding",
       {1, 2, 5, 5},
       {.kernel = 2, .stride = 2, .padding = 1, .ceil_mode = true}},
      {"Overlapping",
       "AlexNet's 3x3, stride 2: an element may win four times",
       {2, 4, 13, 13},
       {.kernel = 3, .stride = 2},
       true},
      {"OverlappingPadded",
       "ResNet's 3x3, stride 2, padding 1",
       {2, 4, 11, 12},
       {.kernel = 3, .stride = 2, .padding = 1},
       true},
      {"Stride1", "every element lies in nine windows", {1, 3, 8, 7}, {.kernel = 3, .stride = 1, .padding = 1}},
      {"StrideAboveKernel", "elements between the windows", {2, 3, 11, 10}, {.kernel = 2, .stride = {3, 4}}, true},
      {"KernelUnequal", "rows and columns must not be swapped", {2, 2, 9, 8}, {.kernel = {3, 2}, .stride = {2, 1}}},
      {"PadAsymmetric", "four different sides", {1, 3, 8, 9}, {.kernel = {4, 5}, .stride = 2, .padding = {2, 1, 0, 2}}},
      {"GlobalWindow", "the window is the image", {3, 5, 6, 7}, {.kernel = {6, 7}, .stride = 1}},
      {"Window16x16",
       "256 elements: the largest window with a one-byte index",
       {1, 2, 20, 19},
       {.kernel = 16, .stride = 2}},
      {"Window17x17",
       "289 elements: the index takes two bytes",
       {1, 2, 20, 21},
       {.kernel = 17, .stride = {1, 2}},
       true},
      {"ManyPlanes", "more planes than positions", {5, 33, 4, 4}, {}},
      {"Channels16", "in NHWC: whole vectors of channels", {2, 16, 7, 6}, {.kernel = 3, .stride = 2}, true},
      {"Channels20", "in NHWC: whole vectors in float32 only", {2, 20, 5, 6}, {.kernel = {2, 3}, .stride = 1}, true},
      {"Channels8Window17x17",
       "whole vectors, the index takes two bytes",
       {1, 8, 20, 21},
       {.kernel = 17, .stride = {2, 1}}},
      {"Minimum", "the smallest wins", {2, 3, 8, 8}, {.minimum = true}},
      {"MinimumOverlapping", "an element may win four times", {2, 4, 13, 13}, {.kernel = 3, .minimum = true}, true},
      {"MinimumPadded",
       "padding is no small number",
       {2, 3, 9, 10},
       {.kernel = {3, 4}, .stride = {1, 3}, .padding = {1, 2, 0, 1}, .minimum = true},
       true},
      {"MinimumCeilMode", "the last windows hang over the edge", {1, 5, 7, 9}, {.ceil_mode = true, .minimum = true}},
      {"Minimum17x17", "the index takes two bytes", {1, 2, 20, 21}, {.kernel = 17, .stride = 1, .minimum = true}},
  };
  return cases;
}

}  // namespace fovea::test
