// SPDX-License-Identifier: Apache-2.0
#include "core/train/nearest_neighbours.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>
#include <utility>

#include "core/support/error.h"
#include "core/support/parallel.h"

namespace fovea {
namespace {

// Images whose distances are computed at once: with 60,000 training images the distances take 61 MB.
constexpr std::int64_t batch_images = 256;

struct Rows {
  Tensor values;  // [images, pixels] on the host, value / 255
  Tensor labels;
};

Rows rows_of(const Dataset& data, std::span<const std::int64_t> indices) {
  const auto channels = static_cast<std::size_t>(data.sample_shape()[0]);
  const Normalization raw{std::vector<float>(channels, 0.0f), std::vector<float>(channels, 1.0f)};
  const Batch batch = make_batch(data, indices, raw);
  const auto images = static_cast<std::int64_t>(indices.size());
  return {batch.images.reshaped({images, data.sample_shape().elements()}), batch.labels};
}

std::vector<std::int64_t> first(std::int64_t count) {
  std::vector<std::int64_t> indices(static_cast<std::size_t>(count));
  std::iota(indices.begin(), indices.end(), 0);
  return indices;
}

}  // namespace

std::int32_t vote(std::span<const float> distances, std::span<const std::int32_t> labels, std::int64_t k) {
  std::vector<std::pair<float, std::int32_t>> neighbours;  // ordered by distance, then label
  for (std::size_t i = 0; i < distances.size(); ++i) neighbours.emplace_back(distances[i], labels[i]);
  const auto end = neighbours.begin() + static_cast<std::ptrdiff_t>(k);
  std::partial_sort(neighbours.begin(), end, neighbours.end());
  struct Votes {
    std::int64_t count = 0;
    float nearest = 0;
  };
  std::map<std::int32_t, Votes> votes;
  for (auto neighbour = neighbours.begin(); neighbour != end; ++neighbour) {
    Votes& of_label = votes[neighbour->second];
    if (of_label.count++ == 0) of_label.nearest = neighbour->first;
  }
  const auto worse = [](const auto& a, const auto& b) {
    return std::tuple(a.second.count, -a.second.nearest, -a.first) <
           std::tuple(b.second.count, -b.second.nearest, -b.first);
  };
  return std::ranges::max_element(votes, worse)->first;
}

NearestNeighbours::NearestNeighbours(Backend& backend, const Dataset& training, std::int64_t samples, std::int64_t k,
                                     DistanceNorm norm)
    : backend_(backend), sample_shape_(training.sample_shape()), k_(k), norm_(norm) {
  require(training.label_shape() == Shape{}, [&] {
    return fmt::format("nearest neighbours: expected one label for each image, the data have {}",
                       training.label_shape().to_string());
  });
  require(samples >= 1 && samples <= training.size(), [&] {
    return fmt::format("training images: expected 1 to {} (those there are), got {}", training.size(), samples);
  });
  require(k >= 1 && k <= samples,
          [&] { return fmt::format("k: expected 1 to {} (the training images), got {}", samples, k); });
  const Rows rows = rows_of(training, first(samples));
  rows_ = rows.values.to(backend.memory());
  labels_.assign(rows.labels.span<std::int32_t>().begin(), rows.labels.span<std::int32_t>().end());
}

std::vector<std::int32_t> NearestNeighbours::classify(const Dataset& data,
                                                      std::span<const std::int64_t> indices) const {
  require(data.sample_shape() == sample_shape_, [&] {
    return fmt::format("nearest neighbours: the training images are {}, these are {}", sample_shape_.to_string(),
                       data.sample_shape().to_string());
  });
  Ops& ops = *backend_.choose("distance", Direction::forward, {}).ops;
  std::vector<std::int32_t> result(indices.size());
  for (std::size_t begin = 0; begin < indices.size(); begin += batch_images) {
    const auto part = indices.subspan(begin, std::min<std::size_t>(batch_images, indices.size() - begin));
    const auto images = static_cast<std::int64_t>(part.size());
    const Tensor a = rows_of(data, part).values.to(backend_.memory());
    Tensor y({images, samples()}, DType::f32, backend_.memory());
    ops.distance_forward(norm_, a.view(), rows_.view(), y.view());
    const Tensor distances = y.to_host();
    parallel_for(images, [&](std::int64_t i) {
      const auto row = distances.span<float>().subspan(static_cast<std::size_t>(i) * labels_.size(), labels_.size());
      result[begin + static_cast<std::size_t>(i)] = vote(row, labels_, k_);
    });
  }
  return result;
}

double NearestNeighbours::accuracy(const Dataset& data, std::int64_t images) const {
  require(images >= 1 && images <= data.size(),
          [&] { return fmt::format("images: expected 1 to {} (those there are), got {}", data.size(), images); });
  const std::vector<std::int64_t> indices = first(images);
  const std::vector<std::int32_t> labels = classify(data, indices);
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(data.sample_shape().elements()));
  std::int64_t correct = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) correct += labels[i] == data.read(indices[i], pixels);
  return static_cast<double>(correct) / static_cast<double>(images);
}

}  // namespace fovea
