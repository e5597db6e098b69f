// SPDX-License-Identifier: Apache-2.0
#include "core/io/image.h"

#include <png.h>
#include <zlib.h>

#include <cstring>
#include <stdexcept>

#include "core/support/philox.h"
#include "tests/data/files.h"

namespace fovea {
namespace {

using test::Bytes;
using test::holds;
using test::input_error;

// A PNG of any kind, made with libpng's full interface; rows are given packed as the format stores them.
struct PngKind {
  int color_type, bit_depth;
  bool interlaced = false;
  std::vector<png_color> palette = {};
  Bytes palette_alpha = {};
};
Bytes encode_png(std::uint32_t width, std::uint32_t height, const PngKind& kind, Bytes packed) {
  Bytes out;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_set_write_fn(
      png, &out,
      [](png_structp p, png_bytep data, std::size_t n) {
        auto* bytes = static_cast<Bytes*>(png_get_io_ptr(p));
        bytes->insert(bytes->end(), data, data + n);
      },
      nullptr);
  png_set_IHDR(png, info, width, height, kind.bit_depth, kind.color_type,
               kind.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  if (!kind.palette.empty()) png_set_PLTE(png, info, kind.palette.data(), static_cast<int>(kind.palette.size()));
  if (!kind.palette_alpha.empty()) {
    png_set_tRNS(png, info, kind.palette_alpha.data(), static_cast<int>(kind.palette_alpha.size()), nullptr);
  }
  png_write_info(png, info);
  std::vector<png_bytep> rows;
  for (std::size_t row = 0; row < height; ++row) rows.push_back(packed.data() + row * (packed.size() / height));
  png_write_image(png, rows.data());
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return out;
}

Tensor image_of(Shape shape, const Bytes& values) { return Tensor::from<std::uint8_t>(shape, values); }
Bytes values_of(const Tensor& image) {
  const auto values = image.span<std::uint8_t>();
  return Bytes(values.begin(), values.end());
}

class Image : public ::testing::Test {
 protected:
  Tensor read(const Bytes& bytes) {
    test::write_bytes(path_, bytes);
    return read_image(path_);
  }
  Tensor read(const std::string& text) { return read(Bytes(text.begin(), text.end())); }
  std::string error_of(const Bytes& bytes) {
    const std::string message = input_error([&] { read(bytes); });
    EXPECT_TRUE(holds(message, {path_ + ": "}));
    return message;
  }
  std::string error_of(const std::string& text) { return error_of(Bytes(text.begin(), text.end())); }
  void expect(const Tensor& image, Shape shape, const Bytes& values) {
    EXPECT_EQ(image.shape(), shape);
    EXPECT_EQ(values_of(image), values);
  }

  test::TemporaryDirectory dir_;
  std::string path_ = dir_ / "image";
};

TEST_F(Image, PngRoundTrip) {
  const Tensor rgb = image_of({3, 2, 2}, {1, 2, 3, 4, 50, 60, 70, 80, 255, 0, 128, 7});
  write_png(path_, rgb);
  expect(read_image(path_), {3, 2, 2}, values_of(rgb));
  const Tensor grey = image_of({1, 1, 3}, {0, 100, 255});
  write_png(path_, grey);
  expect(read_image(path_), {1, 1, 3}, values_of(grey));
  EXPECT_TRUE(holds(input_error([&] { write_png(path_, Tensor::zeros({2, 3, 3}, DType::u8)); }), {path_, "[2, 3, 3]"}));
  EXPECT_TRUE(holds(input_error([&] { write_png(path_, Tensor::zeros({1, 3, 3})); }), {"f32"}));
  EXPECT_TRUE(holds(input_error([&] { write_png(dir_ / "no/file.png", grey); }), {"no/file.png", "No such file"}));
}

TEST_F(Image, ReadsEveryKindOfPng) {
  expect(read(encode_png(2, 1, {PNG_COLOR_TYPE_GRAY, 16}, {0x12, 0xFF, 0xFF, 0x00})), {1, 1, 2}, {0x12, 0xFF});
  expect(read(encode_png(5, 1, {PNG_COLOR_TYPE_GRAY, 1}, {0b10110000})), {1, 1, 5}, {255, 0, 255, 255, 0});
  expect(read(encode_png(3, 1, {PNG_COLOR_TYPE_GRAY, 2}, {0b00011100})), {1, 1, 3}, {0, 85, 255});
  expect(read(encode_png(1, 1, {PNG_COLOR_TYPE_RGB, 16}, {1, 2, 3, 4, 5, 6})), {3, 1, 1}, {1, 3, 5});
  const PngKind palette{PNG_COLOR_TYPE_PALETTE, 4, false, {{10, 20, 30}, {40, 50, 60}}};
  expect(read(encode_png(3, 1, palette, {0x10, 0x10})), {3, 1, 3}, {40, 10, 40, 50, 20, 50, 60, 30, 60});
  // Alpha: opaque black, half-transparent black and fully transparent on white.
  expect(read(encode_png(3, 1, {PNG_COLOR_TYPE_GRAY_ALPHA, 8}, {0, 255, 0, 128, 7, 0})), {1, 1, 3}, {0, 127, 255});
  expect(read(encode_png(1, 1, {PNG_COLOR_TYPE_RGB_ALPHA, 8}, {255, 0, 100, 51})), {3, 1, 1}, {255, 204, 224});
  PngKind transparent = palette;
  transparent.palette_alpha = {0};
  expect(read(encode_png(2, 1, transparent, {0x01})), {3, 1, 2}, {255, 40, 255, 50, 255, 60});
  Bytes ramp(9 * 9);
  for (std::size_t i = 0; i < ramp.size(); ++i) ramp[i] = static_cast<std::uint8_t>(3 * i);
  expect(read(encode_png(9, 9, {PNG_COLOR_TYPE_GRAY, 8, true}, ramp)), {1, 9, 9}, ramp);
}

TEST_F(Image, FindsEveryFlippedBitAndTruncationOfAPng) {
  Bytes ramp(8 * 8);
  for (std::size_t i = 0; i < ramp.size(); ++i) ramp[i] = static_cast<std::uint8_t>(i * i);
  const Bytes whole = encode_png(8, 8, {PNG_COLOR_TYPE_GRAY, 8}, ramp);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    error_of(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)));
  }
  for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    Bytes damaged = whole;
    damaged[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    test::write_bytes(path_, damaged);
    EXPECT_THROW(read_image(path_), InputError) << "bit " << bit;
  }
}

TEST_F(Image, RefusesHugeClaims) {
  const auto claim = [](std::uint32_t width, std::uint32_t height) {
    Bytes png = encode_png(1, 1, {PNG_COLOR_TYPE_RGB, 8}, {1, 2, 3});
    for (int i = 0; i < 4; ++i) {
      png[static_cast<std::size_t>(16 + i)] = static_cast<std::uint8_t>(width >> (24 - 8 * i));
      png[static_cast<std::size_t>(20 + i)] = static_cast<std::uint8_t>(height >> (24 - 8 * i));
    }
    const auto crc = static_cast<std::uint32_t>(crc32(0, png.data() + 12, 17));
    for (int i = 0; i < 4; ++i) png[static_cast<std::size_t>(29 + i)] = static_cast<std::uint8_t>(crc >> (24 - 8 * i));
    return png;
  };
  EXPECT_EQ(read(claim(1, 1)).shape(), (Shape{3, 1, 1}));
  EXPECT_TRUE(holds(error_of(claim(65535, 65535)), {"65535 x 65535 pixels; at most 67108864"}));
  EXPECT_TRUE(holds(error_of(claim(0x7FFFFFFF, 0x7FFFFFFF)), {"at most 67108864"}));
  EXPECT_TRUE(holds(error_of(claim(8192, 8192)), {"bytes cannot hold 8192 x 8192 pixels"}));
  EXPECT_TRUE(holds(error_of(claim(0, 5)), {"damaged PNG"}));
  EXPECT_TRUE(holds(error_of("P5 1000000 1000000 255\n"), {"1000000 x 1000000 pixels; at most"}));
  EXPECT_TRUE(holds(error_of("P5 8000 8000 255\nabc"), {"truncated", "need 64000000 bytes, got 3"}));
  EXPECT_TRUE(holds(error_of("P2 8000 8000 255\n1 2"), {"truncated", "at least 127999999"}));
}

TEST_F(Image, ReadsNetpbm) {
  expect(read("P5 2 2 255\nabcd"), {1, 2, 2}, {'a', 'b', 'c', 'd'});
  expect(read("P5\n# a comment\n2 #another\n1\n255\n\n1"), {1, 1, 2}, {'\n', '1'});
  expect(read("P6 2 1 255\nrgbRGB"), {3, 1, 2}, {'r', 'R', 'g', 'G', 'b', 'B'});
  expect(read("P2 3 1 10 0 5 10\n# end\n"), {1, 1, 3}, {0, 128, 255});
  expect(read(Bytes{'P', '5', ' ', '2', ' ', '1', ' ', '6', '5', '5', '3', '5', '\n', 0xFF, 0xFF, 0x80, 0x00}),
         {1, 1, 2}, {255, 128});
}

TEST_F(Image, RejectsBadNetpbm) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"P5", "truncated: the width is missing"},
      {"P5 2", "truncated: the height is missing"},
      {"P5 2 2", "truncated: the maximum is missing"},
      {"P5 # 2 2 255", "the width is missing"},
      {"P5 two 2 255\n", "the width: expected a number at byte 3"},
      {"P5 -2 2 255\n", "the width: expected a number"},
      {"P5 99999999999999999999 2 255\n", "the width is above"},
      {"P5 0 2 255\n", "0 x 2 pixels"},
      {"P5 2 2 0\nabcd", "the maximum is 0"},
      {"P5 2 2 65536\nabcdefgh", "the maximum is above 65535"},
      {"P5 2 2 255abcd", "expected white space after the header"},
      {"P5 2 2 255", "expected white space after the header"},
      {"P5 2 2 255\nabc", "truncated: 2 x 2 pixels need 4 bytes, got 3"},
      {"P5 2 2 255\nabcde", "1 bytes follow"},
      {"P6 2 2 255\nabcdefghijk", "need 12 bytes, got 11"},
      {"P5 1 1 9\na", "sample 0 is 97, above the maximum 9"},
      {"P2 2 1 9\n1 10", "sample 1 is 10, above the maximum 9"},
      {"P2 2 1 9\n1 x", "a sample: expected a number"},
      {"P2 2 1 9\n1 2 3", "more follows"}};
  for (const auto& [text, what] : cases) EXPECT_TRUE(holds(error_of(text), {what})) << text;
}

TEST_F(Image, RejectsOtherFiles) {
  EXPECT_TRUE(holds(error_of(Bytes{0xFF, 0xD8, 0xFF, 0xE0}), {"damaged JPEG"}));
  EXPECT_TRUE(holds(error_of(Bytes{}), {"expected a JPEG, PNG, PGM", "[]"}));
  EXPECT_TRUE(holds(error_of("P3 1 1 255 1 2 3"), {"expected a JPEG, PNG, PGM"}));
  EXPECT_TRUE(holds(input_error([&] { read_image(dir_ / "none.png"); }), {"none.png", "No such file"}));
  EXPECT_TRUE(holds(input_error([&] { read_image(dir_.path()); }), {"directory"}));
}

TEST_F(Image, SurvivesRandomDamage) {
  constexpr std::uint64_t seed = 2'025;
  RecordProperty("seed", static_cast<int>(seed));
  const std::string text = "P2 4 2 100\n1 2 3 4 # five\n5 6 7 100\n", binary = "P6 2 2 255\nabcdefghijkl";
  Bytes ramp(16 * 16 * 4);
  for (std::size_t i = 0; i < ramp.size(); ++i) ramp[i] = static_cast<std::uint8_t>(i * 7);
  const std::vector<Bytes> files{Bytes(text.begin(), text.end()), Bytes(binary.begin(), binary.end()),
                                 encode_png(16, 16, {PNG_COLOR_TYPE_RGB_ALPHA, 8, true}, ramp)};
  for (std::uint64_t mutation = 0; mutation < 1500; ++mutation) {
    RandomStream random(seed, RandomPurpose::test, mutation);
    Bytes bytes = files[mutation % files.size()];
    for (std::uint32_t edit = 1 + random.below(4); edit > 0 && !bytes.empty(); --edit) {
      const std::size_t at = random.below(static_cast<std::uint32_t>(bytes.size()));
      switch (random.below(4)) {
        case 0:
          bytes[at] = static_cast<std::uint8_t>(random.below(256));
          break;
        case 1:
          bytes[at] = static_cast<std::uint8_t>('0' + random.below(10));
          break;
        case 2:
          bytes.erase(bytes.begin() + static_cast<std::ptrdiff_t>(at));
          break;
        default:
          bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), static_cast<std::uint8_t>(random.below(256)));
      }
    }
    test::write_bytes(path_, bytes);
    try {
      read_image(path_);
    } catch (const InputError& error) {
      ASSERT_TRUE(holds(error.what(), {path_ + ": "})) << "seed " << seed << ", mutation " << mutation;
    }
  }
}

TEST(FitImage, ConvertsColours) {
  const Tensor rgb = image_of({3, 1, 4}, {255, 0, 0, 9, 0, 255, 0, 9, 0, 0, 255, 9});
  EXPECT_EQ(values_of(fit_image(rgb, {1, 1, 4})), Bytes({76, 150, 29, 9}));
  EXPECT_EQ(values_of(fit_image(image_of({1, 1, 2}, {5, 250}), {3, 1, 2})), Bytes({5, 250, 5, 250, 5, 250}));
}

TEST(FitImage, LeavesTheRightSizeAlone) {
  const Bytes values{1, 2, 3, 4, 5, 6, 250, 251, 252, 253, 254, 255};
  EXPECT_EQ(values_of(fit_image(image_of({1, 3, 4}, values), {1, 3, 4})), values);
  EXPECT_EQ(values_of(fit_image(image_of({3, 2, 2}, values), {3, 2, 2})), values);
}

// Worked by hand. Halving: output i is a triangle of half width 2 around 2i + 1, so 1/8 (1 3 3 1) inside and, cut at the
// edge, 1/7 (3 3 1). Doubling: centres at 1/4 and 3/4 between pixels.
TEST(FitImage, ResizesWithAntialiasing) {
  const Tensor row = image_of({1, 1, 6}, {0, 70, 0, 0, 80, 0});
  EXPECT_EQ(values_of(fit_image(row, {1, 1, 3})), Bytes({30, 19, 34}));  // 210/7, 150/8 = 18.75, 240/7 = 34.3
  EXPECT_EQ(values_of(fit_image(image_of({1, 6, 1}, values_of(row)), {1, 3, 1})), Bytes({30, 19, 34}));
  EXPECT_EQ(values_of(fit_image(image_of({1, 1, 2}, {0, 100}), {1, 1, 4})), Bytes({0, 25, 75, 100}));
  // A constant stays constant at any size; no pixel is lost in between.
  for (const std::int64_t size : {1, 2, 7, 28, 31}) {
    EXPECT_EQ(values_of(fit_image(image_of({1, 13, 17}, Bytes(13 * 17, 200)), {1, size, size + 3})),
              Bytes(static_cast<std::size_t>(size * (size + 3)), 200));
  }
}

TEST(FitImage, RejectsWhatIsNoPicture) {
  const Tensor grey = image_of({1, 1, 1}, {7});
  EXPECT_TRUE(holds(input_error([&] { fit_image(grey, {2, 4, 4}); }), {"[2, 4, 4]", "1 or 3 channels"}));
  EXPECT_TRUE(holds(input_error([&] { fit_image(grey, {16}); }), {"[16]"}));
  EXPECT_TRUE(holds(input_error([&] { fit_image(Tensor::zeros({1, 2, 2}), {1, 2, 2}); }), {"f32"}));
}

}  // namespace
}  // namespace fovea
