// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/tensor/tensor.h"

namespace fovea {

// What to do about samples that cannot be read.
enum class Unreadable { fail, skip };

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
  // The label that read() returns; cheap where it is known without the pixels.
  virtual std::int32_t label(std::int64_t index) const;
  // The file that holds sample `index` alone; empty where samples have no files of their own.
  virtual std::string file(std::int64_t) const { return {}; }
};

struct DataSplits {
  std::string spec;
  std::unique_ptr<Dataset> train;
  std::unique_ptr<Dataset> test;   // null: the data have one split only (DataOptions::one_split)
  std::vector<std::string> notes;  // what was overlooked or left out while opening, a line each
  Unreadable unreadable = Unreadable::fail;
};

// The forms of SPEC, for messages.
inline constexpr std::string_view data_specs =
    "digits, mnist:DIR, cifar10:DIR, cifar100:DIR, folder:DIR@SIZE, list:FILE@SIZE, npy:X,Y, synthetic:CxHxW:CLASSES, "
    "shapes:HxW or waves:L:CLASSES";

// Opens SPEC, with the options that it ends with, if any (core/data/open_data.h). Throws InputError naming the file and
// what is wrong, or how to get the data when it is missing.
DataSplits open_data(std::string_view spec);

// Per-channel normalisation of pixels: (pixel / 255 - mean[c]) / deviation[c].
struct Normalization {
  std::vector<float> mean, deviation;
  friend bool operator==(const Normalization&, const Normalization&) = default;
};
// Over the whole dataset, on all threads; exact integer sums, so the same on every machine. A constant channel has
// deviation 1. Samples that cannot be read are an error (of the first one), or are left out with `skip`.
Normalization measure_normalization(const Dataset& data, Unreadable unreadable = Unreadable::fail);

// A batch ready for a net: images [n, C, H, W] (sequences [n, C, L]) f32 normalised, labels [n] i32 (or [n, ...] with a label_shape).
// Where the augmentation mixes samples, labels are targets: [n, classes] f32.
// Where a device is to augment (LoaderOptions::augment_on_device) the images are bytes, u8, and `rows` i64 has what was drawn
// for them (Augmentation::passes). Where it mixes as well, the images and their rows are followed by those of the n samples
// that they are mixed with, and `mixes` [n, mix_numbers] i64 says how (core/ops/augment.h).
struct Batch {
  Tensor images, labels;
  Tensor rows = {}, mixes = {};
};
Batch make_batch(const Dataset& data, std::span<const std::int64_t> indices, const Normalization& normalization);

// The image of every pixel value under a normalisation, (v / 255 - mean) / deviation in double, rounded once. Throws
// InputError unless it has as many channels as the samples.
class PixelTable {
 public:
  PixelTable(const Normalization& normalization, const Shape& sample_shape);
  // One sample's bytes to floats.
  void apply(std::span<const std::uint8_t> pixels, float* out) const;

  // v -> (slope v + start) + (fine_slope v + fine_start) in float. The first sum is exact and the second one small, so that
  // nearly always the result is the table's, and lanes can compute what they could not look up.
  struct Line {
    float slope = 0, start = 0, fine_slope = 0, fine_start = 0;
  };

 private:
  struct Channel {
    std::array<float, 256> values;
    std::optional<Line> line;  // where it gives all of `values`, bit for bit
  };
  std::vector<Channel> channels_;
};

// The order in which an epoch visits `size` samples: a Fisher-Yates shuffle keyed by (seed, epoch).
std::vector<std::int64_t> epoch_order(std::int64_t size, std::uint64_t seed, std::int64_t epoch);

}  // namespace fovea
