// SPDX-License-Identifier: Apache-2.0
#include "core/data/waves.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "core/data/spec_numbers.h"
#include "core/support/error.h"
#include "core/support/philox.h"

namespace fovea {
namespace {

constexpr std::uint64_t waves_seed = 4;
constexpr std::int64_t shortest = 16, longest = std::int64_t{1} << 20;
constexpr std::array<std::string_view, 6> forms{"rising", "falling", "square", "triangle", "pulse", "chirp"};

// The form's value, -256 to 256, at a phase from 0 to 65535.
int value_at(std::size_t form, std::int64_t phase) {
  const int saw = static_cast<int>(phase / 128) - 256;
  switch (form) {
    case 0:
      return saw;
    case 1:
      return -saw;
    case 2:
      return phase < 32768 ? 256 : -256;
    case 4:
      return phase < 8192 ? 256 : -64;
    default:
      return 2 * std::max(saw, -saw) - 256;
  }
}

class WavesDataset final : public Dataset {
 public:
  WavesDataset(std::int64_t length, std::int64_t classes, std::int64_t first, std::int64_t samples)
      : length_(length), names_(forms.begin(), forms.begin() + classes), first_(first), samples_(samples) {}

  std::int64_t size() const override { return samples_; }
  Shape sample_shape() const override { return {1, length_}; }
  const std::vector<std::string>& class_names() const override { return names_; }

  std::int32_t read(std::int64_t index, std::span<std::uint8_t> values) const override {
    require(index >= 0 && index < samples_,
            [&] { return fmt::format("dataset: sample {} does not exist; there are {}", index, samples_); });
    require(static_cast<std::int64_t>(values.size()) == length_, [&] {
      return fmt::format("dataset: a sample has {} bytes, room was given for {}", length_, values.size());
    });
    const auto form = static_cast<std::size_t>(index % classes());
    RandomStream random(waves_seed, RandomPurpose::synthetic_data, static_cast<std::uint64_t>(first_ + index));
    std::int64_t phase = random.below(65536);
    // Phase per step: a period of 8 to 16 steps, and for the chirp of 32 at first.
    std::int64_t speed = 4096 + random.below(4097);
    const std::int64_t last_speed = speed;
    const int strength = 64 + static_cast<int>(random.below(49));
    for (std::int64_t t = 0; t < length_; ++t) {
      if (form == 5) speed = 2048 + (last_speed - 2048) * t / length_;
      const int noise = static_cast<int>(random.below(49)) - 24;
      values[static_cast<std::size_t>(t)] =
          static_cast<std::uint8_t>(std::clamp(128 + strength * value_at(form, phase) / 256 + noise, 0, 255));
      phase = (phase + speed) % 65536;
    }
    return static_cast<std::int32_t>(form);
  }

 private:
  std::int64_t length_;
  std::vector<std::string> names_;
  std::int64_t first_, samples_;
};

}  // namespace

DataSplits open_waves(std::string_view arguments) {
  SpecNumbers numbers("waves", arguments, "waves:L:CLASSES, e.g. waves:128:4");
  const std::int64_t length = numbers.next("L", shortest, longest, ':');
  const std::int64_t classes = numbers.next("CLASSES", 2, static_cast<std::int64_t>(forms.size()), '\0');
  DataSplits splits;
  splits.spec = fmt::format("waves:{}:{}", length, classes);
  splits.train = std::make_unique<WavesDataset>(length, classes, 0, waves_train_samples);
  splits.test = std::make_unique<WavesDataset>(length, classes, waves_train_samples, waves_test_samples);
  return splits;
}

}  // namespace fovea
