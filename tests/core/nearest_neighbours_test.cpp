// SPDX-License-Identifier: Apache-2.0
#include "core/train/nearest_neighbours.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "core/data/memory_dataset.h"
#include "core/support/error.h"
#include "core/support/philox.h"
#include "cpu_reference/reference_backend.h"

namespace fovea {
namespace {

std::int32_t voted(const std::vector<float>& distances, const std::vector<std::int32_t>& labels, std::int64_t k) {
  return vote(distances, labels, k);
}

TEST(Vote, TheMajorityOfTheNearest) {
  const std::vector<float> distances{5, 1, 4, 2, 3};
  const std::vector<std::int32_t> labels{7, 9, 7, 8, 7};
  EXPECT_EQ(voted(distances, labels, 1), 9);
  EXPECT_EQ(voted(distances, labels, 5), 7);
}

TEST(Vote, TiesGoToTheNearerNeighbourThenToTheLowerLabel) {
  EXPECT_EQ(voted({1, 2, 3, 4}, {9, 8, 8, 9}, 4), 9) << "two votes each; a 9 is nearest";
  EXPECT_EQ(voted({1, 2}, {9, 8}, 2), 9);
  EXPECT_EQ(voted({1, 1}, {9, 8}, 2), 8) << "equally near: the lower label";
  EXPECT_EQ(voted({1, 1}, {9, 8}, 1), 8) << "also where only one may vote";
  EXPECT_EQ(voted({2, 1, 1, 2}, {9, 8, 7, 9}, 4), 9) << "votes count before nearness";
}

TEST(Vote, TheOrderOfTheSamplesDoesNotMatter) {
  RandomStream random(1, RandomPurpose::test, 1);
  std::vector<std::size_t> order(30);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::vector<float> distances(30);
  std::vector<std::int32_t> labels(30);
  for (std::size_t i = 0; i < 30; ++i) {
    distances[i] = static_cast<float>(random.below(6));
    labels[i] = static_cast<std::int32_t>(random.below(4));
  }
  for (const std::int64_t k : {1, 2, 5, 11, 30}) {
    const std::int32_t expected = voted(distances, labels, k);
    for (int shuffle = 0; shuffle < 20; ++shuffle) {
      for (std::size_t i = order.size(); i > 1; --i)
        std::swap(order[i - 1], order[random.below(static_cast<std::uint32_t>(i))]);
      std::vector<float> d;
      std::vector<std::int32_t> l;
      for (const std::size_t i : order) d.push_back(distances[i]), l.push_back(labels[i]);
      EXPECT_EQ(voted(d, l, k), expected) << "k " << k;
    }
  }
}

// Images of 1 x 2 pixels.
MemoryDataset points(const std::vector<std::uint8_t>& pixels, const std::vector<std::int32_t>& labels) {
  return MemoryDataset({1, 1, 2}, numbered_classes(3), pixels, labels);
}

TEST(NearestNeighbours, NormsDisagreeWhereTheyShould) {
  const std::unique_ptr<Backend> backend = make_reference_backend();
  // From (0, 0): (60, 60) is 120 away by l1 and 85 by l2; (0, 100) is 100 away by both.
  const MemoryDataset training = points({60, 60, 0, 100}, {1, 2}), test = points({0, 0}, {1});
  const std::vector<std::int64_t> indices{0};
  EXPECT_EQ(NearestNeighbours(*backend, training, 2, 1, DistanceNorm::l1).classify(test, indices),
            std::vector<std::int32_t>{2});
  EXPECT_EQ(NearestNeighbours(*backend, training, 2, 1, DistanceNorm::l2).classify(test, indices),
            std::vector<std::int32_t>{1});
  EXPECT_EQ(NearestNeighbours(*backend, training, 1, 1, DistanceNorm::l1).accuracy(test, 1), 1)
      << "only the first training image takes part";
}

TEST(NearestNeighbours, MoreImagesThanABatch) {
  const std::unique_ptr<Backend> backend = make_reference_backend();
  RandomStream random(2, RandomPurpose::test, 2);
  std::vector<std::uint8_t> pixels;
  std::vector<std::int32_t> labels;
  for (int i = 0; i < 600; ++i) {
    labels.push_back(static_cast<std::int32_t>(random.below(3)));
    pixels.push_back(static_cast<std::uint8_t>(100 * labels.back()));
    pixels.push_back(static_cast<std::uint8_t>(random.below(50)));
  }
  const MemoryDataset data = points(pixels, labels);
  const NearestNeighbours neighbours(*backend, data, 40, 3, DistanceNorm::l2);
  EXPECT_EQ(neighbours.samples(), 40);
  EXPECT_EQ(neighbours.accuracy(data, 600), 1);
  std::vector<std::int64_t> backwards(600);
  std::iota(backwards.rbegin(), backwards.rend(), 0);
  std::ranges::reverse(labels);
  EXPECT_EQ(neighbours.classify(data, backwards), labels) << "in the order of the indices";
}

TEST(NearestNeighbours, WrongArguments) {
  const std::unique_ptr<Backend> backend = make_reference_backend();
  const MemoryDataset data = points({1, 2, 3, 4}, {0, 1});
  const MemoryDataset wide({1, 1, 3}, numbered_classes(3), {1, 2, 3}, {0});
  const auto message = [&](std::int64_t samples, std::int64_t k, const Dataset& test, std::int64_t images) {
    try {
      NearestNeighbours(*backend, data, samples, k, DistanceNorm::l1).accuracy(test, images);
    } catch (const InputError& e) {
      return std::string(e.what());
    }
    return std::string("none");
  };
  EXPECT_EQ(message(2, 2, data, 2), "none");
  EXPECT_EQ(message(3, 1, data, 1), "training images: expected 1 to 2 (those there are), got 3");
  EXPECT_EQ(message(0, 1, data, 1), "training images: expected 1 to 2 (those there are), got 0");
  EXPECT_EQ(message(2, 3, data, 1), "k: expected 1 to 2 (the training images), got 3");
  EXPECT_EQ(message(2, 0, data, 1), "k: expected 1 to 2 (the training images), got 0");
  EXPECT_EQ(message(2, 1, data, 3), "images: expected 1 to 2 (those there are), got 3");
  EXPECT_EQ(message(2, 1, wide, 1), "nearest neighbours: the training images are [1, 1, 2], these are [1, 1, 3]");
}

}  // namespace
}  // namespace fovea
