// SPDX-License-Identifier: Apache-2.0
//
// Every pass of augmentation against what the host makes of the same images: the same bytes.
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/data/augment/augmentation.h"
#include "core/data/augment/mix.h"
#include "core/data/augment/normal.h"
#include "core/data/augment/warp.h"
#include "core/data/dataset.h"
#include "tests/ops/augment_cases.h"
#include "tests/support/op_call.h"
#include "tests/support/op_test.h"

namespace fovea::test {
namespace {

using Bytes = std::vector<std::uint8_t>;

// Every operation, and each more than once where its samples do not see all of it.
const std::vector<std::string> every_op{
    "flip",         "shift:0",      "shift:3",    "crop:3",          "resized-crop",    "resized-crop:0.01:0.02",
    "rotate:30",    "rotate:180",   "shear:60",   "perspective:0.5", "perspective:0.9", "brightness:0.5",
    "brightness:1", "contrast:0.5", "contrast:1", "saturation:0.5",  "saturation:1",    "hue:0.2",
    "hue:0.5",      "pca:1",        "blur:0",     "blur:0.3",        "blur:2",          "blur:20",
    "noise:0",      "noise:0.1",    "noise:1",    "cutout:0",        "cutout:1",        "cutout:4",
    "cutout:100"};

Tensor bytes_of(const Shape& shape, RandomStream random) {
  Tensor tensor(shape, DType::u8);
  for (std::uint8_t& byte : tensor.span<std::uint8_t>()) byte = static_cast<std::uint8_t>(random.below(256));
  return tensor;
}

void run_pass(Ops& ops, AugmentPass pass, ConstView rows, ConstView extra, View images, Workspace workspace) {
  switch (pass) {
    case AugmentPass::warp:
      return ops.augment_warp(rows, extra, images);
    case AugmentPass::brightness:
      return ops.augment_brightness(rows, images);
    case AugmentPass::contrast:
      return ops.augment_contrast(rows, images);
    case AugmentPass::saturation:
      return ops.augment_saturation(rows, images);
    case AugmentPass::hue:
      return ops.augment_hue(rows, images);
    case AugmentPass::offset:
      return ops.augment_offset(rows, images);
    case AugmentPass::blur:
      return ops.augment_blur(rows, images, workspace);
    case AugmentPass::noise:
      return ops.augment_noise(rows, extra, images);
    case AugmentPass::cutout:
      return ops.augment_cutout(rows, images);
  }
}

class AugmentTest : public OpTest<AugmentCase> {
 protected:
  Bytes on_device(AugmentPass pass, const Tensor& rows, const Tensor& images) {
    // A warp reads one batch and writes another; noise reads a table; the others change what they are given.
    const bool warps = pass == AugmentPass::warp, noise = pass == AugmentPass::noise;
    const Tensor normal = Tensor::from<std::int32_t>({normal_numbers}, normal_table());
    const OpCall call{.op = "augment",
                      .inputs = {rows, warps   ? images
                                       : noise ? normal
                                               : Tensor()},
                      .outputs = {{images.shape(), DType::u8, warps ? Tensor() : images}},
                      .run = [&](Ops& ops, auto in, auto out,
                                 Workspace workspace) { run_pass(ops, pass, in[0], in[1], out[0], workspace); },
                      .workspace =
                          [&](Ops& ops, Layout) {
                            return pass == AugmentPass::blur ? ops.augment_blur_workspace(images.shape())
                                                             : std::size_t{0};
                          }};
    // Bytes have no NaN to tell of what was read or changed beside them: whatever lies there, nothing may differ.
    std::vector<Bytes> results;
    for (const unsigned char around : {0xFF, 0x00}) {
      const Execution run = execute(device(), call, around);
      EXPECT_EQ(run.fault, "");
      const auto bytes = run.outputs[0].span<std::uint8_t>();
      results.emplace_back(bytes.begin(), bytes.end());
    }
    EXPECT_EQ(results[0], results[1]);
    return results[0];
  }
};

TEST_P(AugmentTest, EveryOperationHasTheBytesOfTheHost) {
  const Shape shape = param().images;
  const Shape image_shape{shape[1], shape[2], shape[3]};
  for (const std::string& text : every_op) {
    const Augmentation augmentation = Augmentation::parse(text);
    try {
      augmentation.require_fits(image_shape);
    } catch (const InputError&) {
      continue;  // colours of a grey image, moved by more than its extent
    }
    ASSERT_EQ(augmentation.passes().size(), 1u) << text;
    const Augmentation::Pass pass = augmentation.passes()[0];
    const Tensor images = bytes_of(shape, random(0));
    Tensor rows({shape[0], pass.numbers}, DType::i64);
    Bytes expected(images.span<std::uint8_t>().begin(), images.span<std::uint8_t>().end()), scratch;
    const std::size_t size = expected.size() / static_cast<std::size_t>(shape[0]);
    for (std::int64_t n = 0; n < shape[0]; ++n) {
      augmentation.draw(7, 3, 10 + n, image_shape, n, shape[0], rows.span<std::int64_t>());
      augmentation.apply(7, 3, 10 + n, image_shape,
                         std::span(expected).subspan(static_cast<std::size_t>(n) * size, size), scratch);
    }
    EXPECT_EQ(on_device(pass.pass, rows, images), expected) << text;
  }
}

// Matrices that no operation draws: far away, mirrored twice, at and behind the viewer.
TEST_P(AugmentTest, AnyMatrixMapsAsOnTheHost) {
  const Shape shape = param().images;
  const auto H = static_cast<float>(shape[2]), W = static_cast<float>(shape[3]);
  for (std::uint64_t round = 0; round < 6; ++round) {
    const Tensor images = bytes_of(shape, random(round));
    Tensor rows({shape[0], augment_numbers(AugmentPass::warp)}, DType::i64);
    Bytes expected(images.span<std::uint8_t>().begin(), images.span<std::uint8_t>().end()), scratch;
    RandomStream drawn = random(100 + round);
    const std::size_t size = expected.size() / static_cast<std::size_t>(shape[0]);
    for (std::size_t n = 0; n < static_cast<std::size_t>(shape[0]); ++n) {
      const bool tilted = round % 2 == 1, turned = round / 2 == 1;
      WarpMatrix m{drawn.uniform(-2, 2),    0, drawn.uniform(-W, 2 * W), 0, drawn.uniform(-2, 2),
                   drawn.uniform(-H, 2 * H)};
      if (turned) m[1] = drawn.uniform(-2, 2), m[3] = drawn.uniform(-2, 2);
      if (tilted) m[6] = drawn.uniform(-3, 1) / W, m[7] = drawn.uniform(-3, 1) / H;
      if (round == 4) m[2] = 1e4, m[5] = -1e4;
      const WarpRow row = warp_row(m, n % 2 == 0 ? Outside::edge : Outside::black);
      std::ranges::copy(row, rows.span<std::int64_t>().begin() + static_cast<std::ptrdiff_t>(n * row.size()));
      warp_image(row, {shape[1], shape[2], shape[3], std::span(expected).subspan(n * size, size), scratch});
    }
    EXPECT_EQ(on_device(AugmentPass::warp, rows, images), expected) << "round " << round;
  }
}

// Mixes as they are drawn, and rectangles that touch nothing, every edge, or everything.
TEST_P(AugmentTest, MixesAsTheHost) {
  const Shape shape = param().images;
  const Shape image_shape{shape[1], shape[2], shape[3]};
  const std::int64_t H = shape[2], W = shape[3];
  const std::vector<MixRow> chosen{{0, 0, H, 0, W},           {256, 0, H, 0, W},   {1, 0, H, 0, W},
                                   {255, 0, H, 0, W},         {0, H / 2, H, 0, W}, {0, 0, H, W / 2, W},
                                   {100, H - 1, H, W - 1, W}, {0, 0, 0, 0, W}};
  for (const std::string text : {"mixup:0.5", "cutmix:1", "mixup:1,cutmix:1", "chosen"}) {
    const Tensor images = bytes_of(shape, random(0)), others = bytes_of(shape, random(1));
    Tensor rows({shape[0], mix_numbers}, DType::i64);
    Bytes expected(images.span<std::uint8_t>().begin(), images.span<std::uint8_t>().end()), scratch;
    const std::size_t size = expected.size() / static_cast<std::size_t>(shape[0]);
    for (std::size_t round = 0; round < (text == "chosen" ? chosen.size() : 4); ++round) {
      for (std::size_t n = 0; n < static_cast<std::size_t>(shape[0]); ++n) {
        const MixRow row = text == "chosen" ? chosen[(round + n) % chosen.size()]
                                            : Augmentation::parse(text)
                                                  .draw_mix(7, static_cast<std::int64_t>(round),
                                                            static_cast<std::int64_t>(n), image_shape, 99)
                                                  .row;
        std::ranges::copy(row, rows.span<std::int64_t>().begin() + static_cast<std::ptrdiff_t>(n * row.size()));
        std::ranges::copy(images.span<std::uint8_t>().subspan(n * size, size),
                          expected.begin() + static_cast<std::ptrdiff_t>(n * size));
        mix_images(row, others.span<std::uint8_t>().subspan(n * size, size),
                   {shape[1], H, W, std::span(expected).subspan(n * size, size), scratch});
      }
      const OpCall call{.op = "augment",
                        .inputs = {rows, others},
                        .outputs = {{shape, DType::u8, images}},
                        .run = [](Ops& ops, auto in, auto out, Workspace) { ops.augment_mix(in[0], in[1], out[0]); }};
      for (const unsigned char around : {0xFF, 0x00}) {
        const Execution run = execute(device(), call, around);
        EXPECT_EQ(run.fault, "");
        EXPECT_TRUE(std::ranges::equal(run.outputs[0].span<std::uint8_t>(), expected)) << text << ", round " << round;
      }
    }
  }
}

TEST_P(AugmentTest, NormalisesByTheTable) {
  const Shape shape = param().images;
  Normalization normalization;
  for (std::int64_t c = 0; c < shape[1]; ++c) {
    normalization.mean.push_back(0.3f + 0.1f * static_cast<float>(c));
    normalization.deviation.push_back(0.7f - 0.2f * static_cast<float>(c));
  }
  const PixelTable table(normalization, {shape[1], shape[2], shape[3]});
  Bytes values;
  for (std::int64_t i = 0; i < shape[1] * byte_values; ++i)
    values.push_back(static_cast<std::uint8_t>(i % byte_values));
  Tensor entries({shape[1], byte_values});
  PixelTable(normalization, {shape[1], byte_values}).apply(values, entries.span<float>().data());
  const Tensor images = bytes_of(shape, random(0));
  std::vector<float> expected(static_cast<std::size_t>(shape.elements()));
  const std::size_t size = expected.size() / static_cast<std::size_t>(shape[0]);
  for (std::size_t n = 0; n < static_cast<std::size_t>(shape[0]); ++n) {
    table.apply(images.span<std::uint8_t>().subspan(n * size, size), expected.data() + n * size);
  }
  const Execution run = execute(
      device(), {.op = "augment",
                 .inputs = {entries, images},
                 .outputs = {{shape}},
                 .run = [](Ops& ops, auto in, auto out, Workspace) { ops.augment_normalise(in[0], in[1], out[0]); }});
  EXPECT_EQ(run.fault, "");
  const auto got = run.outputs[0].span<float>();
  EXPECT_TRUE(std::ranges::equal(got, expected));
}

INSTANTIATE_TEST_SUITE_P(All, AugmentTest, devices_and_cases(FOVEA_TEST_DEVICES, augment_cases()),
                         case_name<AugmentCase>);

class AugmentArguments : public OpTest<NamedCase> {
 protected:
  // What follows "DEVICE OPERATION: " in the error.
  template <class Call>
  std::string refusal(Call&& call) {
    try {
      call(*device().choose("augment", Direction::forward, {}).ops);
    } catch (const InputError& error) {
      const std::string text = error.what();
      return text.substr(text.find("augment_"));
    }
    return "no InputError";
  }
  Tensor there(const Shape& shape, DType dtype) { return Tensor::zeros(shape, dtype, device().memory()); }
};

TEST_P(AugmentArguments, AreChecked) {
  Tensor grey = there({2, 1, 4, 4}, DType::u8), floats = there({2, 3, 4, 4}, DType::f32);
  Tensor grey_floats = there({2, 1, 4, 4}, DType::f32);
  Tensor colours = there({2, 3, 4, 4}, DType::u8), flat = there({2, 16}, DType::u8);
  const Tensor one = there({2, 1}, DType::i64), nine = there({2, 9}, DType::i64), three = there({2, 3}, DType::i64);
  const auto starts = [](const std::string& text, const std::string& beginning) {
    return text.starts_with(beginning) ? testing::AssertionSuccess() : testing::AssertionFailure() << text;
  };
  EXPECT_EQ(refusal([&](Ops& ops) { ops.augment_hue(one.view(), colours.view()); }), "no InputError");
  EXPECT_TRUE(starts(refusal([&](Ops& ops) { ops.augment_hue(one.view(), grey.view()); }),
                     "augment_hue: images: expected u8 [2, 3, 4, 4]"));
  EXPECT_TRUE(starts(refusal([&](Ops& ops) { ops.augment_saturation(one.view(), grey.view()); }),
                     "augment_saturation: images: expected u8 [2, 3, 4, 4]"));
  EXPECT_TRUE(starts(refusal([&](Ops& ops) { ops.augment_offset(three.view(), grey.view()); }),
                     "augment_offset: images: expected u8 [2, 3, 4, 4]"));
  EXPECT_TRUE(starts(refusal([&](Ops& ops) { ops.augment_brightness(nine.view(), grey.view()); }),
                     "augment_brightness: rows: expected i64 [2, 1]"));
  EXPECT_TRUE(starts(refusal([&](Ops& ops) { ops.augment_contrast(one.view(), floats.view()); }),
                     "augment_contrast: images: expected u8 [2, 3, 4, 4]"));
  EXPECT_TRUE(starts(refusal([&](Ops& ops) { ops.augment_cutout(one.view(), grey.view()); }),
                     "augment_cutout: rows: expected i64 [2, 4]"));
  EXPECT_TRUE(
      starts(refusal([&](Ops& ops) { ops.augment_warp(nine.view(), grey.view(), colours.view()); }), "augment_warp: "));
  EXPECT_TRUE(starts(refusal([&](Ops& ops) { ops.augment_noise(three.view(), one.view(), grey.view()); }),
                     "augment_noise: normal: expected i32 [4096]"));
  const Tensor five = there({2, 5}, DType::i64);
  EXPECT_EQ(refusal([&](Ops& ops) { ops.augment_mix(five.view(), colours.view(), colours.view()); }), "no InputError");
  EXPECT_TRUE(starts(refusal([&](Ops& ops) { ops.augment_mix(nine.view(), grey.view(), grey.view()); }),
                     "augment_mix: rows: expected i64 [2, 5]"));
  EXPECT_TRUE(starts(refusal([&](Ops& ops) { ops.augment_mix(five.view(), colours.view(), grey.view()); }),
                     "augment_mix: others: expected u8 [2, 1, 4, 4]"));
  EXPECT_TRUE(starts(refusal([&](Ops& ops) { ops.augment_mix(five.view(), grey.view(), flat.view()); }),
                     "augment_mix: images: expected "));
  EXPECT_TRUE(starts(refusal([&](Ops& ops) { ops.augment_brightness(one.view(), flat.view()); }),
                     "augment_brightness: images: expected "));
  EXPECT_TRUE(starts(refusal([&](Ops& ops) { ops.augment_normalise(floats.view(), grey.view(), grey_floats.view()); }),
                     "augment_normalise: table: expected f32 [1, 256]"));
}

INSTANTIATE_TEST_SUITE_P(All, AugmentArguments, devices_and_cases(FOVEA_TEST_DEVICES, by_hand), case_name<NamedCase>);

}  // namespace
}  // namespace fovea::test
