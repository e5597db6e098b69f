// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/tensor/tensor.h"

namespace fovea {

// Images with class labels: sample i is C x H x W bytes (0..255, channels first) and a label in [0, classes), or with a
// label_shape() a label for each position (segmentation). Sequences are C x L bytes.
// Implementations are immutable and may be read by several threads at once.
class Dataset {
 public:
  virtual ~Dataset() = default;
  virtual std::int64_t size() const = 0;
  virtual Shape sample_shape() const = 0;  // {C, H, W} or {C, L}
  virtual const std::vector<std::string>& class_names() const = 0;
  std::int64_t classes() const { return static_cast<std::int64_t>(class_names().size()); }
  // Writes sample `index` and returns its label.
  virtual std::int32_t read(std::int64_t index, std::span<std::uint8_t> pixels) const = 0;
  // One sample's labels; {} is one label. Data sets that have more override read_labels too, and their read() returns 0.
  virtual Shape label_shape() const { return Shape{}; }
  virtual void read_labels(std::int64_t index, std::span<std::uint8_t> pixels, std::span<std::int32_t> labels) const {
    labels[0] = read(index, pixels);
  }
};

struct DataSplits {
  std::string spec;
  std::unique_ptr<Dataset> train, test;
};

// The forms of SPEC, for messages.
inline constexpr std::string_view data_specs =
    "digits, mnist:DIR, cifar10:DIR, synthetic:CxHxW:CLASSES, shapes:HxW or waves:L:CLASSES";

// Opens SPEC. Throws InputError naming the file and what is wrong, or how to get the data when it is missing.
DataSplits open_data(std::string_view spec);

// Per-channel normalisation of pixels: (pixel / 255 - mean[c]) / deviation[c].
struct Normalization {
  std::vector<float> mean, deviation;
  friend bool operator==(const Normalization&, const Normalization&) = default;
};
// Over the whole dataset; exact integer sums, so the same on every machine. A constant channel has deviation 1.
Normalization measure_normalization(const Dataset& data);

// A batch ready for a net: images [n, C, H, W] (sequences [n, C, L]) f32 normalised, labels [n] i32 (or [n, ...] with a label_shape).
struct Batch {
  Tensor images, labels;
};
Batch make_batch(const Dataset& data, std::span<const std::int64_t> indices, const Normalization& normalization);

// The order in which an epoch visits `size` samples: a Fisher-Yates shuffle keyed by (seed, epoch).
std::vector<std::int64_t> epoch_order(std::int64_t size, std::uint64_t seed, std::int64_t epoch);

}  // namespace fovea
