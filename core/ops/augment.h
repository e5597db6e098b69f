// SPDX-License-Identifier: Apache-2.0
//
// Augmentation and normalisation of a batch of images. The random numbers are drawn on the host (core/data/augment);
// what is then done to pixels is a pass, whole-number arithmetic throughout, so that every device makes the same bytes.
//
//   images, x, y u8 [N, C, H, W]        rows i64 [N, numbers]: what was drawn for each sample
//
//   pass        numbers                what becomes of a sample
//   warp        m0 ... m7, edge        y at (w, h) is x at ((m0 X + m1 Y + m2) / d, (m3 X + m4 Y + m5) / d),
//                                      X = w + 1/2, Y = h + 1/2, d = m6 X + m7 Y + 1; the m are in 1/2^32. Positions are
//                                      cut to 1/256 of a pixel and four neighbours blended; beyond x it is black, or its
//                                      edge is repeated where `edge` is 1. Black, too, where d is below 2^-25
//   brightness  f                      each value v: blend(v, 0, f)
//   contrast    f                      blend(v, the image's mean grey, f)
//   saturation  f                      blend(v, the pixel's grey, f); C = 3
//   hue         t                      the colour wheel turned by t / 2^16 of its six sectors, |t| <= 3 sectors; C = 3
//   offset      r, g, b                v + that of its channel; C = 3
//   blur        w[-R] ... w[R]         the mean with these weights in 1/32768 along rows, then along columns; the edge is
//                                      repeated
//   noise       key, counter, s        v + s / 256 times a normal number: below
//   cutout      h0, h1, w0, w1         rows h0 <= h < h1 and columns w0 <= w < w1 become their channel's mean
//   mix         k, h0, h1, w0, w1      rows h0 <= h < h1 and columns w0 <= w < w1 become (k v + (256 - k) o + 128) >> 8 with
//                                      the value o of another image there; the last of all, and not one of AugmentPass
//
//   blend(v, other, f) = other + f / 1024 * (v - other) = other + (((v - other) * 128 * f >> 16) + 1 >> 1)
//   grey = 77 r + 150 g + 29 b + 128 >> 8; of an image that has not three channels, channel 0
//
// Results are cut to 0 ... 255 and means rounded to the nearest. Noise: of the sample's elements 8 b ... 8 b + 7 each takes
// 12 bits of block b of Philox under (key, counter), the upper two twelves of its four words in turn, and with them one of
// the 4096 equally likely numbers of `normal`, in 1/4096: v + (normal * s + 2^19 >> 20).
#pragma once
#include "core/ops/workspace.h"
#include "core/tensor/tensor.h"

namespace fovea {

enum class AugmentPass { warp, brightness, contrast, saturation, hue, offset, blur, noise, cutout };

constexpr int warp_fraction_bits = 32;
constexpr int factor_bits = 10;      // of the factors of brightness, contrast and saturation
constexpr int hue_sector = 1 << 16;  // a sixth of the colour wheel

// Numbers of a row; those of a blur depend on its radius, 2 R + 1.
constexpr std::int64_t augment_numbers(AugmentPass pass, std::int64_t radius = 0) {
  switch (pass) {
    case AugmentPass::warp:
      return 9;
    case AugmentPass::brightness:
    case AugmentPass::contrast:
    case AugmentPass::saturation:
    case AugmentPass::hue:
      return 1;
    case AugmentPass::offset:
    case AugmentPass::noise:
      return 3;
    case AugmentPass::blur:
      return 2 * radius + 1;
    case AugmentPass::cutout:
      return 4;
  }
  return 0;
}

constexpr std::int64_t mix_numbers = 5;
constexpr std::int64_t normal_numbers = 4096;  // of the table of noise
constexpr std::int64_t byte_values = 256;

class AugmentOps {
 public:
  virtual ~AugmentOps() = default;
  virtual void augment_warp(ConstView rows, ConstView x, View y) = 0;
  virtual void augment_brightness(ConstView rows, View images) = 0;
  virtual void augment_contrast(ConstView rows, View images) = 0;
  virtual void augment_saturation(ConstView rows, View images) = 0;
  virtual void augment_hue(ConstView rows, View images) = 0;
  virtual void augment_offset(ConstView rows, View images) = 0;
  // Scratch bytes for images of this shape.
  virtual std::size_t augment_blur_workspace(const Shape& images) = 0;
  virtual void augment_blur(ConstView rows, View images, Workspace workspace) = 0;
  // normal: i32 [normal_numbers]
  virtual void augment_noise(ConstView rows, ConstView normal, View images) = 0;
  virtual void augment_cutout(ConstView rows, View images) = 0;
  // others: the images that are mixed in
  virtual void augment_mix(ConstView rows, ConstView others, View images) = 0;
  // table f32 [C, byte_values], y f32 [N, C, H, W]: y = table[channel][value]
  virtual void augment_normalise(ConstView table, ConstView images, View y) = 0;
};

}  // namespace fovea
