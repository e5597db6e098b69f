// SPDX-License-Identifier: Apache-2.0
#include "core/data/dataset.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "core/data/memory_dataset.h"
#include "core/support/parallel.h"
#include "tests/data/files.h"

namespace fovea {
namespace {

using test::Bytes;
using test::holds;
using test::input_error;

TEST(OpenData, RejectsUnknownKinds) {
  EXPECT_TRUE(holds(input_error([] { open_data("digit"); }),
                    {"unknown data 'digit'", "digits, mnist:DIR, cifar10:DIR, cifar100:DIR, folder:DIR@SIZE",
                     "did you mean 'digits'?"}));
  EXPECT_TRUE(holds(input_error([] { open_data("minst:/data"); }), {"did you mean 'mnist'?"}));
  EXPECT_TRUE(holds(input_error([] { open_data(""); }), {"unknown data ''"}));
  EXPECT_TRUE(holds(input_error([] { open_data("digits:3"); }), {"takes no arguments"}));
  EXPECT_TRUE(holds(input_error([] { open_data("mnist"); }), {"mnist:DIR", "scripts/get_data.sh mnist"}));
  EXPECT_TRUE(holds(input_error([] { open_data("mnist:"); }), {"mnist:DIR"}));
}

TEST(Synthetic, RejectsBadSpecs) {
  const std::string form = "synthetic:CxHxW:CLASSES";
  const std::vector<std::pair<std::string, std::string>> cases{
      {"synthetic", "C is ''"},
      {"synthetic:", "C is ''"},
      {"synthetic:3", "nothing follows C"},
      {"synthetic:3x32", "nothing follows H"},
      {"synthetic:3x32x32", "nothing follows W"},
      {"synthetic:3x32x32:", "CLASSES is ''"},
      {"synthetic:3x32x32:10:1", "CLASSES is '10:1'"},
      {"synthetic:3x32x32:ten", "CLASSES is 'ten'"},
      {"synthetic:3x32x32: 10", "CLASSES is ' 10'"},
      {"synthetic:+3x32x32:10", "C is '+3'"},
      {"synthetic:3.0x32x32:10", "C is '3.0'"},
      {"synthetic:0x32x32:10", "C is 0, outside 1 to 4096"},
      {"synthetic:3x-1x32:10", "H is -1, outside"},
      {"synthetic:3x32x5000:10", "W is 5000, outside"},
      {"synthetic:3x32x99999999999999999999:10", "W is 99999999999999999999, outside"},
      {"synthetic:3x32x32:1", "CLASSES is 1, outside 2 to 1000"},
      {"synthetic:3x32x32:1001", "CLASSES is 1001, outside"},
      {"synthetic:3x4096x4096:10", "50331648 elements, more than 16777216"}};
  for (const auto& [spec, what] : cases) {
    EXPECT_TRUE(holds(input_error([&spec = spec] { open_data(spec); }), {what, form})) << spec;
  }
}

TEST(Synthetic, HasTwoSplitsThatRepeat) {
  const DataSplits a = open_data("synthetic:3x8x6:7"), b = open_data("synthetic:3x8x6:7");
  EXPECT_EQ(a.train->size(), 2048);
  EXPECT_EQ(a.test->size(), 512);
  EXPECT_EQ(a.train->sample_shape(), (Shape{3, 8, 6}));
  EXPECT_EQ(a.train->classes(), 7);
  Bytes x(144), y(144), test_sample(144);
  for (const std::int64_t i : {0, 1, 2047}) {
    EXPECT_EQ(a.train->read(i, x), b.train->read(i, y));
    EXPECT_EQ(x, y);
  }
  a.train->read(0, x);
  a.test->read(0, test_sample);
  EXPECT_NE(x, test_sample);
  input_error([&] { a.train->read(2048, x); });
  input_error([&] { a.train->read(-1, x); });
  Bytes small(143);
  input_error([&] { a.train->read(0, small); });
}

// The nearest class mean must tell the test split's classes apart, or no net could.
TEST(Synthetic, CanBeLearnt) {
  for (const std::string spec : {"synthetic:1x8x8:10", "synthetic:3x5x7:4"}) {
    const DataSplits splits = open_data(spec);
    const auto elements = static_cast<std::size_t>(splits.train->sample_shape().elements());
    const auto classes = static_cast<std::size_t>(splits.train->classes());
    std::vector<std::vector<double>> mean(classes, std::vector<double>(elements));
    std::vector<double> count(classes);
    Bytes pixels(elements);
    for (std::int64_t i = 0; i < splits.train->size(); ++i) {
      const auto label = static_cast<std::size_t>(splits.train->read(i, pixels));
      count[label] += 1;
      for (std::size_t e = 0; e < elements; ++e) mean[label][e] += pixels[e];
    }
    int correct = 0;
    for (std::int64_t i = 0; i < splits.test->size(); ++i) {
      const auto label = static_cast<std::size_t>(splits.test->read(i, pixels));
      std::size_t best = 0;
      double best_distance = 1e300;
      for (std::size_t c = 0; c < classes; ++c) {
        double distance = 0;
        for (std::size_t e = 0; e < elements; ++e) {
          const double d = pixels[e] - mean[c][e] / count[c];
          distance += d * d;
        }
        if (distance < best_distance) best_distance = distance, best = c;
      }
      correct += best == label;
    }
    EXPECT_GT(correct, 0.9 * static_cast<double>(splits.test->size())) << spec;
  }
}

TEST(MemoryDataset, RejectsWhatDoesNotFit) {
  const auto make = [](Shape shape, std::size_t bytes, std::vector<std::int32_t> labels) {
    return input_error([&] { MemoryDataset(shape, {"a", "b"}, Bytes(bytes), labels); });
  };
  EXPECT_TRUE(holds(make({1, 2, 2}, 7, {0, 1}), {"2 samples of 4 bytes", "7 pixel bytes"}));
  EXPECT_TRUE(holds(make({1, 2, 2}, 0, {}), {"at least one sample"}));
  EXPECT_TRUE(holds(make({4}, 4, {0}), {"[C, H, W] or [C, L]"}));
  EXPECT_TRUE(holds(make({1, 2, 2}, 8, {0, 2}), {"label 2 of sample 1", "below 2"}));
  EXPECT_TRUE(holds(make({1, 2, 2}, 8, {0, -1}), {"label -1 of sample 1"}));
}

TEST(Normalization, IsExact) {
  // Channel 0: 0, 255, 0, 255, ... (mean 1/2, deviation 1/2); channel 1: constant.
  MemoryDataset data({2, 1, 2}, {"a"}, {0, 255, 51, 51, 255, 0, 51, 51}, {0, 0});
  const Normalization normalization = measure_normalization(data);
  EXPECT_EQ(normalization.mean, (std::vector<float>{0.5f, 0.2f}));
  EXPECT_EQ(normalization.deviation, (std::vector<float>{0.5f, 1.0f}));
}

TEST(MakeBatch, NormalisesAndLabels) {
  MemoryDataset data({2, 1, 2}, {"a", "b", "c"}, {0, 255, 51, 102, 255, 0, 0, 204}, {2, 1});
  const std::vector<std::int64_t> indices{1, 0, 1};
  const Batch batch = make_batch(data, indices, {{0.5f, 0.0f}, {0.25f, 2.0f}});
  EXPECT_EQ(batch.images.shape(), (Shape{3, 2, 1, 2}));
  EXPECT_EQ(batch.labels.dtype(), DType::i32);
  const auto images = batch.images.span<float>();
  EXPECT_EQ(std::vector<float>(images.begin(), images.end()),
            (std::vector<float>{2, -2, 0, .4f, -2, 2, .1f, .2f, 2, -2, 0, .4f}));
  const auto labels = batch.labels.span<std::int32_t>();
  EXPECT_EQ(std::vector<std::int32_t>(labels.begin(), labels.end()), (std::vector<std::int32_t>{1, 2, 1}));
  const std::vector<std::int64_t> beyond{2};
  EXPECT_TRUE(holds(input_error([&] { make_batch(data, beyond, {{0, 0}, {1, 1}}); }), {"sample 2", "there are 2"}));
  EXPECT_TRUE(holds(input_error([&] { make_batch(data, indices, {{0}, {1}}); }), {"1 channels", "[2, 1, 2]"}));
}

TEST(EpochOrder, IsAPermutationOfItsOwn) {
  const std::vector<std::int64_t> order = epoch_order(1000, 7, 3);
  EXPECT_EQ(std::set<std::int64_t>(order.begin(), order.end()).size(), 1000u);
  EXPECT_EQ(*std::max_element(order.begin(), order.end()), 999);
  EXPECT_EQ(order, epoch_order(1000, 7, 3));
  EXPECT_NE(order, epoch_order(1000, 7, 4));
  EXPECT_NE(order, epoch_order(1000, 8, 3));
  EXPECT_TRUE(epoch_order(0, 1, 0).empty());
  EXPECT_EQ(epoch_order(1, 1, 0), (std::vector<std::int64_t>{0}));
  input_error([] { epoch_order(-1, 1, 0); });
  input_error([] { epoch_order(std::int64_t{1} << 32, 1, 0); });
}

// Every sample is equally likely in every place: 24 orders of 4 samples, chi-squared with 23 degrees of freedom.
TEST(EpochOrder, IsFair) {
  std::vector<int> seen(256);
  constexpr int rounds = 24'000;
  for (int epoch = 0; epoch < rounds; ++epoch) {
    std::size_t code = 0;
    for (const std::int64_t i : epoch_order(4, 42, epoch)) code = code * 4 + static_cast<std::size_t>(i);
    ++seen[code];
  }
  int orders = 0;
  double chi_squared = 0;
  for (const int count : seen) {
    if (count == 0) continue;
    ++orders;
    chi_squared += std::pow(count - rounds / 24.0, 2) / (rounds / 24.0);
  }
  EXPECT_EQ(orders, 24);
  EXPECT_LT(chi_squared, 60.0);  // exceeded by chance once in 30,000 seeds
}

}  // namespace
}  // namespace fovea
