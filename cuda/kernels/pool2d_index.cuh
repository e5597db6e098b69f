// SPDX-License-Identifier: Apache-2.0
//
// Index arithmetic that max and average pooling share. Batch and channels do not matter to a pooling window: N*C is one
// axis of "planes". All indices fit in 32 bits (checked by NativeOps).
#pragma once
#include "core/ops/pool2d.h"
#include "cuda/kernels/divisor.cuh"

namespace fovea::FOVEA_TARGET {

// Pool2dGeometry in ints, prepared for fast division.
struct Pool2dIndex {
  int planes, R, S, pad_top, pad_left, pad_bottom, pad_right;
  Divisor H, W, P, Q, stride_h, stride_w;

  explicit Pool2dIndex(const Pool2dGeometry& g)
      : planes(static_cast<int>(g.N * g.C)),
        R(static_cast<int>(g.R)),
        S(static_cast<int>(g.S)),
        pad_top(static_cast<int>(g.pad_top)),
        pad_left(static_cast<int>(g.pad_left)),
        pad_bottom(static_cast<int>(g.pad_bottom)),
        pad_right(static_cast<int>(g.pad_right)),
        H(g.H),
        W(g.W),
        P(g.P),
        Q(g.Q),
        stride_h(g.stride_h),
        stride_w(g.stride_w) {}
};

// One element of [planes, rows, columns].
struct PlaneElement {
  int plane, row, column;
};
__device__ __forceinline__ PlaneElement plane_element(int i, const Divisor& rows, const Divisor& columns) {
  return {i / columns / rows, i / columns % rows, i % columns};
}

// A range along one axis: [begin, end).
struct Range {
  int begin, end;
};
// Where window number `window` starts, along one axis; negative in the leading padding.
__device__ __forceinline__ int window_start(int window, int stride, int padding) { return window * stride - padding; }

// The part of the window that lies in the image. Never empty: padding is at most half a window.
__device__ __forceinline__ Range window_in_image(int start, int length, int extent) {
  return {start < 0 ? 0 : start, start + length < extent ? start + length : extent};
}

// The windows that contain image coordinate i; empty when the stride skips it.
__device__ __forceinline__ Range windows_over(int i, int padding, int length, const Divisor& stride, int windows) {
  const int padded = i + padding;
  const int first = padded < length ? 0 : (padded - length) / stride + 1;
  const int last = padded / stride;
  return {first, last < windows ? last + 1 : windows};
}

}  // namespace fovea::FOVEA_TARGET
