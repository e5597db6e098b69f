// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <cmath>
#include <cstdlib>

#include "core/io/image.h"
#include "core/support/philox.h"
#include "tests/data/jpeg_files.h"

namespace fovea {
namespace {

using test::Bytes;
using test::encode_jpeg;
using test::exif_block;
using test::holds;
using test::input_error;
using test::JpegKind;
using test::smooth_pixels;

class Jpeg : public ::testing::Test {
 protected:
  Tensor read(const Bytes& bytes) {
    test::write_bytes(path_, bytes);
    return read_image(path_);
  }
  std::string error_of(const Bytes& bytes) {
    const std::string message = input_error([&] { read(bytes); });
    EXPECT_TRUE(holds(message, {path_ + ": "}));
    return message;
  }
  // Every value within `most` of `value(c, h, w)`.
  template <class Value>
  void expect_near(const Tensor& image, Shape shape, int most, Value value) {
    ASSERT_EQ(image.shape(), shape);
    const auto pixels = image.span<std::uint8_t>();
    for (std::int64_t c = 0; c < shape[0]; ++c) {
      for (std::int64_t h = 0; h < shape[1]; ++h) {
        for (std::int64_t w = 0; w < shape[2]; ++w) {
          const int got = pixels[static_cast<std::size_t>((c * shape[1] + h) * shape[2] + w)];
          ASSERT_LE(std::abs(got - value(c, h, w)), most) << c << ", " << h << ", " << w;
        }
      }
    }
  }

  test::TemporaryDirectory dir_;
  std::string path_ = dir_ / "image.jpg";
};

// Interleaved pixels at (c, h, w).
auto pixel_of(const Bytes& pixels, unsigned width, unsigned components) {
  return [=, &pixels](std::int64_t c, std::int64_t h, std::int64_t w) {
    return int{pixels[static_cast<std::size_t>((h * width + w) * components + c)]};
  };
}

TEST_F(Jpeg, ReadsColourGreyAndProgressiveFiles) {
  const Bytes rgb = smooth_pixels(37, 21, 3), grey = smooth_pixels(37, 21, 1);
  expect_near(read(encode_jpeg(37, 21, {.quality = 95}, rgb)), {3, 21, 37}, 6, pixel_of(rgb, 37, 3));
  expect_near(read(encode_jpeg(37, 21, {.quality = 95, .progressive = true}, rgb)), {3, 21, 37}, 6,
              pixel_of(rgb, 37, 3));
  expect_near(read(encode_jpeg(37, 21, {.components = 1, .quality = 95}, grey)), {1, 21, 37}, 4, pixel_of(grey, 37, 1));
}

// Ink c under black k: (255 - c)(255 - k) / 255. Adobe stores both inverted.
TEST_F(Jpeg, ConvertsInkToLight) {
  const int width = 16, height = 16;
  Bytes inks, inverted;
  for (int i = 0; i < width * height; ++i) {
    for (const std::uint8_t ink : {std::uint8_t{51}, std::uint8_t{102}, std::uint8_t{204}, std::uint8_t{51}}) {
      inks.push_back(ink);
      inverted.push_back(static_cast<std::uint8_t>(255 - ink));
    }
  }
  const auto light = [](std::int64_t c, std::int64_t, std::int64_t) {  // 204 * 204 / 255, 153 * 204 / 255, ...
    return c == 0 ? 163 : c == 1 ? 122 : 41;
  };
  expect_near(read(encode_jpeg(width, height, {.components = 4, .quality = 100, .adobe = false}, inks)),
              {3, height, width}, 2, light);
  expect_near(read(encode_jpeg(width, height, {.components = 4, .quality = 100}, inverted)), {3, height, width}, 2,
              light);
  expect_near(read(encode_jpeg(width, height, {.components = 4, .quality = 100, .ycck = true}, inverted)),
              {3, height, width}, 3, light);
}

// A picture of 24 x 16 whose left half is dark, and within it the upper half darkest: where the corners go.
TEST_F(Jpeg, TurnsPicturesUpright) {
  Bytes pixels;
  for (int y = 0; y < 16; ++y) {
    for (int x = 0; x < 24; ++x) pixels.push_back(static_cast<std::uint8_t>((x < 12 ? 0 : 150) + (y < 8 ? 0 : 60)));
  }
  // The values of the stored picture's corners: upper left a, upper right b, lower left c, lower right d.
  const int a = 0, b = 150, c = 60, d = 210;
  const int upright[9][4] = {{},           {a, b, c, d}, {b, a, d, c}, {d, c, b, a}, {c, d, a, b},
                             {a, c, b, d}, {c, a, d, b}, {d, b, c, a}, {b, d, a, c}};
  for (unsigned orientation = 0; orientation <= 8; ++orientation) {
    for (const bool big_endian : {false, true}) {
      const JpegKind kind{.components = 1, .quality = 100, .app1 = exif_block(orientation, big_endian)};
      const Tensor image = read(encode_jpeg(24, 16, kind, pixels));
      const bool exchanged = orientation >= 5;
      ASSERT_EQ(image.shape(), exchanged ? (Shape{1, 24, 16}) : (Shape{1, 16, 24})) << orientation;
      const auto values = image.span<std::uint8_t>();
      const std::size_t W = exchanged ? 16 : 24, H = exchanged ? 24 : 16;
      const int corners[4] = {values[0], values[W - 1], values[(H - 1) * W], values[H * W - 1]};
      for (int i = 0; i < 4; ++i) {
        EXPECT_NEAR(corners[i], upright[orientation == 0 ? 1 : orientation][i], 3) << orientation << ", " << i;
      }
    }
  }
}

TEST_F(Jpeg, RefusesDamagedExif) {
  const Bytes grey = smooth_pixels(8, 8, 1);
  const auto with = [&](const Bytes& app1) { return encode_jpeg(8, 8, {.components = 1, .app1 = app1}, grey); };
  EXPECT_TRUE(holds(error_of(with(exif_block(9))), {"damaged EXIF", "from 1 to 8, got 9"}));
  Bytes block = exif_block(6);
  EXPECT_TRUE(holds(error_of(with(Bytes(block.begin(), block.begin() + 30))), {"damaged EXIF", "lies behind the end"}));
  block[6] = 'X';
  EXPECT_TRUE(holds(error_of(with(block)), {"damaged EXIF", "TIFF header"}));
  block = exif_block(6);
  block[8] = 43;
  EXPECT_TRUE(holds(error_of(with(block)), {"expected 42, got 43"}));
  block = exif_block(6);
  block[10] = 0xFF, block[11] = 0xFF, block[12] = 0xFF, block[13] = 0xFF;
  EXPECT_TRUE(holds(error_of(with(block)), {"lies behind the end"}));
  // Other APP1 markers (XMP) are none of our business.
  EXPECT_EQ(read(with({'h', 't', 't', 'p'})).shape(), (Shape{1, 8, 8}));
}

TEST_F(Jpeg, RefusesHugeClaims) {
  Bytes bytes = encode_jpeg(16, 16, {}, smooth_pixels(16, 16, 3));
  std::size_t frame = 0;
  for (std::size_t i = 0; i + 1 < bytes.size() && frame == 0; ++i) {
    if (bytes[i] == 0xFF && bytes[i + 1] == 0xC0) frame = i;
  }
  ASSERT_NE(frame, 0u);
  const auto claim = [&](unsigned width, unsigned height) {
    Bytes claimed = bytes;
    claimed[frame + 5] = static_cast<std::uint8_t>(height >> 8), claimed[frame + 6] = static_cast<std::uint8_t>(height);
    claimed[frame + 7] = static_cast<std::uint8_t>(width >> 8), claimed[frame + 8] = static_cast<std::uint8_t>(width);
    return claimed;
  };
  EXPECT_EQ(read(claim(16, 16)).shape(), (Shape{3, 16, 16}));
  // libjpeg itself refuses more than 65500 a side.
  EXPECT_TRUE(holds(error_of(claim(65535, 65535)), {"damaged JPEG", "65500"}));
  EXPECT_TRUE(holds(error_of(claim(65500, 65500)), {"65500 x 65500 pixels; at most 67108864"}));
  EXPECT_TRUE(holds(error_of(claim(8192, 8192)), {"bytes cannot hold 8192 x 8192 pixels"}));
  EXPECT_TRUE(holds(error_of(claim(0, 16)), {"damaged JPEG"}));
}

TEST_F(Jpeg, RefusesTooManyScans) {
  const Bytes grey = smooth_pixels(64, 64, 1);
  EXPECT_EQ(read(encode_jpeg(64, 64, {.components = 1, .scans = 100}, grey)).shape(), (Shape{1, 64, 64}));
  EXPECT_TRUE(holds(error_of(encode_jpeg(64, 64, {.components = 1, .scans = 101}, grey)), {"more than 100 scans"}));
  // A bomb: the refusal must not take the time of its scans.
  const Bytes large = smooth_pixels(2048, 2048, 1);
  const Bytes bomb = encode_jpeg(2048, 2048, {.components = 1, .quality = 10, .scans = 600}, large);
  EXPECT_TRUE(holds(error_of(bomb), {"more than 100 scans"}));
}

TEST_F(Jpeg, RefusesOtherCodings) {
  const Bytes rgb = smooth_pixels(16, 16, 3);
  EXPECT_TRUE(holds(error_of(encode_jpeg(16, 16, {.arithmetic = true}, rgb)), {"arithmetic-coded"}));
}

// What libjpeg only warns of, and would fill up with grey, is an error.
TEST_F(Jpeg, FindsEveryTruncation) {
  for (const bool progressive : {false, true}) {
    const Bytes whole = encode_jpeg(40, 40, {.quality = 60, .progressive = progressive}, smooth_pixels(40, 40, 3));
    for (std::size_t length = 0; length < whole.size(); ++length) {
      error_of(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)));
    }
    EXPECT_EQ(read(whole).shape(), (Shape{3, 40, 40}));
  }
}

TEST_F(Jpeg, RefusesDamagedEntropyData) {
  // Noise, so that there are many codes to break; 0xFF bytes in their midst are markers where none belong.
  Bytes noise(64 * 64 * 3);
  RandomStream random(5, RandomPurpose::test, 0);
  for (std::uint8_t& pixel : noise) pixel = static_cast<std::uint8_t>(random.below(256));
  const Bytes whole = encode_jpeg(64, 64, {}, noise);
  int refused = 0;
  constexpr int tries = 40;
  for (int i = 0; i < tries; ++i) {
    Bytes damaged = whole;
    const std::size_t at = whole.size() / 2 + random.below(static_cast<std::uint32_t>(whole.size() / 4));
    damaged[at] = 0xFF;
    damaged[at + 1] = 0xD0;
    test::write_bytes(path_, damaged);
    try {
      read_image(path_);
    } catch (const InputError& error) {
      EXPECT_TRUE(holds(error.what(), {path_ + ": damaged JPEG: "}));
      ++refused;
    }
  }
  EXPECT_EQ(refused, tries);
}

TEST_F(Jpeg, SurvivesRandomDamage) {
  constexpr std::uint64_t seed = 2'026;
  RecordProperty("seed", static_cast<int>(seed));
  const std::vector<Bytes> files{
      encode_jpeg(48, 32, {.app1 = exif_block(6)}, smooth_pixels(48, 32, 3)),
      encode_jpeg(48, 32, {.progressive = true}, smooth_pixels(48, 32, 3)),
      encode_jpeg(24, 24, {.components = 4, .ycck = true}, smooth_pixels(24, 24, 4)),
  };
  for (std::uint64_t mutation = 0; mutation < 900; ++mutation) {
    RandomStream random(seed, RandomPurpose::test, mutation);
    Bytes bytes = files[mutation % files.size()];
    for (std::uint32_t edit = 1 + random.below(4); edit > 0; --edit) {
      const std::size_t at = random.below(static_cast<std::uint32_t>(bytes.size()));
      if (random.below(3) == 0) {
        bytes.erase(bytes.begin() + static_cast<std::ptrdiff_t>(at));
      } else {
        bytes[at] = static_cast<std::uint8_t>(random.below(256));
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

TEST(FitImageCrop, KeepsProportions) {
  // 2 x 6 to 2 x 2: the middle third; to 1 x 1: the mean of the middle four, which the triangle reaches beyond.
  const Bytes values{1, 2, 10, 20, 5, 6, 3, 4, 30, 40, 7, 8};
  const Tensor wide = Tensor::from<std::uint8_t>(Shape{1, 2, 6}, values);
  const Tensor middle = fit_image(wide, {1, 2, 2}, ImageFit::crop);
  const auto got = middle.span<std::uint8_t>();
  EXPECT_EQ(Bytes(got.begin(), got.end()), (Bytes{10, 20, 30, 40}));
  const Tensor tall = Tensor::from<std::uint8_t>(Shape{1, 6, 2}, Bytes{1, 1, 2, 2, 10, 20, 30, 40, 3, 3, 4, 4});
  const Tensor tall_middle = fit_image(tall, {1, 2, 2}, ImageFit::crop);
  const auto tall_got = tall_middle.span<std::uint8_t>();
  EXPECT_EQ(Bytes(tall_got.begin(), tall_got.end()), (Bytes{10, 20, 30, 40}));
  // The same proportions: nothing is cut.
  const Tensor same = Tensor::from<std::uint8_t>(Shape{1, 2, 4}, Bytes{0, 80, 160, 240, 0, 80, 160, 240});
  const Tensor a = fit_image(same, {1, 4, 8}, ImageFit::crop), b = fit_image(same, {1, 4, 8}, ImageFit::stretch);
  const auto x = a.span<std::uint8_t>(), y = b.span<std::uint8_t>();
  EXPECT_EQ(Bytes(x.begin(), x.end()), Bytes(y.begin(), y.end()));
}

}  // namespace
}  // namespace fovea
