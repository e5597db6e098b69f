// SPDX-License-Identifier: Apache-2.0
//
// Index arithmetic of local response normalisation, in either layout. All indices fit in 32 bits (checked by NativeOps).
#pragma once
#include "core/ops/lrn.h"
#include "cuda/kernels/pool2d_index.cuh"

namespace fovea::FOVEA_TARGET {

struct LrnIndex {
  int count, before, after;
  bool across;
  float a, beta, k;
  Divisor C, H, W;

  explicit LrnIndex(const LrnGeometry& g)
      : count(static_cast<int>(g.N * g.C * g.H * g.W)),
        before(static_cast<int>(g.before)),
        after(static_cast<int>(g.after)),
        across(g.region == LrnRegion::across),
        a(g.a),
        beta(g.beta),
        k(g.k),
        C(g.C),
        H(g.H),
        W(g.W) {}
};

// The offsets from coordinate `at` that reach `before` back and `after` on, as far as the axis goes.
__device__ __forceinline__ Range reach(int at, int before, int after, int extent) {
  return {at < before ? -at : -before, at + after < extent ? after + 1 : extent - at};
}

}  // namespace fovea::FOVEA_TARGET
