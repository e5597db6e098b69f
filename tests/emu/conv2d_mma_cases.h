// SPDX-License-Identifier: Apache-2.0
//
// Convolutions for the tensor core kernels (cuda/kernels/conv2d_*_mma.cu). Their tiles are 64 or 128 pixels and filters,
// slices 32 products (16 of float), chunks 8 channels (4 of float), four slices in flight: every tail of these, and
// every way of loading and storing, is in the table.
#pragma once
#include <ostream>
#include <string>
#include <vector>

#include "core/ops/conv2d.h"
#include "cuda/kernels/kernels_mma.h"

namespace fovea::emu {

struct MmaCase {
  std::string name;  // the data's seed
  std::string why;
  Shape x;
  Conv2dOptions options;
  MmaTileSize size = MmaTileSize::small;
};
inline std::ostream& operator<<(std::ostream& out, const MmaCase& c) { return out << c.name << " (" << c.why << ')'; }

// Few channels, to be folded: strides and none, each with windows that end within a fold, dilation, and one pixel.
inline const std::vector<MmaCase>& fold_cases() {
  static const std::vector<MmaCase> cases{
      {"AlexNet",
       "11 taps in folds of 4",
       {2, 3, 31, 27},
       {.out_channels = 24, .kernel = 11, .stride = 4, .padding = 2}},
      {"ResNet",
       "7 taps in folds of 2, 12 channels",
       {1, 3, 15, 13},
       {.out_channels = 16, .kernel = 7, .stride = 2, .padding = 3}},
      {"LeNet", "a row of 5 taps", {2, 1, 9, 8}, {.out_channels = 6, .kernel = 5, .padding = 2}},
      {"Row",
       "9 products in 16 channels",
       {1, 3, 6, 5},
       {.out_channels = 72, .kernel = 3, .padding = 1, .bias = false}},
      {"Sides",
       "strides, kernels and paddings unlike",
       {1, 2, 10, 11},
       {.out_channels = 8, .kernel = {3, 2}, .stride = {2, 3}, .padding = {0, 1, 3, 4}}},
      {"OneStride",
       "along the width alone",
       {1, 3, 6, 12},
       {.out_channels = 8, .kernel = {2, 5}, .stride = {1, 3}, .padding = {1, 2}}},
      {"Dilated",
       "taps apart, and a stride",
       {1, 3, 13, 12},
       {.out_channels = 8, .kernel = 3, .stride = 2, .padding = 2, .dilation = {2, 3}}},
      {"StrideAboveKernel", "pixels between the windows", {1, 3, 9, 9}, {.out_channels = 8, .kernel = 2, .stride = 3}},
      {"SevenChannels", "two chunks for a tap and a half", {1, 7, 4, 4}, {.out_channels = 8, .kernel = 2}},
      {"OnePixel", "one of everything", {1, 1, 1, 1}, {.out_channels = 1, .kernel = 1}},
  };
  return cases;
}

inline const std::vector<MmaCase>& mma_cases() {
  static const std::vector<MmaCase> cases{
      {"OneChunk", "one pixel, 8 products: less than a step", {1, 8, 1, 1}, {.out_channels = 8, .kernel = 1}},
      {"SliceTail", "40 products, 65 pixels, 24 filters", {1, 40, 5, 13}, {.out_channels = 24, .kernel = 1}},
      {"Ring", "nine slices in a ring of four", {1, 32, 6, 7}, {.out_channels = 32, .kernel = 3, .padding = 1}},
      {"TapsInASlice",
       "24 channels: a slice has chunks of two taps; 72 filters: a tile and a chunk",
       {2, 24, 5, 9},
       {.out_channels = 72, .kernel = {3, 2}, .padding = 1, .bias = false}},
      {"StridesDilations",
       "four different sides, rows unlike columns",
       {2, 8, 13, 12},
       {.out_channels = 16, .kernel = {3, 2}, .stride = {2, 3}, .padding = {0, 1, 3, 4}, .dilation = {3, 2}}},
      {"Stride2",
       "classes of four, two, two taps and one",
       {2, 8, 9, 8},
       {.out_channels = 40, .kernel = 3, .stride = 2, .padding = 1}},
      {"OneByOneStride2",
       "three classes of pixels have no tap",
       {1, 16, 7, 6},
       {.out_channels = 8, .kernel = 1, .stride = 2}},
      {"StrideAboveKernel",
       "pixels between the windows",
       {1, 8, 11, 13},
       {.out_channels = 8, .kernel = 2, .stride = {3, 4}}},
      {"DilationIsStride",
       "all taps over one class",
       {1, 8, 9, 9},
       {.out_channels = 8, .kernel = 3, .stride = 2, .padding = 1, .dilation = 2}},
      {"StrideAboveImage",
       "fewer classes than the stride",
       {2, 8, 2, 3},
       {.out_channels = 8, .kernel = 3, .stride = 5, .padding = 2}},
      {"Groups2",
       "each half of the filters sees half of the channels",
       {2, 16, 5, 6},
       {.out_channels = 48, .kernel = 3, .padding = 1, .groups = 2}},
      {"Rgb",
       "3 channels and 5 filters: loads and stores by element",
       {2, 3, 9, 10},
       {.out_channels = 5, .kernel = 5, .stride = 2, .padding = 2}},
      {"OddChannels",
       "the images' chunks are whole, the results' are not",
       {1, 9, 5, 5},
       {.out_channels = 16, .kernel = 3}},
      {"OddFilters", "the reverse", {1, 16, 5, 5}, {.out_channels = 13, .kernel = 3}},
      {"Depthwise",
       "groups of one channel",
       {1, 8, 5, 5},
       {.out_channels = 16, .kernel = 3, .padding = 1, .groups = 8}},
      {"Splits",
       "1,360 pixels: three parts of a filter gradient",
       {5, 8, 16, 17},
       {.out_channels = 8, .kernel = 3, .padding = 1}},
      {"Narrow",
       "129 pixels, 72 filters",
       {3, 8, 1, 43},
       {.out_channels = 72, .kernel = {1, 3}, .padding = {0, 1}},
       MmaTileSize::narrow},
      {"Large",
       "129 pixels, 136 filters",
       {3, 8, 1, 43},
       {.out_channels = 136, .kernel = {1, 3}, .padding = {0, 1}},
       MmaTileSize::large},
      {"LargeRing",
       "ten slices, tails in every direction",
       {1, 104, 10, 14},
       {.out_channels = 40, .kernel = {3, 1}},
       MmaTileSize::large},
  };
  return cases;
}

}  // namespace fovea::emu
