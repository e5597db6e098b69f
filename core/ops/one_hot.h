// SPDX-License-Identifier: Apache-2.0
//
// Labels [N] i32 as target vectors y [N, C]:   y[n,c] = c == labels[n] ? on : off
//
// On and off are 1 and 0 for a probability, 1 and -1 for ADALINE. No gradient. A label outside [0, C) makes its row NaN
// on asynchronous devices; on the host it is an error.
//
// T (f32, bf16 or f16): y.
#pragma once
#include "core/ops/fields.h"
#include "core/tensor/tensor.h"

namespace fovea {

struct OneHotOptions {
  std::int64_t classes = 0;
  double on = 1, off = 0;
};
void fields(FieldVisitor& visitor, OneHotOptions& options);

class OneHotOps {
 public:
  virtual ~OneHotOps() = default;
  virtual void one_hot_forward(const OneHotOptions& options, ConstView labels, View y) = 0;
};

}  // namespace fovea
