// SPDX-License-Identifier: Apache-2.0
//
// Augmentation: random changes of training images, named by a text such as "crop:4,flip,color:0.2,cutout:8". They are done
// from left to right. What happens to a sample follows from (seed, epoch, sample, place in the list) alone, so any thread
// may do it, in any order.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/data/augment/mix.h"
#include "core/data/augment/op.h"

namespace fovea {

class Augmentation {
 public:
  Augmentation() = default;  // leaves images as they are
  // Throws InputError: an unknown operation (with a did-you-mean), a number that is missing, superfluous or out of range,
  // mixup or cutmix twice or not at the end.
  static Augmentation parse(std::string_view text);

  bool empty() const { return steps_.empty() && mixes_.empty(); }
  const std::string& text() const { return text_; }
  // Throws InputError unless samples of this shape can be augmented: [C, H, W], three channels for colours.
  void require_fits(const Shape& sample_shape) const;
  // Changes one sample, C x H x W bytes, by all operations but those that mix. `scratch` is room that calls of one thread
  // may share.
  void apply(std::uint64_t seed, std::int64_t epoch, std::int64_t sample, const Shape& sample_shape,
             std::span<std::uint8_t> pixels, std::vector<std::uint8_t>& scratch) const;

  // The same in two halves, for a device to do the second: what is drawn for a batch of n samples are the rows of each of
  // these passes [n, numbers], one pass after the other.
  struct Pass {
    AugmentPass pass;
    std::int64_t numbers;
  };
  std::vector<Pass> passes() const;
  std::int64_t numbers() const;  // of all passes, for one sample
  // Draws for one sample, the one at `place` of a batch of `samples`.
  void draw(std::uint64_t seed, std::int64_t epoch, std::int64_t sample, const Shape& sample_shape, std::int64_t place,
            std::int64_t samples, std::span<std::int64_t> rows) const;

  // Mixup and cutmix, which end the list: each sample, changed by the operations before, is mixed with another one of the
  // data that was changed by them as well, by its own draws. Where the list has both, either is drawn with equal chance.
  bool mixes() const { return !mixes_.empty(); }
  struct Mix {
    MixKind kind{};
    std::int64_t partner = 0;  // the other sample, any of the `samples` with equal chance, also the same
    MixRow row{};
  };
  Mix draw_mix(std::uint64_t seed, std::int64_t epoch, std::int64_t sample, const Shape& sample_shape,
               std::int64_t samples) const;

 private:
  struct Step {
    std::string name;
    std::unique_ptr<AugmentOp> op;
  };
  struct MixStep {
    MixKind kind;
    double alpha;
  };
  std::vector<std::shared_ptr<const Step>> steps_;
  std::vector<MixStep> mixes_;
  std::string text_;
};

// The random numbers of operation number `op` on a sample. Philox under `seed` turns (op, epoch) into the key of a stream
// whose index is the sample.
RandomStream augment_stream(std::uint64_t seed, std::int64_t epoch, std::int64_t sample, std::uint64_t op);

// "flip[:P]: ..." and so on, a line for each operation.
std::vector<std::string> augmentation_help();

}  // namespace fovea
