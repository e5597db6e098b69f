// SPDX-License-Identifier: Apache-2.0
#include "core/train/device_augmentation.h"

#include <algorithm>
#include <utility>

#include "core/data/augment/normal.h"

namespace fovea {
namespace {

// What bytes become, as a table on the device.
Tensor normalisation_table(const Normalization& normalization, const Shape& sample_shape,
                           const std::shared_ptr<Memory>& memory) {
  const std::int64_t channels = sample_shape[0];
  std::vector<std::uint8_t> values;
  for (std::int64_t i = 0; i < channels * byte_values; ++i)
    values.push_back(static_cast<std::uint8_t>(i % byte_values));
  Tensor table({channels, byte_values});
  PixelTable(normalization, sample_shape).apply(values, table.span<float>().data());
  return table.to(memory);
}

bool has_pass(const std::vector<Augmentation::Pass>& passes, AugmentPass wanted) {
  return std::ranges::any_of(passes, [&](const Augmentation::Pass& p) { return p.pass == wanted; });
}

}  // namespace

DeviceAugmentation::DeviceAugmentation(const Augmentation& augmentation, const Normalization& normalization,
                                       const Shape& sample_shape, Backend& backend)
    : passes_(augmentation.passes()),
      numbers_(augmentation.numbers()),
      mixes_(augmentation.mixes()),
      sample_shape_(sample_shape),
      backend_(backend),
      ops_(*backend.choose("augment", Direction::forward, {}).ops),
      table_(normalisation_table(normalization, sample_shape, backend.memory())),
      normal_(Tensor::from<std::int32_t>({normal_numbers}, normal_table()).to(backend.memory())) {}

DeviceAugmentation::Room& DeviceAugmentation::room_for(std::int64_t samples) {
  Room& room = rooms_[samples];
  if (!room.images.empty()) return room;
  const std::shared_ptr<Memory> memory = backend_.memory();
  const std::int64_t all = mixes_ ? 2 * samples : samples;
  const Shape shape = sample_shape_.with_batch(all);
  room.pixels = Tensor(shape, DType::u8, memory);
  if (has_pass(passes_, AugmentPass::warp)) room.warped = Tensor(shape, DType::u8, memory);
  if (numbers_ > 0) room.rows = Tensor({all * numbers_}, DType::i64, memory);
  if (mixes_) room.mixes = Tensor({samples, mix_numbers}, DType::i64, memory);
  const auto scratch =
      has_pass(passes_, AugmentPass::blur) ? static_cast<std::int64_t>(ops_.augment_blur_workspace(shape)) : 0;
  if (scratch > 0) room.scratch = Tensor({scratch}, DType::u8, memory);
  room.images = Tensor(sample_shape_.with_batch(samples), DType::f32, memory);
  return room;
}

std::size_t DeviceAugmentation::bytes(const Augmentation& augmentation, const Shape& sample_shape, Backend& backend,
                                      std::span<const std::int64_t> counts) {
  const std::vector<Augmentation::Pass> passes = augmentation.passes();
  Ops& ops = *backend.choose("augment", Direction::forward, {}).ops;
  std::size_t bytes = static_cast<std::size_t>(sample_shape[0] * byte_values) * size_of(DType::f32) +
                      normal_numbers * size_of(DType::i32);
  for (const std::int64_t count : counts) {
    const std::int64_t all = augmentation.mixes() ? 2 * count : count;
    const Shape shape = sample_shape.with_batch(all);
    const auto elements = static_cast<std::size_t>(shape.elements());
    bytes +=
        elements * size_of(DType::u8) + static_cast<std::size_t>(count * sample_shape.elements()) * size_of(DType::f32);
    if (has_pass(passes, AugmentPass::warp)) bytes += elements;
    if (has_pass(passes, AugmentPass::blur)) bytes += ops.augment_blur_workspace(shape);
    bytes += static_cast<std::size_t>(all * augmentation.numbers()) * size_of(DType::i64);
    if (augmentation.mixes()) bytes += static_cast<std::size_t>(count * mix_numbers) * size_of(DType::i64);
  }
  return bytes;
}

const Tensor& DeviceAugmentation::images(const Batch& batch, std::int64_t first, std::int64_t count) {
  Room& room = room_for(count);
  const std::shared_ptr<Memory> memory = backend_.memory();
  const std::int64_t samples = batch.labels.shape()[0], pixels = sample_shape_.elements();
  // The part of every list that belongs to these images, and the same of their partners behind it.
  const std::int64_t halves = mixes_ ? 2 : 1;
  const auto copy = [&](const auto* from, std::int64_t each, auto* to) {
    for (std::int64_t half = 0; half < halves; ++half)
      memory->send_from_host(to + half * count * each, from + (half * samples + first) * each,
                             static_cast<std::size_t>(count * each) * sizeof(*from));
  };
  copy(batch.images.span<std::uint8_t>().data(), pixels, static_cast<std::uint8_t*>(room.pixels.view().data));
  const std::int64_t* drawn = numbers_ > 0 ? batch.rows.span<std::int64_t>().data() : nullptr;
  auto* rows = numbers_ > 0 ? static_cast<std::int64_t*>(room.rows.view().data) : nullptr;
  for (const Augmentation::Pass& p : passes_) {
    copy(drawn, p.numbers, rows);
    run(p.pass, View{rows, {halves * count, p.numbers}, DType::i64, Layout::nchw, memory.get()}, room);
    rows += halves * count * p.numbers;
    drawn += halves * samples * p.numbers;
  }
  const auto part = [&](std::int64_t half) {
    auto* data = static_cast<std::uint8_t*>(room.pixels.view().data) + half * count * pixels;
    return View{data, sample_shape_.with_batch(count), DType::u8, Layout::nchw, memory.get()};
  };
  if (mixes_) {
    memory->send_from_host(room.mixes.view().data, batch.mixes.span<std::int64_t>().data() + first * mix_numbers,
                           room.mixes.bytes());
    ops_.augment_mix(room.mixes.view(), part(1), part(0));
  }
  ops_.augment_normalise(table_.view(), part(0), room.images.view());
  return room.images;
}

void DeviceAugmentation::run(AugmentPass pass, ConstView rows, Room& room) {
  const View pixels = room.pixels.view();
  switch (pass) {
    case AugmentPass::warp:
      ops_.augment_warp(rows, pixels, room.warped.view());
      return std::swap(room.pixels, room.warped);
    case AugmentPass::brightness:
      return ops_.augment_brightness(rows, pixels);
    case AugmentPass::contrast:
      return ops_.augment_contrast(rows, pixels);
    case AugmentPass::saturation:
      return ops_.augment_saturation(rows, pixels);
    case AugmentPass::hue:
      return ops_.augment_hue(rows, pixels);
    case AugmentPass::offset:
      return ops_.augment_offset(rows, pixels);
    case AugmentPass::blur:
      return ops_.augment_blur(
          rows, pixels, room.scratch.empty() ? Workspace{} : Workspace{room.scratch.view().data, room.scratch.bytes()});
    case AugmentPass::noise:
      return ops_.augment_noise(rows, normal_.view(), pixels);
    case AugmentPass::cutout:
      return ops_.augment_cutout(rows, pixels);
  }
}

}  // namespace fovea
