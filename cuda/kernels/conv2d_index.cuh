// SPDX-License-Identifier: Apache-2.0
//
// A convolution as a matrix product, without ever writing the big matrix down ("implicit" GEMM): the kernels compute
// where an element of that matrix lies in x, w or dy each time they need it. This header is that index arithmetic.
//
//   pass              out[row, column]              depth d
//   forward           y[k, (n,p,q)]                 (c,r,s)
//   backward_data     dx[c, (n,h,w)]                (k,r,s)
//   backward_filter   dw[k, (c,r,s)]                (n,p,q)
//
// k and c count within one group; blockIdx.z chooses the group. All indices fit in 32 bits (checked by NativeOps).
#pragma once
#include "core/ops/conv2d.h"
#include "cuda/kernels/divisor.cuh"

namespace fovea::FOVEA_TARGET {

// Conv2dGeometry in ints, prepared for fast division.
struct Conv2dIndex {
  int N, C, H, K, R, P;
  Divisor W, S, Q, HW, RS, PQ, stride_h, stride_w;
  int pad_top, pad_left, dilation_h, dilation_w;
  int channels, filters;  // per group

  explicit Conv2dIndex(const Conv2dGeometry& g)
      : N(static_cast<int>(g.N)),
        C(static_cast<int>(g.C)),
        H(static_cast<int>(g.H)),
        K(static_cast<int>(g.K)),
        R(static_cast<int>(g.R)),
        P(static_cast<int>(g.P)),
        W(g.W),
        S(g.S),
        Q(g.Q),
        HW(g.H * g.W),
        RS(g.R * g.S),
        PQ(g.P * g.Q),
        stride_h(g.stride_h),
        stride_w(g.stride_w),
        pad_top(static_cast<int>(g.pad_top)),
        pad_left(static_cast<int>(g.pad_left)),
        dilation_h(static_cast<int>(g.dilation_h)),
        dilation_w(static_cast<int>(g.dilation_w)),
        channels(static_cast<int>(g.channels_per_group())),
        filters(static_cast<int>(g.filters_per_group())) {}
};

// One weight position of a filter: (c, r, s) of x and w, or (k, r, s) of dy and w.
struct Tap {
  int channel, r, s;
};
__device__ __forceinline__ Tap tap_at(const Conv2dIndex& g, int d) {
  return {d / g.RS, d % g.RS / g.S, d % g.RS % g.S};
}

// One position of a batch of images [N, channels, rows, columns]: `position` = row * columns + column.
struct Pixel {
  int n, position;
};
__device__ __forceinline__ Pixel pixel_at(int i, const Divisor& positions) { return {i / positions, i % positions}; }

// The window of x under one output pixel (n, p, q): the group's first channel of image n, and the window's corner,
// which may lie in the padding.
template <class T>
struct Window {
  const T* image;
  int h0, w0;
};
template <class T>
__device__ __forceinline__ Window<T> window_at(const Conv2dIndex& g, const T* x, int group, int output_pixel) {
  const Pixel pixel = pixel_at(output_pixel, g.PQ);
  const int p = pixel.position / g.Q, q = pixel.position % g.Q;
  const std::int64_t plane = static_cast<std::int64_t>(pixel.n) * g.C + group * g.channels;
  return {x + plane * g.HW, p * g.stride_h - g.pad_top, q * g.stride_w - g.pad_left};
}

// x under one tap of a window; 0 in the padding. The unsigned comparisons are also false below 0.
template <class T>
__device__ __forceinline__ float window_element(const Conv2dIndex& g, const Window<T>& window, const Tap& tap) {
  const int h = window.h0 + tap.r * g.dilation_h, w = window.w0 + tap.s * g.dilation_w;
  const bool inside = static_cast<unsigned>(h) < static_cast<unsigned>(g.H) &&
                      static_cast<unsigned>(w) < static_cast<unsigned>(g.W.value);
  return inside ? to_float(window.image[(tap.channel * g.H + h) * g.W + w]) : 0.0f;
}

}  // namespace fovea::FOVEA_TARGET
