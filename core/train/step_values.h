// SPDX-License-Identifier: Apache-2.0
//
// What is new in every training step, in device memory: the step's number for random draws, the factor that takes the loss
// scale back, the optimizer's factors. One copy that nobody waits for brings all of it before the step; a step that was
// captured once reads it there (core/ops/update_memory.h).
#pragma once
#include <cstdint>
#include <span>

#include "core/backend/backend.h"

namespace fovea {

class StepValues {
 public:
  // The backend must outlive this object. `factors`: how many the optimizer has.
  StepValues(Backend& backend, std::int64_t factors);
  static std::size_t bytes(std::int64_t factors);

  void send(std::int64_t random_step, double unscale, std::span<const float> factors);

  ConstView random_step() const;  // [1] i64
  ConstView unscale() const;      // [1] f32
  ConstView factors() const;      // f32

 private:
  ConstView part(std::size_t first_byte, const Shape& shape, DType dtype) const;

  Backend& backend_;
  std::int64_t factors_;
  Tensor block_;
};

}  // namespace fovea
