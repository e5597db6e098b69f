// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <vector>

#include "core/layers/conv1d.h"
#include "tests/support/layer_test.h"
#include "tests/support/random_pick.h"

namespace fovea::test {

inline LayerCase conv1d_case(std::string name, std::string why, Shape x, Conv1dOptions options, bool small = false) {
  // Elements between the windows have no gradient.
  const bool gaps = options.stride > options.dilation * (options.kernel - 1) + 1;
  return {.name = std::move(name),
          .why = std::move(why),
          .layer = std::make_shared<Conv1d>(options),
          .inputs = {x},
          .exact_forward = true,
          .exact_backward = true,
          .backward_trust = gaps ? ZeroTrust::off : ZeroTrust::on,
          .small = small};
}

inline std::vector<LayerCase> conv1d_cases() {
  return {
      conv1d_case("OneByOne", "a single product", {1, 1, 1}, {.out_channels = 1, .bias = false}, true),
      conv1d_case("Pointwise", "kernel 1: a linear layer at each position", {2, 3, 9}, {.out_channels = 4}, true),
      conv1d_case("Same", "kernel 3, padding 1: the length stays", {2, 3, 17},
                  {.out_channels = 5, .kernel = 3, .padding = 1}, true),
      conv1d_case("Causal", "padding on the left only: no look into the future", {2, 3, 12},
                  {.out_channels = 4, .kernel = 4, .padding = {3, 0}}, true),
      conv1d_case("RightOnly", "left and right must not be swapped", {1, 2, 11},
                  {.out_channels = 3, .kernel = 5, .padding = {1, 4}}),
      conv1d_case("Dilated", "every fourth element, as WaveNet looks back", {1, 4, 40},
                  {.out_channels = 4, .kernel = 2, .padding = {4, 0}, .dilation = 4}),
      conv1d_case("Stride2", "an odd length: the last element belongs to no window", {2, 3, 16},
                  {.out_channels = 4, .kernel = 3, .stride = 2}, true),
      conv1d_case("StrideAboveKernel", "elements between the windows", {1, 3, 20},
                  {.out_channels = 2, .kernel = 2, .stride = 5}),
      conv1d_case("Groups", "two groups of channels", {2, 6, 13},
                  {.out_channels = 4, .kernel = 3, .padding = 1, .groups = 2}, true),
      conv1d_case("Depthwise", "one filter for each channel", {2, 33, 10},
                  {.out_channels = 33, .kernel = 5, .padding = 2, .groups = 33}),
      conv1d_case("WholeSequence", "the kernel is the sequence", {3, 4, 9}, {.out_channels = 6, .kernel = 9}),
      conv1d_case("Length31", "shorter than a warp", {1, 2, 31}, {.out_channels = 3, .kernel = 3}),
      conv1d_case("Length33", "longer than a warp", {1, 2, 33}, {.out_channels = 3, .kernel = 1}),
      conv1d_case("Length257", "longer than a block", {1, 2, 257}, {.out_channels = 2, .kernel = 7, .padding = 3}),
      conv1d_case("Deep", "many channels: a long sum", {1, 130, 20}, {.out_channels = 9, .kernel = 3, .padding = 1}),
      conv1d_case("NoBias", "", {2, 3, 14}, {.out_channels = 4, .kernel = 3, .bias = false}),
  };
}

inline LayerCase random_conv1d_case(RandomStream& random) {
  Conv1dOptions o;
  o.groups = pick(random, 1, 3);
  o.out_channels = o.groups * pick(random, 1, 5);
  o.kernel = pick(random, 1, 6);
  o.stride = pick(random, 1, 3);
  o.padding = pick_size(random, 0, o.kernel - 1);
  o.dilation = pick(random, 1, 3);
  o.bias = pick_bool(random);
  const std::int64_t length = o.dilation * (o.kernel - 1) + 1 + pick(random, 0, 30);
  LayerCase c = conv1d_case("Conv1d", "", {pick(random, 1, 3), o.groups * pick(random, 1, 4), length}, o);
  c.backward_trust = ZeroTrust::off;  // what the last window leaves over
  return c;
}

}  // namespace fovea::test
