// SPDX-License-Identifier: Apache-2.0
//
// Colours: every hue against the wheel as it is drawn, and the loops in lanes against the plain ones.
#include <algorithm>
#include <array>

#include "core/data/augment/passes.h"
#include "core/support/philox.h"
#include "tests/data/files.h"

namespace fovea {
namespace {

using test::Bytes;

// The wheel as it is drawn: sector by sector, one channel between the largest and the smallest.
std::array<int, 3> turned(int r, int g, int b, int turn) {
  constexpr int one = hue_sector;
  const int most = std::max({r, g, b}), least = std::min({r, g, b}), span = most - least;
  if (span == 0) return {r, g, b};
  int sector = 0, difference = g - b;
  if (most == g && most != r) sector = 2, difference = b - r;
  if (most == b && most != r && most != g) sector = 4, difference = r - g;
  const int hue = (sector * one + difference * one / span + turn + 12 * one) % (6 * one), place = hue / one;
  const int part = (hue % one * span + one / 2) >> 16, rising = least + part, falling = most - part;
  const std::array<int, 3> sectors[6] = {{most, rising, least},  {falling, most, least}, {least, most, rising},
                                         {least, falling, most}, {rising, least, most},  {most, least, falling}};
  return sectors[place];
}

TEST(Color, EveryHueIsItsSectorsNumbers) {
  std::vector<int> levels;
  for (int level = 0; level < 256; level += level < 8 || level >= 248 ? 1 : 5) levels.push_back(level);
  const std::size_t n = levels.size(), area = n * n * n;
  Bytes colours(3 * area), scratch;
  for (std::size_t i = 0; i < area; ++i)
    for (std::size_t c = 0, rest = i; c < 3; ++c, rest /= n)
      colours[c * area + i] = static_cast<std::uint8_t>(levels[rest % n]);
  for (const int turn : {-3 * hue_sector, -100000, -1, 0, 1, 12345, hue_sector, 3 * hue_sector}) {
    Bytes pixels = colours;
    const std::int64_t row[] = {turn};
    turn_hue(row, {3, 1, static_cast<std::int64_t>(area), pixels, scratch});
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < area; ++i) {
      const auto wanted = turned(colours[i], colours[area + i], colours[2 * area + i], turn);
      for (std::size_t c = 0; c < 3; ++c) wrong += pixels[c * area + i] != wanted[c];
    }
    EXPECT_EQ(wrong, 0u) << "turn " << turn;
  }
}

// Registers hold 16 or 32 pixels, so that a picture of 15 is for the plain loops alone (but brightness and contrast, which
// see 45 values in a row). 32 of it beside each other fill registers. The mean grey is the same.
TEST(Color, LanesAndPlainLoopsAgree) {
  constexpr std::size_t width = 15, copies = 32;
  const auto change = [](AugmentPass pass, std::int64_t number, std::size_t w, Bytes& pixels) {
    Bytes scratch;
    apply_pass(pass, std::array{number}, {3, 1, static_cast<std::int64_t>(w), pixels, scratch});
  };
  for (std::uint64_t i = 0; i < 200; ++i) {
    RandomStream random(5, RandomPurpose::test, i);
    Bytes narrow(3 * width), wide;
    for (std::uint8_t& value : narrow) value = static_cast<std::uint8_t>(random.below(256));
    for (std::size_t c = 0; c < 3; ++c)
      for (std::size_t w = 0; w < copies * width; ++w) wide.push_back(narrow[c * width + w % width]);
    for (const AugmentPass pass :
         {AugmentPass::brightness, AugmentPass::contrast, AugmentPass::saturation, AugmentPass::hue}) {
      const auto number = static_cast<std::int64_t>(random.below(2049));
      change(pass, pass == AugmentPass::hue ? 90 * number : number, width, narrow);
      change(pass, pass == AugmentPass::hue ? 90 * number : number, copies * width, wide);
      std::size_t wrong = 0;
      for (std::size_t at = 0; at < wide.size(); ++at)
        wrong += wide[at] != narrow[at / (copies * width) * width + at % width];
      EXPECT_EQ(wrong, 0u) << "pass " << static_cast<int>(pass) << ", number " << number << ", picture " << i;
    }
  }
}

}  // namespace
}  // namespace fovea
