// SPDX-License-Identifier: Apache-2.0
//
// Dynamic loss scaling, with the numbers of PyTorch's torch.amp.GradScaler. Gradients below 2^-25 are 0 when they are
// stored as f16, and most of a net's are that small long before it is trained. The backward pass therefore begins with a
// scale instead of 1, and what it leaves, in float32, is divided by the scale again, which is exact for powers of two. The
// scale is as large as it can be: half as large after a step whose gradients overflowed, which is not made, and twice as
// large after so many good ones.
#pragma once
#include <cstdint>

namespace fovea {

// What is remembered from step to step.
struct LossScale {
  double scale = 65536;            // a power of two, from 1 to LossScaler::largest
  std::int64_t good_steps = 0;     // in a row, since the scale changed or a step was skipped
  std::int64_t skipped_steps = 0;  // in all
  bool operator==(const LossScale&) const = default;
};

class LossScaler {
 public:
  // 1 / scale is then the smallest float that is not subnormal.
  static constexpr double largest = 0x1p126;
  static constexpr std::int64_t default_interval = 2000;

  // Throws InputError: a scale that is none. `interval`: good steps in a row after which the scale grows.
  explicit LossScaler(LossScale state = {}, std::int64_t interval = default_interval);

  const LossScale& state() const { return state_; }
  double scale() const { return state_.scale; }
  // Below 1 gradients are not lifted any more: they overflow by themselves.
  bool can_fall() const { return state_.scale >= 2; }
  // After a step: whether its gradients were finite. Where they were not, the scale must be able to fall.
  void update(bool finite);

 private:
  LossScale state_;
  std::int64_t interval_;
};

}  // namespace fovea
