// SPDX-License-Identifier: Apache-2.0
//
// How random cases are drawn (check_random): how many, from which seed, and what a failure says.
#include <cstdlib>
#include <cstring>
#include <set>

#include "core/layers/linear.h"
#include "core/support/error.h"
#include "tests/support/environment.h"
#include "tests/support/layer_checks.h"
#include "tests/support/random_pick.h"

namespace fovea::test {
namespace {

using testing::AssertionResult;

bool mentions(const AssertionResult& result, const char* text) {
  return !result && std::strstr(result.message(), text) != nullptr;
}

LayerCase draw_linear(RandomStream& random) {
  return {.name = "Linear",
          .layer = std::make_shared<Linear>(LinearOptions{.out_features = pick(random, 1, 1000)}),
          .inputs = {{1, 1}}};
}
bool always(const LayerCase&) { return true; }

TEST(RandomCases, AreAsManyAsAskedForAndRepeat) {
  const auto drawn = [](const char* seed) {
    const Environment cases("FOVEA_RANDOM_CASES", "20"), seeded("FOVEA_RANDOM_SEED", seed);
    std::vector<std::string> all;
    EXPECT_TRUE(check_random(
        draw_linear,
        [&](const LayerCase& c) {
          all.push_back(describe(c));
          return testing::AssertionSuccess();
        },
        always));
    return all;
  };
  const std::vector<std::string> first = drawn("1");
  EXPECT_EQ(first.size(), 20u);
  EXPECT_GT(std::set<std::string>(first.begin(), first.end()).size(), 15u) << "unlike";
  EXPECT_EQ(first, drawn("1"));
  EXPECT_NE(first, drawn("2"));
}

TEST(RandomCases, AreFiftyOrFewAsAsked) {
  const Environment not_asked("FOVEA_RANDOM_CASES", "");
  {
    const Environment all("FOVEA_TEST_CASES", "");
    EXPECT_EQ(random_options(10).cases, 50u);
  }
  const Environment small("FOVEA_TEST_CASES", "small");
  EXPECT_EQ(random_options(10).cases, 10u);
  std::uint64_t drawn = 0;
  const LayerCheck counts = [&](const LayerCase&) {
    ++drawn;
    return testing::AssertionSuccess();
  };
  EXPECT_TRUE(check_random(draw_linear, counts, always, 1, 10));
  EXPECT_EQ(drawn, 10u);
}

TEST(RandomCases, AFailureSaysHowToDrawItAgain) {
  const Environment seeded("FOVEA_RANDOM_SEED", "12345");
  int count = 0;
  const LayerCheck third_fails = [&](const LayerCase&) -> AssertionResult {
    if (++count == 3) return testing::AssertionFailure() << "third";
    return testing::AssertionSuccess();
  };
  const AssertionResult result = check_random(draw_linear, third_fails, always);
  for (const char* text :
       {"random case 2 of FOVEA_RANDOM_SEED=12345", "type = \"linear\"", "out_features = ", "# x: [1, 1]", "third"})
    EXPECT_TRUE(mentions(result, text)) << text << " in " << result.message();
  const LayerCheck throws = [](const LayerCase&) -> AssertionResult { throw InputError("thrown"); };
  EXPECT_TRUE(mentions(check_random(draw_linear, throws, always), "thrown"));
}

TEST(RandomCases, NothingCheckedIsAFailure) {
  const LayerCheck passes = [](const LayerCase&) { return testing::AssertionSuccess(); };
  EXPECT_FALSE(check_random(draw_linear, passes, [](const LayerCase&) { return false; }));
  const Environment none("FOVEA_RANDOM_CASES", "0");
  EXPECT_FALSE(check_random(draw_linear, passes, always));
}

TEST(RandomCases, MistypedNumbersAreErrors) {
  const LayerCheck passes = [](const LayerCase&) { return testing::AssertionSuccess(); };
  for (const char* wrong : {"many", "5x", "-1"}) {
    const Environment cases("FOVEA_RANDOM_CASES", wrong);
    EXPECT_THROW(check_random(draw_linear, passes, always), InputError) << wrong;
  }
}

}  // namespace
}  // namespace fovea::test
