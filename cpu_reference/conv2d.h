// SPDX-License-Identifier: Apache-2.0
//
// 2-D convolution: slide each filter over the image and take dot products.
//
//   y[n,k,p,q]  = bias[k] + sum over c,r,s of x[n,c,h,w] * w[k,c,r,s]     h = p*stride_h - pad_top  + r*dilation_h
//                                                                        w = q*stride_w - pad_left + s*dilation_w
//   dx[n,c,h,w] = sum over k,r,s of dy[n,k,p,q] * w[k,c,r,s]             for the p,q that give this h,w
//   dw[k,c,r,s] = sum over n,p,q of dy[n,k,p,q] * x[n,c,h,w]
//
// x, dx [N,C,H,W]   w, dw [K,C/groups,R,S]   y, dy [N,K,P,Q]   bias [K]. x is 0 outside the image. With groups, filter
// k sees only the C/groups channels of its group. T as in storage.h; sums are taken in double.
//
// Padding is done as the notes draw it: a channel is copied into a larger plane of zeros, over which the filter slides
// freely. The terms of each sum come in the order of its formula.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "core/ops/conv2d.h"
#include "core/support/parallel.h"
#include "cpu_reference/storage.h"

namespace fovea::reference {

// One channel of the image with its padding, as far as the filter reaches.
struct PaddedPlane {
  std::int64_t height, width;
  std::vector<double> elements;  // [height, width], zero at first

  explicit PaddedPlane(const Conv2dGeometry& g)
      : height(std::max(g.pad_top + g.H, (g.P - 1) * g.stride_h + (g.R - 1) * g.dilation_h + 1)),
        width(std::max(g.pad_left + g.W, (g.Q - 1) * g.stride_w + (g.S - 1) * g.dilation_w + 1)),
        elements(height * width) {}

  double* row(std::int64_t h) { return elements.data() + h * width; }

  // Fills the part within the padding with channel [H, W], or writes that part to it.
  template <class T>
  void load(const Conv2dGeometry& g, const T* channel) {
    for (std::int64_t h = 0; h < g.H; ++h) std::copy_n(channel + h * g.W, g.W, row(g.pad_top + h) + g.pad_left);
  }
  template <class T>
  void store(const Conv2dGeometry& g, T* channel) {
    for (std::int64_t h = 0; h < g.H; ++h) reference::store(row(g.pad_top + h) + g.pad_left, g.W, channel + h * g.W);
  }
};

// `bias` may be null.
template <class T>
void conv2d_forward(const Conv2dGeometry& g, const T* x, const T* w, const Wide<T>* bias, T* y) {
  const std::int64_t channels = g.channels_per_group();

  parallel_for(g.N * g.K, [&](std::int64_t nk) {
    const std::int64_t n = nk / g.K, k = nk % g.K;
    const std::int64_t first_channel = k / g.filters_per_group() * channels;
    PaddedPlane image(g);
    std::vector<double> sum(g.P * g.Q, bias ? bias[k] : 0.0);

    for (std::int64_t c = 0; c < channels; ++c) {
      image.load(g, x + (n * g.C + first_channel + c) * g.H * g.W);
      const T* filter = w + (k * channels + c) * g.R * g.S;
      for (std::int64_t r = 0; r < g.R; ++r) {
        for (std::int64_t s = 0; s < g.S; ++s) {
          const double weight = filter[r * g.S + s];
          for (std::int64_t p = 0; p < g.P; ++p) {
            const double* image_row = image.row(p * g.stride_h + r * g.dilation_h) + s * g.dilation_w;
            double* sum_row = sum.data() + p * g.Q;
            for (std::int64_t q = 0; q < g.Q; ++q) sum_row[q] += image_row[q * g.stride_w] * weight;
          }
        }
      }
    }

    store(sum.data(), g.P * g.Q, y + nk * g.P * g.Q);
  });
}

template <class T>
void conv2d_backward_data(const Conv2dGeometry& g, const T* dy, const T* w, T* dx) {
  const std::int64_t channels = g.channels_per_group(), filters = g.filters_per_group();

  parallel_for(g.N * g.C, [&](std::int64_t nc) {
    const std::int64_t n = nc / g.C, c = nc % g.C;
    const std::int64_t c_in_group = c % channels, first_filter = c / channels * filters;
    PaddedPlane sum(g);

    for (std::int64_t k = first_filter; k < first_filter + filters; ++k) {
      const T* dy_plane = dy + (n * g.K + k) * g.P * g.Q;
      const std::vector<double> gradient(dy_plane, dy_plane + g.P * g.Q);
      const T* filter = w + (k * channels + c_in_group) * g.R * g.S;
      for (std::int64_t r = 0; r < g.R; ++r) {
        for (std::int64_t s = 0; s < g.S; ++s) {
          const double weight = filter[r * g.S + s];
          for (std::int64_t p = 0; p < g.P; ++p) {
            const double* gradient_row = gradient.data() + p * g.Q;
            double* sum_row = sum.row(p * g.stride_h + r * g.dilation_h) + s * g.dilation_w;
            for (std::int64_t q = 0; q < g.Q; ++q) sum_row[q * g.stride_w] += gradient_row[q] * weight;
          }
        }
      }
    }

    sum.store(g, dx + nc * g.H * g.W);
  });
}

template <class T>
void conv2d_backward_filter(const Conv2dGeometry& g, const T* x, const T* dy, Wide<T>* dw) {
  const std::int64_t channels = g.channels_per_group();

  parallel_for(g.K * channels, [&](std::int64_t kc) {
    const std::int64_t k = kc / channels;
    const std::int64_t c = k / g.filters_per_group() * channels + kc % channels;
    PaddedPlane image(g);
    std::vector<double> sum(g.R * g.S);

    for (std::int64_t n = 0; n < g.N; ++n) {
      image.load(g, x + (n * g.C + c) * g.H * g.W);
      const T* dy_plane = dy + (n * g.K + k) * g.P * g.Q;
      const std::vector<double> gradient(dy_plane, dy_plane + g.P * g.Q);
      for (std::int64_t p = 0; p < g.P; ++p) {
        const double* gradient_row = gradient.data() + p * g.Q;
        for (std::int64_t r = 0; r < g.R; ++r) {
          for (std::int64_t s = 0; s < g.S; ++s) {
            const double* image_row = image.row(p * g.stride_h + r * g.dilation_h) + s * g.dilation_w;
            double dot = sum[r * g.S + s];
            for (std::int64_t q = 0; q < g.Q; ++q) dot += gradient_row[q] * image_row[q * g.stride_w];
            sum[r * g.S + s] = dot;
          }
        }
      }
    }

    store(sum.data(), g.R * g.S, dw + kc * g.R * g.S);
  });
}

}  // namespace fovea::reference
