// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <vector>

#include "core/layers/upsample2d.h"
#include "tests/support/layer_test.h"
#include "tests/support/random_pick.h"

namespace fovea::test {

// `exact`: all weights are short binary fractions, so that integers stay exact.
inline LayerCase upsample2d_case(std::string name, std::string why, Shape x, Upsample2dOptions options, bool exact,
                                 bool small = false) {
  const Shape y = upsample2d_output_shape(options, x);
  // An image that shrinks leaves pixels that nobody reads.
  const bool shrinks = y[2] < x[2] || y[3] < x[3];
  return {.name = std::move(name),
          .why = std::move(why),
          .layer = std::make_shared<Upsample2d>(options),
          .inputs = {x},
          .exact_forward = exact,
          .exact_backward = exact,
          .backward_trust = shrinks ? ZeroTrust::off : ZeroTrust::on,
          .small = small};
}

inline std::vector<LayerCase> upsample2d_cases() {
  constexpr UpsampleMode nearest = UpsampleMode::nearest, bilinear = UpsampleMode::bilinear;
  return {
      upsample2d_case("Twice", "the usual one", {2, 3, 5, 7}, {}, true, true),
      upsample2d_case("ScaleUnequal", "rows and columns must not be swapped", {2, 3, 4, 5}, {.scale = {3, 2}}, true,
                      true),
      upsample2d_case("Identity", "scale 1: a copy", {2, 3, 4, 5}, {.scale = 1}, true),
      upsample2d_case("SinglePixel", "one pixel everywhere", {2, 2, 1, 1}, {.scale = {5, 4}}, true, true),
      upsample2d_case("SizeNotAMultiple", "some pixels are read twice, others three times", {2, 3, 3, 4},
                      {.size = {7, 11}}, true, true),
      upsample2d_case("Shrink", "a smaller image skips pixels", {2, 3, 9, 11}, {.size = {4, 3}}, true, true),
      upsample2d_case("ShrinkAndGrow", "fewer rows, more columns", {1, 3, 9, 4}, {.size = {5, 13}}, true),
      upsample2d_case("AroundAWarp", "rows of 31 that become 33", {1, 2, 3, 31}, {.size = {3, 33}}, true),
      upsample2d_case("AroundABlock", "rows of 255 that become 257", {1, 1, 2, 255}, {.size = {2, 257}}, true),
      upsample2d_case("ManyPlanes", "more planes than pixels", {5, 33, 2, 2}, {}, true),
      upsample2d_case("Sixteenfold", "a pixel read 256 times", {1, 2, 3, 2}, {.scale = 16}, true),

      upsample2d_case("BilinearTwice", "the usual one: weights of 1/16 to 9/16", {2, 3, 5, 7}, {.mode = bilinear}, true,
                      true),
      upsample2d_case("BilinearFourfold", "edges of two pixels that are copies", {1, 3, 4, 5},
                      {.scale = 4, .mode = bilinear}, true),
      upsample2d_case("BilinearThreefold", "weights of thirds", {2, 3, 5, 4}, {.scale = 3, .mode = bilinear}, false,
                      true),
      upsample2d_case("BilinearUnequal", "rows by 5, columns by 2", {2, 2, 3, 5}, {.scale = {5, 2}, .mode = bilinear},
                      false),
      upsample2d_case("BilinearIdentity", "scale 1: all weights 0 or 1", {2, 3, 4, 5}, {.scale = 1, .mode = bilinear},
                      true),
      upsample2d_case("BilinearSize", "not a multiple", {2, 3, 3, 4}, {.size = {7, 11}, .mode = bilinear}, false, true),
      upsample2d_case("BilinearShrink", "skips pixels between those it mixes", {2, 3, 11, 13},
                      {.size = {3, 4}, .mode = bilinear}, false, true),
      upsample2d_case("BilinearSinglePixel", "nothing to mix with", {2, 2, 1, 1}, {.scale = 3, .mode = bilinear}, true,
                      true),
      upsample2d_case("BilinearOneRow", "one row, nine columns", {1, 2, 1, 9}, {.scale = 2, .mode = bilinear}, true),
      upsample2d_case("BilinearToOnePixel", "the middle of the image", {2, 3, 4, 5}, {.size = 1, .mode = bilinear},
                      true),
      upsample2d_case("BilinearAroundAWarp", "rows of 33 that become 31", {1, 2, 3, 33},
                      {.size = {3, 31}, .mode = bilinear}, false),
      upsample2d_case("BilinearFcn", "a score map of an FCN, by 8", {1, 5, 4, 6}, {.scale = 8, .mode = bilinear}, true),

      upsample2d_case("AlignedTwice", "corners on corners", {2, 3, 5, 7}, {.mode = bilinear, .align_corners = true},
                      false, true),
      upsample2d_case("AlignedHalves", "5 to 9: every other pixel is a copy", {1, 2, 5, 9},
                      {.size = {9, 17}, .mode = bilinear, .align_corners = true}, true, true),
      upsample2d_case("AlignedIdentity", "the same size: a copy", {2, 3, 4, 5},
                      {.scale = 1, .mode = bilinear, .align_corners = true}, true),
      upsample2d_case("AlignedShrink", "corners stay, the rest thins out", {2, 3, 11, 13},
                      {.size = {4, 5}, .mode = bilinear, .align_corners = true}, false, true),
      upsample2d_case("AlignedSinglePixel", "one pixel everywhere", {2, 2, 1, 1},
                      {.scale = 4, .mode = bilinear, .align_corners = true}, true, true),
      upsample2d_case("AlignedTwoPixels", "two rows: each is read by all rows but one", {1, 2, 2, 2},
                      {.size = {10, 7}, .mode = bilinear, .align_corners = true}, false),
      upsample2d_case("AlignedToOneRow", "one output row: the first input row", {2, 3, 4, 5},
                      {.size = {1, 9}, .mode = bilinear, .align_corners = true}, true),
      upsample2d_case("AlignedPrime", "no coordinate but the corners is whole", {1, 2, 12, 14},
                      {.size = {30, 32}, .mode = bilinear, .align_corners = true}, false),
      upsample2d_case("NearestSizeAndScale", "a size for the rows, a scale for the columns", {1, 2, 4, 5},
                      {.scale = 3, .size = {9, 0}, .mode = nearest}, true),
  };
}

inline LayerCase random_upsample2d_case(RandomStream& random) {
  Upsample2dOptions o;
  o.mode = pick_bool(random) ? UpsampleMode::nearest : UpsampleMode::bilinear;
  o.align_corners = o.mode == UpsampleMode::bilinear && pick_bool(random);
  o.scale = pick_size(random, 1, 4);
  if (pick_bool(random)) o.size = pick_size(random, 1, 24);
  LayerCase c = upsample2d_case("Upsample2d", "", pick_images(random, 1, 1), o, o.mode == UpsampleMode::nearest);
  return c;
}

}  // namespace fovea::test
