// SPDX-License-Identifier: Apache-2.0
//
// Mixup and cutmix: what texts mean, pixels and targets by hand, and what is drawn against its distribution.
#include "core/data/augment/mix.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "core/data/augment/augmentation.h"
#include "core/ops/soft_cross_entropy.h"
#include "tests/data/files.h"

namespace fovea {
namespace {

using test::Bytes;
using test::holds;
using test::input_error;

// Every bound below is passed by chance in one of a million seeds; this is the one that is drawn from.
constexpr std::uint64_t seed = 11;
const double log_of_a_million = std::log(1e6);

Augmentation::Mix draw(const std::string& text, std::int64_t sample, const Shape& shape, std::int64_t samples = 1000) {
  return Augmentation::parse(text).draw_mix(seed, 0, sample, shape, samples);
}

Bytes mixed(const MixRow& row, const Shape& shape, Bytes pixels, const Bytes& other) {
  Bytes scratch;
  mix_images(row, other, {shape[0], shape[1], shape[2], pixels, scratch});
  return pixels;
}

// Pearson's statistic of cells with `degrees` of freedom, and its bound by B. Laurent, P. Massart, "Adaptive estimation of
// a quadratic functional by model selection", 2000, lemma 1.
double chi_squared(const std::vector<double>& seen, const std::vector<double>& expected) {
  double sum = 0;
  for (std::size_t i = 0; i < seen.size(); ++i) sum += (seen[i] - expected[i]) * (seen[i] - expected[i]) / expected[i];
  return sum;
}
double chi_squared_bound(double degrees) {
  return degrees + 2 * std::sqrt(degrees * log_of_a_million) + 2 * log_of_a_million;
}

TEST(Mix, TextsAndTheirMistakes) {
  const auto error = [](const std::string& text) { return input_error([&] { Augmentation::parse(text); }); };
  EXPECT_TRUE(holds(error("mixup"), {"'mixup': expected mixup:ALPHA; ALPHA is missing"}));
  for (const std::string wrong : {"0", "-1", "nan", "inf", "1e9", "", "x"}) {
    EXPECT_TRUE(holds(error("flip,cutmix:" + wrong),
                      {"'cutmix:" + wrong + "': ALPHA: expected a number from 0.01 to 100, got '" + wrong + "'"}));
  }
  EXPECT_TRUE(holds(error("mixup:1:2"), {"expected mixup:ALPHA, got 2 numbers"}));
  EXPECT_TRUE(holds(error("mixup:1,cutmix:1,mixup:2"), {"'mixup' is given twice"}));
  EXPECT_TRUE(holds(error("mixup:1,flip"), {"'flip' changes one image, so it comes before mixup and cutmix"}));
  EXPECT_TRUE(holds(error("mixup:1,flipp"), {"unknown operation 'flipp'", "did you mean 'flip'?"}));
  EXPECT_TRUE(holds(error("cutmixx:1"), {"did you mean 'cutmix'?"}));
  const Augmentation both = Augmentation::parse("crop:2,flip,mixup:0.2,cutmix:1"), one = Augmentation::parse("mixup:1");
  EXPECT_TRUE(both.mixes());
  EXPECT_EQ(both.passes().size(), 2u) << "mixing is not one of the passes over single images";
  EXPECT_FALSE(one.empty());
  EXPECT_TRUE(one.passes().empty());
  EXPECT_FALSE(Augmentation::parse("flip").mixes());
  EXPECT_TRUE(holds(input_error([&] { one.require_fits({1, 128}); }), {"for images [C, H, W]", "[1, 128]"}));
}

TEST(Mix, PixelsByHand) {
  const Shape row{1, 1, 4};
  const Bytes a{0, 100, 255, 7}, b{255, 50, 255, 8};
  EXPECT_EQ(mixed({256, 0, 1, 0, 4}, row, a, b), a);
  EXPECT_EQ(mixed({0, 0, 1, 0, 4}, row, a, b), b);
  // Halves: 127.5 up to 128, 75, 255, 7.5 up to 8; a quarter of a: 191.25, 62.5 up to 63, 255, 7.75.
  EXPECT_EQ(mixed({128, 0, 1, 0, 4}, row, a, b), (Bytes{128, 75, 255, 8}));
  EXPECT_EQ(mixed({64, 0, 1, 0, 4}, row, a, b), (Bytes{191, 63, 255, 8}));
  // A rectangle of two channels: rows 1 to 2, columns 0 to 1.
  const Shape square{2, 3, 3};
  Bytes zeros(18, 0), ones(18, 1);
  const Bytes cut = mixed({0, 1, 3, 0, 2}, square, zeros, ones);
  EXPECT_EQ(cut, (Bytes{0, 0, 0, 1, 1, 0, 1, 1, 0, 0, 0, 0, 1, 1, 0, 1, 1, 0}));
  EXPECT_EQ(mixed({0, 2, 2, 0, 3}, square, zeros, ones), zeros) << "nothing is cut";
  // Every k with every pair of extremes, in whole numbers.
  for (std::int64_t k = 0; k <= 256; ++k) {
    const Bytes x{0, 255, 0, 255}, y{0, 0, 255, 255};
    const Bytes m = mixed({k, 0, 1, 0, 4}, row, x, y);
    for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(m[i], (k * x[i] + (256 - k) * y[i] + 128) / 256) << k;
  }
}

TEST(Mix, TargetsByHand) {
  const Shape shape{3, 4, 8};
  const auto targets = [&](const MixRow& row, std::int32_t own, std::int32_t partner) {
    std::vector<float> t(4, -1.0f);
    mix_targets(partner_share(row, shape), own, partner, t);
    return t;
  };
  EXPECT_EQ(targets({192, 0, 4, 0, 8}, 1, 3), (std::vector<float>{0, 0.75f, 0, 0.25f}));
  EXPECT_EQ(targets({192, 0, 4, 0, 8}, 2, 2), (std::vector<float>{0, 0, 1, 0}));
  EXPECT_EQ(targets({256, 0, 4, 0, 8}, 0, 1), (std::vector<float>{1, 0, 0, 0}));
  // 3 x 5 of 32 pixels.
  EXPECT_EQ(targets({0, 1, 4, 2, 7}, 0, 1), (std::vector<float>{17.0f / 32, 15.0f / 32, 0, 0}));
  // An area that no float32 is the exact share of: within what the loss demands.
  std::vector<float> t(2);
  mix_targets(partner_share(MixRow{0, 0, 1, 0, 1}, {1, 3, 7}), 0, 1, t);
  EXPECT_LE(std::abs(double{t[0]} + double{t[1]} - 1), target_sum_tolerance(2, DType::f32));
  EXPECT_EQ(t[1], 1.0f / 21);
}

// The label's share is the share of the pixels that were left.
TEST(Mix, TheLabelCountsThePixels) {
  const Shape shape{1, 9, 13};
  for (std::int64_t sample = 0; sample < 200; ++sample) {
    const Augmentation::Mix mix = draw("cutmix:0.7", sample, shape);
    const Bytes picture = mixed(mix.row, shape, Bytes(117, 0), Bytes(117, 1));
    const auto share = partner_share(mix.row, shape);
    EXPECT_EQ(std::ranges::count(picture, 1) * share.whole, share.part * 117) << sample;
  }
}

TEST(Mix, FollowsFromSeedEpochAndSampleAlone) {
  const Shape shape{3, 16, 12};
  const auto key = [](const Augmentation::Mix& m) { return std::pair(m.partner, m.row); };
  for (const std::string text : {"mixup:0.4", "cutmix:1", "mixup:0.4,cutmix:1", "flip,mixup:0.4"}) {
    const Augmentation augmentation = Augmentation::parse(text);
    std::set<std::pair<std::int64_t, MixRow>> seen;
    for (std::int64_t i = 0; i < 30; ++i) {
      const auto once = augmentation.draw_mix(1, 0, i, shape, 500);
      EXPECT_EQ(key(once), key(augmentation.draw_mix(1, 0, i, shape, 500)));
      seen.insert(key(once));
      seen.insert(key(augmentation.draw_mix(1, 1 + i, 0, shape, 500)));
      seen.insert(key(augmentation.draw_mix(100 + static_cast<std::uint64_t>(i), 0, 0, shape, 500)));
    }
    EXPECT_EQ(seen.size(), 90u) << text;
  }
  // Its place in the list is part of the key, like every operation's.
  EXPECT_NE(key(draw("mixup:0.4", 3, shape)), key(draw("flip,mixup:0.4", 3, shape)));
}

// The distribution function of Beta(a, a): the series of the incomplete beta function up to 1/2, and its mirror image.
double beta_distribution(double a, double x) {
  if (x > 0.5) return 1 - beta_distribution(a, 1 - x);
  if (x <= 0) return 0;
  double sum = 0, term = 1;
  for (int n = 0; n < 60; ++n) {  // x is at most 1/2
    sum += term / (a + n);
    term *= (n + 1 - a) / (n + 1) * x;
  }
  return std::exp(a * std::log(x) + std::lgamma(2 * a) - 2 * std::lgamma(a)) * sum;
}

// Kolmogorov's distance of `count` draws for `alpha` from Beta(`expected`, `expected`). Up to 1/2 only where alpha is so small
// that much of the upper half lies closer to 1 than a double can say.
double distance_from_beta(double alpha, double expected, std::size_t count) {
  std::vector<double> drawn;
  for (std::size_t i = 0; i < count; ++i) {
    RandomStream random = augment_stream(seed, 0, static_cast<std::int64_t>(i), 0);
    drawn.push_back(draw_beta(random, alpha));
  }
  std::ranges::sort(drawn);
  double distance = 0;
  for (std::size_t i = 0; i < count && drawn[i] <= (alpha < 0.2 ? 0.5 : 1); ++i) {
    const double at = beta_distribution(expected, drawn[i]), n = static_cast<double>(count);
    distance = std::max({distance, static_cast<double>(i + 1) / n - at, at - static_cast<double>(i) / n});
  }
  return distance;
}

TEST(Mix, TheDistributionFunctionItself) {
  for (const double x : {0.01, 0.3, 0.5, 0.8, 0.99}) {
    EXPECT_NEAR(beta_distribution(1, x), x, 1e-12);
    EXPECT_NEAR(beta_distribution(2, x), x * x * (3 - 2 * x), 1e-12);
    EXPECT_NEAR(beta_distribution(0.5, x), 2 / std::acos(-1.0) * std::asin(std::sqrt(x)), 1e-12);
  }
}

// By P. Massart, "The tight constant in the Dvoretzky-Kiefer-Wolfowitz inequality", 1990.
TEST(Mix, LambdaHasItsDistribution) {
  constexpr std::size_t count = 20000;
  const double bound = std::sqrt((std::log(2.0) + log_of_a_million) / (2.0 * count));
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  for (const double alpha : {0.05, 0.2, 0.5, 1.0, 2.0, 8.0}) {
    EXPECT_LE(distance_from_beta(alpha, alpha, count), bound) << alpha;
    // The bound tells it from its neighbours, and from what forgets a step of the algorithm for alpha below 1.
    EXPECT_GT(distance_from_beta(alpha, 1.5 * alpha, count), bound) << alpha;
    EXPECT_GT(distance_from_beta(1.5 * alpha, alpha, count), bound) << alpha;
    if (alpha < 1) {
      EXPECT_GT(distance_from_beta(alpha + 1, alpha, count), bound) << alpha;
    }
  }
}

TEST(Mix, MixupRoundsLambdaToItsParts) {
  const Shape shape{1, 5, 7};
  std::int64_t least = 256, most = 0;
  for (std::int64_t sample = 0; sample < 2000; ++sample) {
    const Augmentation::Mix mix = draw("mixup:0.1", sample, shape);
    RandomStream random = augment_stream(seed, 0, sample, 0);
    random.next_u32();  // the partner: 1000 of 2^32 reject hardly any word
    const double lambda = draw_beta(random, 0.1);
    EXPECT_EQ(mix.row, (MixRow{std::llround(256 * lambda), 0, 5, 0, 7}));
    least = std::min(least, mix.row[0]), most = std::max(most, mix.row[0]);
  }
  EXPECT_EQ(least, 0);
  EXPECT_EQ(most, 256);
}

// Any sample of the data, and either way of mixing, with equal chance.
TEST(Mix, PartnersAndKindsAreFair) {
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  constexpr std::int64_t count = 20000, samples = 40;
  std::vector<double> partners(samples), expected(samples, static_cast<double>(count) / samples);
  double cut = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const Augmentation::Mix mix = draw("mixup:1,cutmix:1", i, {1, 8, 8}, samples);
    ++partners[static_cast<std::size_t>(mix.partner)];
    cut += mix.kind == MixKind::cutmix;
  }
  EXPECT_LE(chi_squared(partners, expected), chi_squared_bound(samples - 1));
  // W. Hoeffding, 1963.
  EXPECT_LE(std::abs(cut / count - 0.5), std::sqrt((std::log(2.0) + log_of_a_million) / (2.0 * count)));
  // The bound notices a sample that is never drawn.
  std::vector<double> unfair = expected;
  unfair[1] += unfair[0], unfair[0] = 0;
  EXPECT_GT(chi_squared(unfair, expected), chi_squared_bound(samples - 1));
}

// For alpha 1 lambda is uniform, and the side sqrt(1 - lambda) has the distribution function s^2: the chance of every range
// of columns can be written down.
TEST(Mix, BoxesHaveTheirDistribution) {
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  constexpr std::int64_t count = 40000, width = 6, height = 9;
  std::map<std::pair<std::int64_t, std::int64_t>, double> chances, seen;
  for (std::int64_t length = 0; length <= width; ++length) {
    const double low = std::max(0.0, (static_cast<double>(length) - 0.5) / width),
                 high = std::min(1.0, (static_cast<double>(length) + 0.5) / width);
    for (std::int64_t centre = 0; centre < width; ++centre) {
      const std::int64_t begin = centre - length / 2;
      const std::pair range{std::max<std::int64_t>(begin, 0), std::min(begin + length, width)};
      chances[range] += (high * high - low * low) / width;
    }
  }
  for (std::int64_t i = 0; i < count; ++i) {
    const MixRow row = draw("cutmix:1", i, {3, height, width}).row;
    ++seen[{row[3], row[4]}];
    EXPECT_TRUE(row[0] == 0 && row[1] >= 0 && row[1] <= row[2] && row[2] <= height);
  }
  std::vector<double> found, expected;
  for (const auto& [range, chance] : chances) {
    found.push_back(seen[range]);
    expected.push_back(chance * count);
    EXPECT_GE(expected.back(), 5) << "too few for Pearson's statistic";
  }
  EXPECT_EQ(seen.size(), chances.size()) << "a range that cannot be";
  const double bound = chi_squared_bound(static_cast<double>(found.size()) - 1);
  EXPECT_LE(chi_squared(found, expected), bound);
  // The bound tells sides of sqrt(1 - lambda) from sides of 1 - lambda, whose ranges are shorter.
  std::map<std::pair<std::int64_t, std::int64_t>, double> shorter;
  for (std::int64_t i = 0; i < count; ++i) {
    RandomStream random = augment_stream(seed, 0, i, 0);
    const auto length = std::llround(width * double{random.uniform()});
    const std::int64_t begin = random.below(width) - length / 2;
    ++shorter[{std::max<std::int64_t>(begin, 0), std::min<std::int64_t>(begin + length, width)}];
  }
  std::vector<double> wrong;
  for (const auto& [range, chance] : chances) wrong.push_back(shorter[range]);
  EXPECT_GT(chi_squared(wrong, expected), bound);
}

// A large square image: the two sides belong to one lambda.
TEST(Mix, BothSidesOfABoxAreOfOneLambda) {
  const Shape shape{1, 400, 200};
  int whole = 0;
  for (std::int64_t sample = 0; sample < 400; ++sample) {
    const MixRow row = draw("cutmix:1", sample, shape).row;
    const std::int64_t rows = row[2] - row[1], columns = row[4] - row[3];
    if (row[1] == 0 || row[3] == 0 || row[2] == 400 || row[4] == 200) continue;  // may be cut at an edge
    ++whole;
    EXPECT_LE(std::abs(rows - 2 * columns), 1) << sample;  // each is rounded by up to 1/2
  }
  EXPECT_GT(whole, 20);
}

}  // namespace
}  // namespace fovea
