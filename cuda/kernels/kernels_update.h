// SPDX-License-Identifier: Apache-2.0
//
// The kernels that update parameters: kernels.h says what holds of all kernels.
#pragma once
#include <cstdint>

#include "core/ops/adagrad.h"
#include "core/ops/adam.h"
#include "core/ops/rmsprop.h"
#include "core/ops/sgd.h"
#include "core/tensor/dtype.h"
#include "cuda/runtime/stream.h"

namespace fovea::FOVEA_TARGET {

// Where an update leaves the 16-bit copy of the weights (core/ops/update_memory.h): one of the two, or neither.
struct NarrowCopy {
  bf16_t* bf16 = nullptr;
  f16_t* f16 = nullptr;
};

// sgd.cu, adam.cu, rmsprop.cu, adagrad.cu, average.cu: all but g are updated in place. `halt` may be null.
void sgd_step(Stream& stream, const SgdOptions& options, std::int64_t count, float* w, const float* g, float* v,
              NarrowCopy copy);
void adam_step(Stream& stream, const AdamOptions& options, std::int64_t count, float* w, const float* g, float* m,
               float* v, NarrowCopy copy);
void rmsprop_step(Stream& stream, const RmspropOptions& options, std::int64_t count, float* w, const float* g, float* v,
                  float* b, NarrowCopy copy);
void adagrad_step(Stream& stream, const AdagradOptions& options, std::int64_t count, float* w, const float* g, float* v,
                  NarrowCopy copy);
void average_step(Stream& stream, double decay, const std::int64_t* halt, std::int64_t count, float* a, const float* w);

}  // namespace fovea::FOVEA_TARGET
