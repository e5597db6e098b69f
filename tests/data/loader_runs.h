// SPDX-License-Identifier: Apache-2.0
//
// Samples and loaders for the tests of batches.
#pragma once
#include <atomic>
#include <string>
#include <vector>

#include "core/data/loader.h"
#include "core/data/memory_dataset.h"
#include "core/support/error.h"

namespace fovea::test {

// Samples of 3 x 8 x 8 bytes that tell their number; those in `broken` cannot be read.
class Numbered final : public Dataset {
 public:
  explicit Numbered(std::int64_t samples, std::vector<std::int64_t> broken = {})
      : samples_(samples), broken_(std::move(broken)) {}
  std::int64_t size() const override { return samples_; }
  Shape sample_shape() const override { return {3, 8, 8}; }
  const std::vector<std::string>& class_names() const override { return names_; }
  std::int32_t read(std::int64_t index, std::span<std::uint8_t> pixels) const override {
    ++reads;
    for (const std::int64_t bad : broken_) {
      if (bad == index) throw InputError("sample " + std::to_string(index) + ": broken");
    }
    RandomStream random(1, RandomPurpose::test, static_cast<std::uint64_t>(index));
    for (std::uint8_t& pixel : pixels) pixel = static_cast<std::uint8_t>(random.below(256));
    return static_cast<std::int32_t>(index);
  }
  mutable std::atomic<std::int64_t> reads = 0;

 private:
  std::int64_t samples_;
  std::vector<std::int64_t> broken_;
  std::vector<std::string> names_ = numbered_classes(100);
};

inline const Normalization plain{{0.5f, 0.4f, 0.3f}, {0.2f, 0.3f, 0.4f}};

inline LoaderOptions options(int threads, Unreadable unreadable = Unreadable::fail) {
  LoaderOptions o;
  o.batch = 4;
  o.seed = 9;
  o.threads = threads;
  o.augmentation = Augmentation::parse("crop:2,flip,color:0.3,noise:0.05");
  o.unreadable = unreadable;
  return o;
}

// Everything that two runs must have in common.
struct Seen {
  std::vector<float> images;
  std::vector<std::int32_t> labels;
  std::vector<float> targets;  // of mixed samples, in the place of labels
  bool operator==(const Seen&) const = default;
};
inline Seen seen(const Batch& batch) {
  const auto images = batch.images.span<float>();
  Seen result{{images.begin(), images.end()}, {}, {}};
  if (batch.labels.dtype() == DType::f32) {
    result.targets.assign(batch.labels.span<float>().begin(), batch.labels.span<float>().end());
  } else {
    result.labels.assign(batch.labels.span<std::int32_t>().begin(), batch.labels.span<std::int32_t>().end());
  }
  return result;
}
inline std::vector<Seen> run(Loader& loader, std::int64_t epochs) {
  std::vector<Seen> batches;
  for (std::int64_t epoch = 0; epoch < epochs; ++epoch) {
    for (std::int64_t p = 0; p < loader.batches_per_epoch(); ++p) batches.push_back(seen(loader.batch(epoch, p)));
  }
  return batches;
}

}  // namespace fovea::test
