// SPDX-License-Identifier: Apache-2.0
//
// Index arithmetic of adaptive pooling, in either layout. All indices fit in 32 bits (checked by NativeOps).
#pragma once
#include "core/ops/adaptive_pool2d.h"
#include "cuda/kernels/pool2d_index.cuh"

namespace fovea::FOVEA_TARGET {

struct AdaptiveIndex {
  int planes;
  Divisor H, W, P, Q;

  explicit AdaptiveIndex(const AdaptivePool2dGeometry& g)
      : planes(static_cast<int>(g.N * g.C)), H(g.H), W(g.W), P(g.P), Q(g.Q) {}
};

// Part `part` of `extent` elements cut into `parts` that may overlap by one: the elements of a window, and, with the
// roles exchanged, the windows that hold an element.
__device__ __forceinline__ Range adaptive_range(int part, const Divisor& parts, int extent) {
  return {part * extent / parts, ((part + 1) * extent + parts.value - 1) / parts};
}

__device__ __forceinline__ int length(const Range& range) { return range.end - range.begin; }

}  // namespace fovea::FOVEA_TARGET
