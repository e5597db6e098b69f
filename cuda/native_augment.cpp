// SPDX-License-Identifier: Apache-2.0
//
// Augmentation of batches of bytes, and their normalisation.
#include "cuda/native_ops.h"

#include "cuda/arguments.h"
#include "cuda/kernels/kernels.h"

namespace fovea::FOVEA_TARGET {

// Inside the class an operation's name means the member: say kernels:: for the launcher.
namespace kernels = fovea::FOVEA_TARGET;

namespace {

// The arguments of a pass, whose images must be a batch that its kernel can index.
class Pass : public Arguments {
 public:
  Pass(std::string_view operation, const Memory& memory, ConstView images)
      : Arguments(operation, memory), images_(std::move(images)) {
    require_rank("images", images_, 4, 4);
    require_indexable("images", images_.elements());
  }
  void require_rgb() const {
    const Shape& s = images_.shape;
    check("images", images_, {s[0], 3, s[2], s[3]}, DType::u8);
  }
  const std::int64_t* rows(const ConstView& rows, std::int64_t numbers) const {
    return in<std::int64_t>("rows", rows, {images_.shape[0], numbers});
  }
  // The images themselves, to be changed.
  std::uint8_t* pixels(const View& images) const { return out<std::uint8_t>("images", images, images_.shape); }

 private:
  ConstView images_;
};

}  // namespace

void NativeOps::augment_warp(ConstView rows, ConstView x, View y) {
  const Pass pass("augment_warp", memory_, x);
  kernels::augment_warp(stream_, x.shape, pass.rows(rows, augment_numbers(AugmentPass::warp)),
                        pass.in<std::uint8_t>("x", x, x.shape), pass.out<std::uint8_t>("y", y, x.shape));
}

void NativeOps::augment_brightness(ConstView rows, View images) {
  const Pass pass("augment_brightness", memory_, images);
  kernels::augment_brightness(stream_, images.shape, pass.rows(rows, augment_numbers(AugmentPass::brightness)),
                              pass.pixels(images));
}

void NativeOps::augment_contrast(ConstView rows, View images) {
  const Pass pass("augment_contrast", memory_, images);
  kernels::augment_contrast(stream_, images.shape, pass.rows(rows, augment_numbers(AugmentPass::contrast)),
                            pass.pixels(images));
}

void NativeOps::augment_saturation(ConstView rows, View images) {
  const Pass pass("augment_saturation", memory_, images);
  pass.require_rgb();
  kernels::augment_saturation(stream_, images.shape, pass.rows(rows, augment_numbers(AugmentPass::saturation)),
                              pass.pixels(images));
}

void NativeOps::augment_hue(ConstView rows, View images) {
  const Pass pass("augment_hue", memory_, images);
  pass.require_rgb();
  kernels::augment_hue(stream_, images.shape, pass.rows(rows, augment_numbers(AugmentPass::hue)), pass.pixels(images));
}

void NativeOps::augment_offset(ConstView rows, View images) {
  const Pass pass("augment_offset", memory_, images);
  pass.require_rgb();
  kernels::augment_offset(stream_, images.shape, pass.rows(rows, augment_numbers(AugmentPass::offset)),
                          pass.pixels(images));
}

std::size_t NativeOps::augment_blur_workspace(const Shape& images) {
  return static_cast<std::size_t>(images.elements()) * sizeof(std::uint16_t);
}

void NativeOps::augment_blur(ConstView rows, View images, Workspace workspace) {
  const Pass pass("augment_blur", memory_, images);
  pass.require_rank("rows", rows, 2, 2);
  const std::int64_t radius = rows.shape[1] / 2;
  pass.require_workspace(workspace, augment_blur_workspace(images.shape));
  kernels::augment_blur(stream_, images.shape, radius, pass.rows(rows, augment_numbers(AugmentPass::blur, radius)),
                        pass.pixels(images), static_cast<std::uint16_t*>(workspace.data));
}

void NativeOps::augment_noise(ConstView rows, ConstView normal, View images) {
  const Pass pass("augment_noise", memory_, images);
  kernels::augment_noise(stream_, images.shape, pass.rows(rows, augment_numbers(AugmentPass::noise)),
                         pass.in<std::int32_t>("normal", normal, {normal_numbers}), pass.pixels(images));
}

void NativeOps::augment_cutout(ConstView rows, View images) {
  const Pass pass("augment_cutout", memory_, images);
  kernels::augment_cutout(stream_, images.shape, pass.rows(rows, augment_numbers(AugmentPass::cutout)),
                          pass.pixels(images));
}

void NativeOps::augment_mix(ConstView rows, ConstView others, View images) {
  const Pass pass("augment_mix", memory_, images);
  kernels::augment_mix(stream_, images.shape, pass.rows(rows, mix_numbers),
                       pass.in<std::uint8_t>("others", others, images.shape), pass.pixels(images));
}

void NativeOps::augment_normalise(ConstView table, ConstView images, View y) {
  const Pass pass("augment_normalise", memory_, images);
  kernels::augment_normalise(stream_, images.shape, pass.in("table", table, {images.shape[1], byte_values}),
                             pass.in<std::uint8_t>("images", images, images.shape), pass.out("y", y, images.shape));
}

}  // namespace fovea::FOVEA_TARGET
