// SPDX-License-Identifier: Apache-2.0
#include "core/support/philox.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <vector>

namespace fovea {
namespace {

// Known answers of the Random123 distribution (kat_vectors, philox4x32-10).
TEST(Philox, KnownAnswers) {
  EXPECT_EQ(Philox::block(0, 0, 0), (Philox::Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(Philox::block(~0ull, ~0ull, ~0ull), (Philox::Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(Philox::block(0x299f31d0a4093822, 0x0370734413198a2e, 0x85a308d3243f6a88),
            (Philox::Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(RandomStream, StreamsOfDifferentKeysDiffer) {
  std::set<std::uint32_t> first_words;
  for (std::uint64_t seed = 0; seed < 4; ++seed)
    for (const RandomPurpose purpose : {RandomPurpose::initialise, RandomPurpose::shuffle})
      for (std::uint64_t index = 0; index < 4; ++index)
        first_words.insert(RandomStream(seed, purpose, index).next_u32());
  EXPECT_EQ(first_words.size(), 32u);
}

TEST(RandomStream, UniformStaysInRangeWithTheRightMean) {
  RandomStream random(7, RandomPurpose::test, 0);
  double sum = 0;
  for (int i = 0; i < 100000; ++i) {
    const float u = random.uniform();
    ASSERT_GE(u, 0.0f);
    ASSERT_LT(u, 1.0f);
    sum += u;
  }
  // Five standard deviations of the mean of 1e5 uniform numbers.
  EXPECT_NEAR(sum / 100000, 0.5, 5 * std::sqrt(1.0 / 12 / 100000));
}

TEST(RandomStream, BelowReachesEveryNumberAndNoOther) {
  RandomStream random(7, RandomPurpose::test, 1);
  std::vector<int> seen(7);
  for (int i = 0; i < 7000; ++i) ++seen.at(random.below(7));
  for (const int count : seen) EXPECT_NEAR(count, 1000, 5 * std::sqrt(7000.0 * 6 / 49));
}

}  // namespace
}  // namespace fovea
