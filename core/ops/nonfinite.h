// SPDX-License-Identifier: Apache-2.0
//
// The first value of a flat arena that is not finite, found where the arena lies:
//
//   x [count], first [1] i64:   first = the smallest i for which x[i] is NaN or infinite; -1 when there is none
//
// T (f32, bf16 or f16): x.
#pragma once
#include <cstddef>
#include <cstdint>

#include "core/ops/workspace.h"
#include "core/tensor/tensor.h"

namespace fovea {

class NonfiniteOps {
 public:
  virtual ~NonfiniteOps() = default;
  // Scratch bytes for `count` elements.
  virtual std::size_t nonfinite_workspace(std::int64_t count) = 0;
  virtual void nonfinite(ConstView x, View first, Workspace workspace) = 0;
};

}  // namespace fovea
