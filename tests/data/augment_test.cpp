// SPDX-License-Identifier: Apache-2.0
#include "core/data/augment/augmentation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <set>

#include "core/data/augment/normal.h"
#include "core/data/augment/warp.h"
#include "core/data/views.h"
#include "tests/data/files.h"

namespace fovea {
namespace {

using test::Bytes;
using test::holds;
using test::input_error;

// Noise that repeats.
Bytes noise(std::size_t size, std::uint64_t seed = 1) {
  RandomStream random(seed, RandomPurpose::test, 0);
  Bytes bytes(size);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random.below(256));
  return bytes;
}

Bytes apply(const std::string& text, const Shape& shape, Bytes pixels, std::int64_t sample = 0, std::uint64_t seed = 1,
            std::int64_t epoch = 0) {
  Bytes scratch;
  Augmentation::parse(text).apply(seed, epoch, sample, shape, pixels, scratch);
  return pixels;
}

Bytes warped(const Shape& shape, Bytes pixels, const WarpMatrix& matrix, Outside outside) {
  Bytes scratch;
  warp({shape[0], shape[1], shape[2], pixels, scratch}, matrix, outside);
  return pixels;
}
Bytes moved(const Shape& shape, Bytes pixels, std::int64_t dy, std::int64_t dx, Outside outside) {
  Bytes scratch;
  translate({shape[0], shape[1], shape[2], pixels, scratch}, dy, dx, outside);
  return pixels;
}

const std::vector<std::string> every_op{"flip",         "shift:2",        "crop:2",          "resized-crop",
                                        "rotate:30",    "shear:20",       "perspective:0.5", "brightness:0.5",
                                        "contrast:0.5", "saturation:0.5", "hue:0.2",         "color:0.4:0.1",
                                        "pca:1",        "blur:2",         "noise:0.1",       "cutout:4"};

TEST(Augmentation, RefusesWhatIsUnknownOrOutOfRange) {
  const auto error = [](const std::string& text) { return input_error([&] { Augmentation::parse(text); }); };
  EXPECT_TRUE(holds(error("flop"), {"unknown operation 'flop'", "did you mean 'flip'?", "cutout"}));
  EXPECT_TRUE(holds(error("crop:4,"), {"unknown operation ''"}));
  EXPECT_TRUE(holds(error(""), {"unknown operation ''"}));
  EXPECT_TRUE(holds(error("crop"), {"'crop': expected crop:N; N is missing"}));
  EXPECT_TRUE(holds(error("crop:"), {"N: expected a whole number from 0 to 1024, got ''"}));
  EXPECT_TRUE(holds(error("crop:1.5"), {"whole number", "got '1.5'"}));
  EXPECT_TRUE(holds(error("crop:4:2"), {"expected crop:N, got 2 numbers"}));
  EXPECT_TRUE(holds(error("flip:2"), {"P: expected a number from 0 to 1, got '2'"}));
  EXPECT_TRUE(holds(error("flip:nan"), {"got 'nan'"}));
  EXPECT_TRUE(holds(error("rotate:-1"), {"D: expected a number from 0 to 180"}));
  EXPECT_TRUE(holds(error("resized-crop:0.5:1:1"), {"expected resized-crop[:LOW[:HIGH]]"}));
  EXPECT_EQ(augmentation_help().size(), 18u);
  const auto misfit = [](const std::string& text, Shape shape) {
    return input_error([&] { Augmentation::parse(text).require_fits(shape); });
  };
  EXPECT_TRUE(holds(misfit("flip", {1, 128}), {"for images [C, H, W]", "[1, 128]"}));
  EXPECT_TRUE(holds(misfit("flip,hue:0.1", {1, 8, 8}), {"'hue'", "needs 3 channels"}));
  EXPECT_TRUE(holds(misfit("crop:8", {3, 8, 9}), {"at least 9 x 9"}));
  Augmentation::parse("crop:7").require_fits({3, 8, 9});
}

// The same numbers whatever was done before; others for another seed, epoch, sample or place in the list.
TEST(Augmentation, FollowsFromSeedEpochAndSampleAlone) {
  const Shape shape{3, 16, 12};
  const Bytes pixels = noise(3 * 16 * 12);
  for (const std::string& op : every_op) {
    std::set<Bytes> seen;
    for (std::int64_t i = 0; i < 30; ++i) {
      const Bytes once = apply(op, shape, pixels, i);
      EXPECT_EQ(once, apply(op, shape, pixels, i)) << op;
      seen.insert(once);
      seen.insert(apply(op, shape, pixels, 1000, 1, i));
      seen.insert(apply(op, shape, pixels, 1000, 100 + static_cast<std::uint64_t>(i)));
    }
    EXPECT_GT(seen.size(), op == "flip" ? 1u : 20u) << op;
  }
  EXPECT_NE(apply("noise:0.1,noise:0.1", shape, pixels), apply("noise:0.1", shape, apply("noise:0.1", shape, pixels)));
  EXPECT_NE(augment_stream(1, 2, 3, 0).next_u32(), augment_stream(1, 2, 3, 1).next_u32());
}

TEST(Augmentation, ChangesNothingAtNoStrength) {
  const Shape shape{3, 9, 11};
  const Bytes pixels = noise(3 * 9 * 11);
  for (const std::string op :
       {"flip:0", "shift:0", "crop:0", "resized-crop:1:1", "rotate:0", "shear:0", "perspective:0", "brightness:0",
        "contrast:0", "saturation:0", "hue:0", "color:0", "pca:0", "blur:0", "noise:0", "cutout:0"}) {
    for (std::int64_t sample = 0; sample < 10; ++sample) {
      // A whole crop is only taken when its proportions are those of the image, or after ten tries.
      if (op != "resized-crop:1:1") {
        EXPECT_EQ(apply(op, shape, pixels, sample), pixels) << op;
      }
    }
  }
}

// One colour stays one colour wherever nothing black comes in; black and white stay within a byte.
TEST(Augmentation, KeepsOneColourAndBounds) {
  const Shape shape{3, 10, 14};
  const Bytes grey(3 * 10 * 14, 77);
  for (const std::string op : {"flip", "shift:3", "resized-crop", "perspective:0.8", "contrast:1", "saturation:1",
                               "hue:0.5", "blur:3", "cutout:6"}) {
    for (std::int64_t sample = 0; sample < 20; ++sample) EXPECT_EQ(apply(op, shape, grey, sample), grey) << op;
  }
  for (const std::string& op : every_op) {
    Bytes extremes = noise(3 * 10 * 14);
    for (std::uint8_t& pixel : extremes) pixel = pixel < 128 ? 0 : 255;
    for (std::int64_t sample = 0; sample < 20; ++sample) {
      EXPECT_EQ(apply(op, shape, extremes, sample).size(), extremes.size()) << op;
    }
  }
}

TEST(Geometry, WorkedByHand) {
  const Shape row{1, 1, 4}, square{1, 3, 3};
  const Bytes nine{1, 2, 3, 4, 5, 6, 7, 8, 9};
  EXPECT_EQ(apply("flip:1", {2, 2, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}),
            (Bytes{3, 2, 1, 6, 5, 4, 9, 8, 7, 12, 11, 10}));
  const Bytes wide = noise(2 * 21);
  Bytes mirrored(wide.begin(), wide.end());
  std::reverse(mirrored.begin(), mirrored.begin() + 21), std::reverse(mirrored.begin() + 21, mirrored.end());
  EXPECT_EQ(apply("flip:1", {1, 2, 21}, wide), mirrored);  // words and what is left over
  EXPECT_EQ(moved(square, nine, 1, -1, Outside::black), (Bytes{0, 4, 5, 0, 7, 8, 0, 0, 0}));
  EXPECT_EQ(moved(square, nine, 1, -1, Outside::edge), (Bytes{4, 4, 5, 7, 7, 8, 7, 7, 8}));
  EXPECT_EQ(moved(square, nine, -5, 7, Outside::black), Bytes(9, 0));
  EXPECT_EQ(moved(square, nine, -5, 7, Outside::edge), Bytes(9, 3));
  // Half a pixel to the right: means of neighbours.
  EXPECT_EQ(warped(row, {0, 100, 200, 50}, {1, 0, 0.5, 0, 1, 0, 0, 0}, Outside::edge), (Bytes{50, 150, 125, 50}));
  EXPECT_EQ(warped(row, {0, 100, 200, 50}, {1, 0, 0.5, 0, 1, 0, 0, 0}, Outside::black), (Bytes{50, 150, 125, 25}));
  // The right half, twice as wide: from 2.25, 2.75, 3.25 and 3.75, that is 0.75, 1.25, 1.75, 2.25 between centres.
  EXPECT_EQ(warped(row, {0, 100, 200, 40}, {0.5, 0, 2, 0, 1, 0, 0, 0}, Outside::edge), (Bytes{175, 160, 80, 40}));
  // A quarter turn: (x, y) comes from (y, 3 - x).
  EXPECT_EQ(warped(square, nine, {0, 1, 0, -1, 0, 3, 0, 0}, Outside::black), (Bytes{7, 4, 1, 8, 5, 2, 9, 6, 3}));
  EXPECT_EQ(warped(square, nine, corners_from(3, 3, {{{0, 3}, {0, 0}, {3, 0}, {3, 3}}}), Outside::black),
            (Bytes{7, 4, 1, 8, 5, 2, 9, 6, 3}));
}

// Scaling has a path of its own, for whole registers and for what is left over. Of a picture with rows and columns exchanged
// the general one must make the same bits.
TEST(Geometry, ScalingEqualsTheGeneralMap) {
  constexpr std::size_t extent = 37;
  const Bytes pixels = noise(extent * extent);
  Bytes exchanged(pixels.size());
  for (std::size_t i = 0; i < pixels.size(); ++i) exchanged[i % extent * extent + i / extent] = pixels[i];
  const Shape square{1, extent, extent};
  for (std::uint64_t i = 0; i < 50; ++i) {
    RandomStream random(3, RandomPurpose::test, i);
    const double a = random.uniform(-2, 2), b = random.uniform(-9, 9), c = random.uniform(-2, 2),
                 d = random.uniform(-9, 9);
    for (const Outside outside : {Outside::black, Outside::edge}) {
      EXPECT_EQ(warped(square, pixels, {0, a, b, c, 0, d, 0, 0}, outside),
                warped(square, exchanged, {c, 0, d, 0, a, b, 0, 0}, outside));
    }
  }
}

// One pass does both where a flip follows.
TEST(Geometry, ACropIsMirroredByTheFlipBehindIt) {
  const Shape shape{3, 20, 45};
  const Bytes pixels = noise(static_cast<std::size_t>(shape.elements()));
  for (std::int64_t sample = 0; sample < 30; ++sample) {
    const Bytes cropped = apply("resized-crop:0.1", shape, pixels, sample);
    Bytes mirrored = cropped;
    for (auto row = mirrored.begin(); row != mirrored.end(); row += 45) std::reverse(row, row + 45);
    EXPECT_EQ(apply("resized-crop:0.1,flip:1", shape, pixels, sample), mirrored);
    EXPECT_EQ(apply("resized-crop:0.1,flip:1,flip:1", shape, pixels, sample), cropped);
    EXPECT_EQ(apply("resized-crop:0.1,flip:0", shape, pixels, sample), cropped);
  }
}

TEST(Geometry, CornersComeFromWhereTheyShould) {
  const std::array<std::array<double, 2>, 4> from{{{1, 2}, {17, 1}, {15, 9}, {3, 8}}},
      to{{{0, 0}, {20, 0}, {20, 10}, {0, 10}}};
  const WarpMatrix m = corners_from(10, 20, from);
  for (std::size_t i = 0; i < 4; ++i) {
    const auto [x, y] = to[i];
    const double w = m[6] * x + m[7] * y + 1;
    EXPECT_NEAR((m[0] * x + m[1] * y + m[2]) / w, from[i][0], 1e-9);
    EXPECT_NEAR((m[3] * x + m[4] * y + m[5]) / w, from[i][1], 1e-9);
  }
}

// Every shift is as likely: chi-squared with 24 degrees of freedom.
TEST(Geometry, ShiftsAreFair) {
  const Shape shape{1, 5, 5};
  Bytes point(25, 0);
  point[12] = 255;
  std::vector<double> seen(25);
  constexpr int rounds = 5000;
  for (std::int64_t sample = 0; sample < rounds; ++sample) {
    const Bytes result = apply("crop:2", shape, point, sample);
    for (std::size_t i = 0; i < 25; ++i) seen[i] += result[i] == 255;
  }
  double chi_squared = 0;
  for (const double count : seen) chi_squared += (count - rounds / 25.0) * (count - rounds / 25.0) / (rounds / 25.0);
  EXPECT_LT(chi_squared, 60.0);  // exceeded by chance once in 15,000 seeds
  int flips = 0;
  for (std::int64_t sample = 0; sample < rounds; ++sample) {
    flips += apply("flip:0.3", {1, 1, 2}, {1, 2}, sample)[0] == 2;
  }
  EXPECT_NEAR(flips, 0.3 * rounds, 4 * std::sqrt(rounds * 0.21));
}

TEST(Geometry, TurnsAndTiltsStayNearTheMiddle) {
  Bytes point(31 * 31, 0);
  for (std::size_t y = 14; y <= 16; ++y) std::fill_n(point.begin() + static_cast<std::ptrdiff_t>(y * 31 + 14), 3, 255);
  for (const std::string op : {"rotate:180", "shear:45"}) {
    for (std::int64_t sample = 0; sample < 50; ++sample) {
      EXPECT_EQ(apply(op, {1, 31, 31}, point, sample)[15 * 31 + 15], 255) << op;
    }
  }
}

TEST(Color, WorkedByHand) {
  const Shape pixel{3, 1, 1};
  const auto draws = [&](const std::string& op, const Bytes& in) {
    std::set<Bytes> results;
    for (std::int64_t sample = 0; sample < 300; ++sample) results.insert(apply(op, {3, 1, 1}, in, sample));
    return results;
  };
  // Brightness keeps proportions: 100, 50, 200 times one factor.
  for (const Bytes& result : draws("brightness:0.25", {100, 50, 200})) {
    EXPECT_NEAR(result[0], 2 * result[1], 1);
    EXPECT_NEAR(std::min(255, 2 * result[0]), result[2], 2);
    EXPECT_GE(result[0], 75);
    EXPECT_LE(result[0], 125);
  }
  // Contrast leads every channel away from the mean grey; 77 * 100 + 150 * 50 + 29 * 200 = 21000, / 256 = 82.
  for (const Bytes& result : draws("contrast:0.5", {100, 50, 200})) {
    EXPECT_NEAR((result[1] - 82) * 18, (result[0] - 82) * -32, 40);
  }
  // A single pixel's contrast and saturation are the same thing.
  EXPECT_EQ(draws("saturation:0.5", {100, 50, 200}).size() > 30, true);
  for (const Bytes& result : draws("saturation:1", {100, 50, 200})) {
    EXPECT_NEAR((result[1] - 82) * 18, (result[0] - 82) * -32, 60);
  }
  // Hue keeps the largest and the smallest channel.
  for (const Bytes& result : draws("hue:0.5", {100, 50, 200})) {
    EXPECT_EQ(*std::ranges::max_element(result), 200);
    EXPECT_EQ(*std::ranges::min_element(result), 50);
  }
  // AlexNet's noise moves grey along the first axis mostly, all channels alike; the second has 1/11 of its spread.
  double first = 0, difference = 0;
  for (const Bytes& result : draws("pca:0.5", {128, 128, 128})) {
    first += std::abs(result[0] - 128), difference += std::abs(result[0] - result[2]);
  }
  EXPECT_GT(first, 3 * difference);
}

// Red becomes yellow, green, cyan, blue, magenta by sixths; a half turn is the opposite colour.
TEST(Color, HueTurnsTheWheel) {
  bool opposite = false;
  for (std::int64_t sample = 0; sample < 4000; ++sample) {
    const Bytes result = apply("hue:0.5", {3, 1, 2}, {200, 10, 0, 100, 0, 10}, sample);
    EXPECT_EQ(std::max({result[0], result[2], result[4]}), 200);
    EXPECT_EQ(std::min({result[0], result[2], result[4]}), 0);
    EXPECT_EQ(std::max({result[1], result[3], result[5]}), 100);
    opposite = opposite || (result[0] == 0 && result[2] == 200 && result[4] == 200);
  }
  EXPECT_TRUE(opposite);
}

TEST(Pixels, BlurWorkedByHand) {
  // One point among zeros keeps its sum, and comes out the same from left and right and above and below.
  Bytes point(21 * 21, 0);
  point[10 * 21 + 10] = 255;
  for (std::int64_t sample = 0; sample < 20; ++sample) {
    const Bytes result = apply("blur:1.5", {1, 21, 21}, point, sample);
    EXPECT_NEAR(std::accumulate(result.begin(), result.end(), 0), 255, 45);
    for (std::size_t y = 0; y < 21; ++y) {
      for (std::size_t x = 0; x < 21; ++x) {
        EXPECT_EQ(result[y * 21 + x], result[x * 21 + y]);
        EXPECT_EQ(result[y * 21 + x], result[y * 21 + 20 - x]);
      }
    }
    EXPECT_EQ(*std::ranges::max_element(result), result[10 * 21 + 10]);
  }
}

TEST(Pixels, NoiseHasItsMeanAndDeviation) {
  const Bytes grey(3 * 64 * 64, 128);
  double sum = 0, squares = 0;
  const Bytes result = apply("noise:0.1", {3, 64, 64}, grey);
  for (const std::uint8_t pixel : result) sum += pixel - 128, squares += (pixel - 128) * (pixel - 128);
  const auto n = static_cast<double>(result.size());
  EXPECT_NEAR(sum / n, 0, 4 * 25.5 / std::sqrt(n));
  EXPECT_NEAR(std::sqrt(squares / n), 25.5, 4 * 25.5 / std::sqrt(2 * n));
  // The table itself.
  double table = 0;
  std::int64_t total = 0;
  for (std::uint32_t i = 0; i < 4096; ++i) {
    total += normal_at(i), table += std::pow(normal_at(i) / 4096.0, 2);
    if (i > 0) {
      EXPECT_GE(normal_at(i), normal_at(i - 1));
    }
  }
  EXPECT_EQ(total, 0);
  EXPECT_NEAR(table / 4096, 0.9997, 3e-4);
  EXPECT_NEAR(normal_at(3445) / 4096.0, 0.99958, 2e-3);  // a probability of 0.8413
}

TEST(Pixels, CutoutFillsASquareWithTheMean) {
  const Shape shape{1, 8, 8};
  Bytes pixels(64, 10);
  std::fill_n(pixels.begin(), 32, std::uint8_t{30});  // mean 20
  std::set<std::ptrdiff_t> sizes;
  for (std::int64_t sample = 0; sample < 300; ++sample) {
    const Bytes result = apply("cutout:4", shape, pixels, sample);
    for (std::size_t i = 0; i < 64; ++i) EXPECT_TRUE(result[i] == 20 || result[i] == pixels[i]);
    sizes.insert(std::ranges::count(result, 20));
  }
  // Centres at the edges leave 2, 3 or 4 rows and columns.
  EXPECT_EQ(sizes, (std::set<std::ptrdiff_t>{4, 6, 8, 9, 12, 16}));
}

TEST(Views, WorkedByHand) {
  const Shape shape{1, 1, 3};
  Bytes scratch;
  const auto view = [&](const std::string& text, std::int64_t number, Bytes pixels, const Shape& s) {
    Views::parse(text).apply(number, 1, 0, s, pixels, scratch);
    return pixels;
  };
  EXPECT_EQ(Views::parse("flip").count(), 2);
  EXPECT_EQ(view("flip", 0, {1, 2, 3}, shape), (Bytes{1, 2, 3}));
  EXPECT_EQ(view("flip", 1, {1, 2, 3}, shape), (Bytes{3, 2, 1}));
  // 8 x 8 with a gradient: crops of 7 x 7 start at 0 or 1, the centre at 1/2.
  Bytes across(64), down(64);
  for (std::size_t i = 0; i < 64; ++i) {
    across[i] = static_cast<std::uint8_t>(16 * (i % 8)), down[i] = static_cast<std::uint8_t>(16 * (i / 8));
  }
  const Shape square{1, 8, 8};
  const auto middle = [&](std::int64_t number, const Bytes& pixels) {
    return view("ten-crop", number, pixels, square)[27];
  };
  // Pixel (3, 3) is 3.5 * 7/8 = 3.0625 from the crop's edge, 2.5625 between centres: 41; moved by 1 it is 57.
  EXPECT_EQ(Views::parse("ten-crop").count(), 10);
  EXPECT_EQ(middle(0, across), 41);
  EXPECT_EQ(middle(1, across), 57);
  EXPECT_EQ(middle(2, across), 41);
  EXPECT_EQ(middle(3, across), 57);
  EXPECT_EQ(middle(4, across), 49);
  EXPECT_EQ(middle(0, down), 41);
  EXPECT_EQ(middle(1, down), 41);
  EXPECT_EQ(middle(2, down), 57);
  EXPECT_EQ(middle(3, down), 57);
  EXPECT_EQ(middle(4, down), 49);
  for (std::int64_t k = 0; k < 5; ++k) {
    Bytes crop = view("ten-crop", k, across, square);
    EXPECT_EQ(crop, view("five-crop", k, across, square));
    for (auto row = crop.begin(); row != crop.end(); row += 8) std::reverse(row, row + 8);
    EXPECT_EQ(crop, view("ten-crop", k + 5, across, square));
  }
  EXPECT_EQ(Views::parse("random:12").count(), 12);
  EXPECT_EQ(view("random:3", 2, across, square), view("random:3", 2, across, square));
  EXPECT_NE(view("random:3", 1, across, square), view("random:3", 2, across, square));
  EXPECT_TRUE(holds(input_error([] { Views::parse("fivecrop"); }), {"expected flip", "did you mean 'five-crop'?"}));
  EXPECT_TRUE(holds(input_error([] { Views::parse("random:0"); }), {"N from 1 to 100"}));
  EXPECT_TRUE(holds(input_error([] { Views::parse("random:x"); }), {"N from 1 to 100"}));
  EXPECT_TRUE(holds(input_error([] { Views::parse("flip").require_fits({1, 8}); }), {"[1, 8]"}));
}

}  // namespace
}  // namespace fovea
