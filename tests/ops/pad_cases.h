// SPDX-License-Identifier: Apache-2.0
//
// Frames added (pad) and cut off (crop).
#pragma once
#include <memory>
#include <vector>

#include "core/layers/crop.h"
#include "core/layers/pad.h"
#include "tests/support/layer_test.h"
#include "tests/support/random_pick.h"

namespace fovea::test {

inline LayerCase pad_case(std::string name, std::string why, Shape x, PadOptions options, bool small = false) {
  // A frame of zeros may be most of y.
  return {.name = std::move(name),
          .why = std::move(why),
          .layer = std::make_shared<Pad>(options),
          .inputs = {x},
          .exact_forward = true,
          .exact_backward = true,
          .forward_trust = options.value == 0 ? ZeroTrust::off : ZeroTrust::on,
          .small = small};
}

inline std::vector<LayerCase> pad_cases() {
  return {
      pad_case("NoFrame", "a copy", {2, 3, 4, 5}, {}, true),
      pad_case("One", "one pixel on all sides", {2, 3, 4, 5}, {.padding = 1}, true),
      pad_case("FourSides", "four different sides", {2, 3, 4, 5}, {.padding = {1, 2, 3, 4}, .value = 0.5}, true),
      pad_case("OneSide", "on the right only", {2, 3, 4, 5}, {.padding = {0, 0, 0, 1}, .value = -1}),
      pad_case("ChannelsOnly", "the parameter-free shortcut of ResNet on CIFAR", {2, 16, 8, 8},
               {.front = 8, .back = 8}),
      pad_case("ChannelsUneven", "front and back must not be swapped", {3, 2, 3, 3},
               {.front = 1, .back = 4, .value = 3}),
      pad_case("AllAxes", "channels and sides", {2, 2, 3, 4},
               {.padding = {2, 1}, .front = 1, .back = 2, .value = 1e-30}, true),
      pad_case("WideFrame", "one pixel in a frame of seven", {1, 1, 1, 1}, {.padding = 7, .value = 2}, true),
      pad_case("AroundAWarp", "rows of 31 that become 33", {1, 2, 3, 31}, {.padding = {0, 1}, .value = -3}),
      pad_case("AroundABlock", "rows of 255 that become 257", {1, 2, 2, 255}, {.padding = {0, 1}, .value = 4}),
      pad_case("ManyPlanes", "more planes than pixels", {5, 33, 2, 2}, {.padding = {1, 0}, .value = 5}),
      pad_case("LargestValue", "the largest float32", {1, 2, 3, 4}, {.padding = 1, .value = 0x1.fffffep127}),
      pad_case("RoundedValue", "0.1 has no float32: the frame holds the nearest", {1, 2, 3, 4},
               {.padding = 1, .value = 0.1}),
  };
}

inline LayerCase random_pad_case(RandomStream& random) {
  PadOptions o;
  o.padding = pick_padding(random, 4, 4);
  o.front = pick(random, 0, 3), o.back = pick(random, 0, 3);
  o.value = pick_bool(random) ? 0 : pick_real(random, -2, 2);
  return pad_case("Pad", "", pick_images(random, 1, 1), o);
}

inline LayerCase crop_case(std::string name, std::string why, Shape x, CropOptions options, bool small = false) {
  // What is cut off has no gradient.
  return {.name = std::move(name),
          .why = std::move(why),
          .layer = std::make_shared<Crop>(options),
          .inputs = {x},
          .exact_forward = true,
          .exact_backward = true,
          .backward_trust = ZeroTrust::off,
          .small = small};
}

inline std::vector<LayerCase> crop_cases() {
  return {
      crop_case("NoCut", "a copy", {2, 3, 4, 5}, {}, true),
      crop_case("One", "one pixel on all sides", {2, 3, 4, 5}, {.cut = 1}, true),
      crop_case("FourSides", "four different sides", {2, 3, 9, 12}, {.cut = {1, 2, 3, 4}}, true),
      crop_case("OneSide", "at the bottom only", {2, 3, 4, 5}, {.cut = {0, 0, 1, 0}}),
      crop_case("CentrePixel", "all but the pixel in the middle", {2, 3, 7, 9}, {.cut = {3, 4}}, true),
      crop_case("FcnScore", "the 31 rows by which an FCN's score exceeds the image", {1, 2, 40, 44}, {.cut = {19, 12}}),
      crop_case("ChannelsOnly", "some channels in the middle", {2, 12, 3, 3}, {.front = 4, .back = 5}),
      crop_case("LastChannel", "all channels but the last", {3, 5, 2, 3}, {.front = 4}),
      crop_case("AllAxes", "channels and sides", {2, 5, 6, 7}, {.cut = {2, 1}, .front = 1, .back = 2}, true),
      crop_case("AroundAWarp", "rows of 33 that become 31", {1, 2, 3, 33}, {.cut = {0, 1}}),
      crop_case("AroundABlock", "rows of 257 that become 255", {1, 2, 2, 257}, {.cut = {0, 1}}),
  };
}

inline LayerCase random_crop_case(RandomStream& random) {
  CropOptions o;
  o.cut = pick_padding(random, 4, 4);
  o.front = pick(random, 0, 3), o.back = pick(random, 0, 3);
  const Shape left = pick_images(random, 1, 1);
  return crop_case(
      "Crop", "",
      {left[0], left[1] + o.front + o.back, left[2] + o.cut.top + o.cut.bottom, left[3] + o.cut.left + o.cut.right}, o);
}

}  // namespace fovea::test
