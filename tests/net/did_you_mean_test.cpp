// SPDX-License-Identifier: Apache-2.0
#include "core/support/did_you_mean.h"

#include <gtest/gtest.h>

namespace fovea {
namespace {

const std::vector<std::string> types = {"conv2d", "linear", "max_pool2d", "avg_pool2d",
                                        "relu",   "tanh",   "add",        "softmax"};

TEST(DidYouMean, FindsSlipsOfTheFingers) {
  EXPECT_EQ(closest_match("covn2d", types), "conv2d");         // swapped
  EXPECT_EQ(closest_match("Conv2D", types), "conv2d");         // case
  EXPECT_EQ(closest_match("maxpool2d", types), "max_pool2d");  // left out
  EXPECT_EQ(closest_match("rellu", types), "relu");            // added
  EXPECT_EQ(closest_match("tabh", types), "tanh");             // replaced
  EXPECT_EQ(closest_match("soft", types), "softmax");          // begun
}

TEST(DidYouMean, IsSilentWhenNothingIsClose) {
  EXPECT_EQ(closest_match("", types), "");
  EXPECT_EQ(closest_match("x", types), "");
  EXPECT_EQ(closest_match("attention", types), "");
  EXPECT_EQ(closest_match("b", {"a"}), "");
  EXPECT_EQ(closest_match(std::string(100000, 'a'), types), "");
  EXPECT_EQ(closest_match("relu", {}), "");
}

TEST(DidYouMean, TheNearestWinsThenTheFirst) {
  EXPECT_EQ(closest_match("avg_pool", types), "avg_pool2d");
  EXPECT_EQ(closest_match("conv1", {"conv12", "conv2", "conv3"}), "conv12");
  EXPECT_EQ(closest_match("convx", {"conv3", "conv2"}), "conv3");
}

TEST(DidYouMean, MakesTheEndOfAMessage) {
  EXPECT_EQ(did_you_mean("rleu", types), " (did you mean 'relu'?)");
  EXPECT_EQ(did_you_mean("attention", types), "");
}

}  // namespace
}  // namespace fovea
