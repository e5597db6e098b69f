// SPDX-License-Identifier: Apache-2.0
//
// Augmentation of batches of bytes, and their normalisation.
#include <algorithm>

#include "cpu_reference/augment.h"
#include "cpu_reference/dispatch.h"
#include "cpu_reference/reference_ops.h"

namespace fovea {

using reference::Arguments;

namespace {

// Applies `pass` to all samples after a look at the arguments.
template <class Pass>
void augment(const Arguments& arguments, std::int64_t numbers, bool rgb, const ConstView& rows, const View& images,
             Pass&& pass) {
  arguments.demand(images.shape.rank() == 4, "images", "bytes [N, C, H, W]", images);
  const Shape& s = images.shape;
  arguments.check("images", images, {s[0], rgb ? 3 : s[1], s[2], s[3]}, DType::u8);
  arguments.check("rows", rows, {s[0], numbers}, DType::i64);
  reference::augment(s, numbers, data_as<std::int64_t>(rows), data_as<std::uint8_t>(images), pass);
}

}  // namespace

void ReferenceOps::augment_warp(ConstView rows, ConstView x, View y) {
  const Arguments arguments("augment_warp");
  arguments.check("x", x, y.shape, DType::u8);
  arguments.check("y", y, y.shape, DType::u8);
  std::copy_n(data_as<std::uint8_t>(x), x.elements(), data_as<std::uint8_t>(y));
  augment(arguments, augment_numbers(AugmentPass::warp), false, rows, y, warp_image);
  ++executed_;
}

void ReferenceOps::augment_brightness(ConstView rows, View images) {
  augment(Arguments("augment_brightness"), augment_numbers(AugmentPass::brightness), false, rows, images,
          change_brightness);
  ++executed_;
}

void ReferenceOps::augment_contrast(ConstView rows, View images) {
  augment(Arguments("augment_contrast"), augment_numbers(AugmentPass::contrast), false, rows, images, change_contrast);
  ++executed_;
}

void ReferenceOps::augment_saturation(ConstView rows, View images) {
  augment(Arguments("augment_saturation"), augment_numbers(AugmentPass::saturation), true, rows, images,
          change_saturation);
  ++executed_;
}

void ReferenceOps::augment_hue(ConstView rows, View images) {
  augment(Arguments("augment_hue"), augment_numbers(AugmentPass::hue), true, rows, images, turn_hue);
  ++executed_;
}

void ReferenceOps::augment_offset(ConstView rows, View images) {
  augment(Arguments("augment_offset"), augment_numbers(AugmentPass::offset), true, rows, images, add_offset);
  ++executed_;
}

std::size_t ReferenceOps::augment_blur_workspace(const Shape&) { return 0; }

void ReferenceOps::augment_blur(ConstView rows, View images, Workspace) {
  const Arguments arguments("augment_blur");
  arguments.demand(rows.shape.rank() == 2, "rows", "weights [N, 2 R + 1]", rows);
  augment(arguments, augment_numbers(AugmentPass::blur, rows.shape[1] / 2), false, rows, images, blur_image);
  ++executed_;
}

void ReferenceOps::augment_noise(ConstView rows, ConstView normal, View images) {
  const Arguments arguments("augment_noise");
  arguments.check("normal", normal, {normal_numbers}, DType::i32);
  const std::span<const std::int32_t> table(data_as<std::int32_t>(normal), normal_numbers);
  augment(arguments, augment_numbers(AugmentPass::noise), false, rows, images,
          [&](AugmentRow row, const ImageBytes& image) { add_noise(row, table, image); });
  ++executed_;
}

void ReferenceOps::augment_cutout(ConstView rows, View images) {
  augment(Arguments("augment_cutout"), augment_numbers(AugmentPass::cutout), false, rows, images, cut_out);
  ++executed_;
}

void ReferenceOps::augment_mix(ConstView rows, ConstView others, View images) {
  const Arguments arguments("augment_mix");
  arguments.demand(images.shape.rank() == 4, "images", "bytes [N, C, H, W]", images);
  arguments.check("images", images, images.shape, DType::u8);
  arguments.check("others", others, images.shape, DType::u8);
  arguments.check("rows", rows, {images.shape[0], mix_numbers}, DType::i64);
  reference::augment_mix(images.shape, data_as<std::int64_t>(rows), data_as<std::uint8_t>(others),
                         data_as<std::uint8_t>(images));
  ++executed_;
}

void ReferenceOps::augment_normalise(ConstView table, ConstView images, View y) {
  const Arguments arguments("augment_normalise");
  arguments.demand(images.shape.rank() == 4, "images", "bytes [N, C, H, W]", images);
  arguments.check("images", images, images.shape, DType::u8);
  arguments.check("table", table, {images.shape[1], byte_values}, DType::f32);
  arguments.check("y", y, images.shape, DType::f32);
  reference::augment_normalise(images.shape, data_as<float>(table), data_as<std::uint8_t>(images), data_as<float>(y));
  ++executed_;
}

}  // namespace fovea
