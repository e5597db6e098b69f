// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <memory>
#include <vector>

#include "core/layers/conv_transpose2d.h"
#include "tests/support/layer_test.h"
#include "tests/support/random_pick.h"

namespace fovea::test {

inline LayerCase conv_transpose2d_case(std::string name, std::string why, Shape x, ConvTranspose2dOptions options,
                                       bool small = false) {
  // A kernel smaller than the stride leaves gaps.
  const bool gaps = options.kernel.h < options.stride.h || options.kernel.w < options.stride.w;
  return {.name = std::move(name),
          .why = std::move(why),
          .layer = std::make_shared<ConvTranspose2d>(options),
          .inputs = {x},
          .exact_forward = true,
          .exact_backward = true,
          .forward_trust = gaps && !options.bias ? ZeroTrust::off : ZeroTrust::on,
          .small = small,
          .rounds_twice = options.bias};
}

inline std::vector<LayerCase> conv_transpose2d_cases() {
  return {
      conv_transpose2d_case("SinglePixel", "the filter itself", {1, 1, 1, 1}, {.out_channels = 1, .kernel = 3}, true),
      conv_transpose2d_case("UNetUp", "kernel 2, stride 2: nothing overlaps", {2, 6, 5, 4},
                            {.out_channels = 3, .kernel = 2, .stride = 2}, true),
      conv_transpose2d_case("DcganUp", "kernel 4, stride 2, padding 1: twice the size", {2, 5, 4, 6},
                            {.out_channels = 3, .kernel = 4, .stride = 2, .padding = 1}, true),
      conv_transpose2d_case("OutputPadding", "kernel 3, stride 2: 2H, not 2H - 1", {2, 4, 5, 4},
                            {.out_channels = 3, .kernel = 3, .stride = 2, .padding = 1, .output_padding = 1}, true),
      conv_transpose2d_case("OutputPaddingUnequal", "rows and columns must not be swapped", {1, 3, 4, 3},
                            {.out_channels = 2, .kernel = 3, .stride = {2, 4}, .output_padding = {0, 3}}, true),
      conv_transpose2d_case("Stride1", "a convolution with its filter turned over", {2, 3, 6, 5},
                            {.out_channels = 4, .kernel = 3, .padding = 1}, true),
      conv_transpose2d_case("Fcn8", "bilinear upsampling by 8 in an FCN", {1, 2, 3, 4},
                            {.out_channels = 2, .kernel = 16, .stride = 8, .padding = 4, .bias = false}),
      conv_transpose2d_case("Gaps", "a kernel smaller than the stride: the bias alone between", {1, 3, 4, 3},
                            {.out_channels = 2, .kernel = 2, .stride = 3}),
      conv_transpose2d_case("GapsNoBias", "zeros between", {1, 3, 4, 3},
                            {.out_channels = 2, .kernel = 1, .stride = {2, 3}, .bias = false}),
      conv_transpose2d_case("Dilated", "a spread filter", {1, 3, 4, 5},
                            {.out_channels = 2, .kernel = 3, .stride = 2, .dilation = {2, 3}}),
      conv_transpose2d_case("KernelUnequal", "3 x 2, padding on one side each", {2, 2, 4, 5},
                            {.out_channels = 3, .kernel = {3, 2}, .stride = {1, 2}, .padding = {2, 0, 0, 1}}, true),
      conv_transpose2d_case("FourPaddings", "four different sides", {1, 2, 5, 5},
                            {.out_channels = 2, .kernel = 5, .stride = 2, .padding = {0, 1, 3, 2}}),
      conv_transpose2d_case("Groups", "two groups: weight [C, K/groups, R, S]", {2, 6, 3, 4},
                            {.out_channels = 4, .kernel = 3, .stride = 2, .groups = 2}, true),
      conv_transpose2d_case("Depthwise", "one filter for each channel", {2, 17, 3, 3},
                            {.out_channels = 17, .kernel = 4, .stride = 2, .padding = 1, .groups = 17}),
      conv_transpose2d_case("Pointwise", "1 x 1", {2, 5, 4, 4}, {.out_channels = 7, .kernel = 1}),
      conv_transpose2d_case("ManyChannels", "more than a tile of channels and filters", {1, 67, 3, 4},
                            {.out_channels = 66, .kernel = 2, .stride = 2}),
      conv_transpose2d_case("OneLine", "an image of one row", {2, 3, 1, 33},
                            {.out_channels = 2, .kernel = {1, 3}, .stride = {1, 2}, .padding = {0, 1}}),
  };
}

inline LayerCase random_conv_transpose2d_case(RandomStream& random) {
  ConvTranspose2dOptions o;
  o.groups = pick(random, 1, 3);
  o.out_channels = o.groups * pick(random, 1, 4);
  o.kernel = pick_size(random, 1, 4);
  o.stride = pick_size(random, 1, 3);
  o.dilation = pick_size(random, 1, 2);
  o.output_padding = {pick(random, 0, o.stride.h - 1), pick(random, 0, o.stride.w - 1)};
  o.bias = pick_bool(random);
  const std::int64_t h = pick(random, 1, 6), w = pick(random, 1, 6);
  // At least one pixel must be left.
  const auto most = [](std::int64_t extent, std::int64_t stride, std::int64_t dilation, std::int64_t kernel) {
    return std::min(((extent - 1) * stride + dilation * (kernel - 1)) / 2, kernel);
  };
  o.padding = pick_padding(random, most(h, o.stride.h, o.dilation.h, o.kernel.h),
                           most(w, o.stride.w, o.dilation.w, o.kernel.w));
  LayerCase c =
      conv_transpose2d_case("ConvTranspose2d", "", {pick(random, 1, 3), o.groups * pick(random, 1, 4), h, w}, o);
  c.forward_trust = c.backward_trust = ZeroTrust::off;  // gaps, and filters that fall into the padding
  return c;
}

}  // namespace fovea::test
