// SPDX-License-Identifier: Apache-2.0
//
// What the kernels of max and average pooling share: index arithmetic, who wins, what is divided by. Batch and channels do
// not matter to a pooling window: in NCHW, N*C is one axis of "planes". All indices fit in 32 bits (checked by NativeOps).
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

// Whether `value` takes the lead: larger, or the first NaN. Ties stay with the earlier element.
__device__ __forceinline__ bool beats(float value, float best) {
  const bool best_is_nan = best != best;
  return !best_is_nan && !(value <= best);
}

// How many rows (or columns) of a window count towards its divisor: those in the image, or those in the padded image.
__device__ __forceinline__ int counted(int start, int length, int extent, int trailing_padding,
                                       bool count_include_pad) {
  if (!count_include_pad) {
    const Range inside = window_in_image(start, length, extent);
    return inside.end - inside.begin;
  }
  const int padded_end = extent + trailing_padding;
  return (start + length < padded_end ? start + length : padded_end) - start;
}

__device__ __forceinline__ float divisor_of(const Pool2dIndex& g, int h0, int w0, bool count_include_pad,
                                            bool only_sum) {
  if (only_sum) return 1.0f;
  return static_cast<float>(counted(h0, g.R, g.H, g.pad_bottom, count_include_pad)) *
         static_cast<float>(counted(w0, g.S, g.W, g.pad_right, count_include_pad));
}

}  // namespace fovea::FOVEA_TARGET
