// SPDX-License-Identifier: Apache-2.0
//
// Dropout (Srivastava et al. 2014), inverted: what is kept in training is scaled up, inference changes nothing.
//
//   element i is kept when u(i) >= rate, u(i) = upper 24 bits of its random word / 2^24   (core/ops/random_key.h)
//   y = kept ? x * scale : 0        dx = kept ? dy * scale : 0        scale = 1 / (1 - rate), rounded to float
//
// The mask is drawn again in backward, not stored. The same key gives the same mask on every device. What is not kept
// does not matter, NaN included; rate 0 keeps everything as it is.
//
// T (f32, bf16 or f16): x, y, dx, dy.
#pragma once
#include "core/ops/fields.h"
#include "core/ops/random_key.h"
#include "core/tensor/tensor.h"

namespace fovea {

struct DropoutOptions {
  double rate = 0.5;  // 0 <= rate < 1
};
void fields(FieldVisitor& visitor, DropoutOptions& options);

// Throws InputError unless 0 <= rate < 1.
float dropout_scale(const DropoutOptions& options);

class DropoutOps {
 public:
  virtual ~DropoutOps() = default;
  virtual void dropout_forward(const DropoutOptions& options, RandomKey key, ConstView x, View y) = 0;
  virtual void dropout_backward(const DropoutOptions& options, RandomKey key, ConstView dy, View dx) = 0;
};

}  // namespace fovea
