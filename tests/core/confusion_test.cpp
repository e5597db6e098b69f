// SPDX-License-Identifier: Apache-2.0
#include "core/train/confusion.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace fovea {
namespace {

Tensor scores(Shape shape, std::vector<float> values) {
  Tensor tensor(shape);
  std::copy(values.begin(), values.end(), tensor.span<float>().begin());
  return tensor;
}

TEST(Confusion, CountsLabelsAgainstAnswers) {
  Confusion table(3);
  EXPECT_TRUE(std::isnan(table.accuracy()));
  const std::vector<std::int32_t> labels{0, 2, 2, 1};
  table.add(scores({4, 3}, {3, 1, 2, /**/ 0, 5, 1, /**/ 0, 1, 9, /**/ 4, 4, 4}), labels);
  EXPECT_EQ(table.count(0, 0), 1);
  EXPECT_EQ(table.count(2, 1), 1);
  EXPECT_EQ(table.count(2, 2), 1);
  EXPECT_EQ(table.count(1, 0), 1) << "of equal scores the first wins";
  EXPECT_EQ(table.accuracy(), 0.5);
  EXPECT_EQ(table.class_accuracy(2), 0.5);
  EXPECT_EQ(table.class_accuracy(1), 0.0);
  EXPECT_EQ(table.top5_accuracy(), 1.0);
}

TEST(Confusion, TopFive) {
  Confusion table(7);
  const Tensor row = scores({1, 7}, {7, 6, 5, 4, 3, 2, 1});
  for (const std::int32_t label : {0, 4, 5, 6}) table.add(row, std::vector<std::int32_t>{label});
  EXPECT_EQ(table.top5_accuracy(), 0.5);
  EXPECT_EQ(table.accuracy(), 0.25);
  // Equal scores rank in the order of the classes.
  Confusion equal(7);
  for (std::int32_t label = 0; label < 7; ++label) equal.add(scores({1, 7}, std::vector<float>(7, 1.0f)), {{label}});
  EXPECT_EQ(equal.top5_accuracy(), 5.0 / 7);
}

TEST(Confusion, PositionsAndMissingClasses) {
  Confusion table(2);
  // [1, 2, 3]: class 0 scores 1 0 1, class 1 scores 0 1 0.
  table.add(scores({1, 2, 3}, {1, 0, 1, 0, 1, 0}), std::vector<std::int32_t>{0, 1, 1});
  EXPECT_EQ(table.labels(), 3);
  EXPECT_EQ(table.correct(), 2);
  EXPECT_EQ(table.count(1, 0), 1);
  EXPECT_TRUE(std::isnan(Confusion(2).class_accuracy(1)));
}

TEST(Confusion, NaNNeverWins) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  Confusion table(7);
  table.add(scores({1, 7}, {nan, 1, 2, 3, 4, 5, 6}), std::vector<std::int32_t>{0});
  EXPECT_EQ(table.count(0, 6), 1);
  EXPECT_EQ(table.top5_accuracy(), 0.0);
  table.add(scores({1, 7}, {nan, nan, nan, nan, nan, nan, nan}), std::vector<std::int32_t>{3});
  EXPECT_EQ(table.count(3, 0), 1);
}

}  // namespace
}  // namespace fovea
