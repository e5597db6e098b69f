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
// k sees only the C/groups channels of its group. T is float or double; sums are taken in double.
//
// A whole row of sums advances at a time, so that the innermost loop runs along memory; the terms of each single sum
// still come in the order of its formula.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "core/ops/conv2d.h"
#include "core/support/parallel.h"
#include "cpu_reference/range.h"

namespace fovea::reference {

// `bias` may be null.
template <class T>
void conv2d_forward(const Conv2dGeometry& g, const T* x, const T* w, const T* bias, T* y) {
  const std::int64_t channels = g.channels_per_group();
  const auto rows_at = inside_for_each(g.P, g.stride_h, g.R, g.dilation_h, g.pad_top, g.H);      // p -> its r
  const auto outputs_of = inside_for_each(g.S, g.dilation_w, g.Q, g.stride_w, g.pad_left, g.W);  // s -> its q

  parallel_for(g.N * g.K, [&](std::int64_t nk) {
    const std::int64_t n = nk / g.K, k = nk % g.K;
    const std::int64_t first_channel = k / g.filters_per_group() * channels;
    std::vector<double> sum(g.Q);

    for (std::int64_t p = 0; p < g.P; ++p) {
      std::fill(sum.begin(), sum.end(), bias ? bias[k] : 0.0);

      for (std::int64_t c = 0; c < channels; ++c) {
        for (std::int64_t r = rows_at[p].first; r < rows_at[p].last; ++r) {
          const std::int64_t h = p * g.stride_h - g.pad_top + r * g.dilation_h;
          const T* x_row = x + ((n * g.C + first_channel + c) * g.H + h) * g.W;
          const T* w_row = w + ((k * channels + c) * g.R + r) * g.S;
          for (std::int64_t s = 0; s < g.S; ++s) {
            const double weight = w_row[s];
            const std::int64_t shift = s * g.dilation_w - g.pad_left;
            for (std::int64_t q = outputs_of[s].first; q < outputs_of[s].last; ++q)
              sum[q] += x_row[q * g.stride_w + shift] * weight;
          }
        }
      }

      T* y_row = y + (nk * g.P + p) * g.Q;
      for (std::int64_t q = 0; q < g.Q; ++q) y_row[q] = static_cast<T>(sum[q]);
    }
  });
}

template <class T>
void conv2d_backward_data(const Conv2dGeometry& g, const T* dy, const T* w, T* dx) {
  const std::int64_t channels = g.channels_per_group(), filters = g.filters_per_group();
  const auto outputs_of = inside_for_each(g.S, g.dilation_w, g.Q, g.stride_w, g.pad_left, g.W);  // s -> its q

  parallel_for(g.N * g.C, [&](std::int64_t nc) {
    const std::int64_t n = nc / g.C, c = nc % g.C;
    const std::int64_t c_in_group = c % channels, first_filter = c / channels * filters;
    std::vector<double> sum(g.W);

    for (std::int64_t h = 0; h < g.H; ++h) {
      std::fill(sum.begin(), sum.end(), 0.0);

      for (std::int64_t k = first_filter; k < first_filter + filters; ++k) {
        for (std::int64_t r = 0; r < g.R; ++r) {
          const std::int64_t window_top = h + g.pad_top - r * g.dilation_h;  // = p * stride_h
          const std::int64_t p = window_top / g.stride_h;
          if (window_top < 0 || window_top % g.stride_h != 0 || p >= g.P) continue;  // no window has row r here
          const T* dy_row = dy + ((n * g.K + k) * g.P + p) * g.Q;
          const T* w_row = w + ((k * channels + c_in_group) * g.R + r) * g.S;
          for (std::int64_t s = 0; s < g.S; ++s) {
            const double weight = w_row[s];
            double* sum_at = sum.data() + s * g.dilation_w - g.pad_left;
            for (std::int64_t q = outputs_of[s].first; q < outputs_of[s].last; ++q)
              sum_at[q * g.stride_w] += dy_row[q] * weight;
          }
        }
      }

      T* dx_row = dx + (nc * g.H + h) * g.W;
      for (std::int64_t i = 0; i < g.W; ++i) dx_row[i] = static_cast<T>(sum[i]);
    }
  });
}

template <class T>
void conv2d_backward_filter(const Conv2dGeometry& g, const T* x, const T* dy, T* dw) {
  const std::int64_t channels = g.channels_per_group();
  const auto rows_at = inside_for_each(g.P, g.stride_h, g.R, g.dilation_h, g.pad_top, g.H);      // p -> its r
  const auto columns_at = inside_for_each(g.Q, g.stride_w, g.S, g.dilation_w, g.pad_left, g.W);  // q -> its s

  parallel_for(g.K * channels, [&](std::int64_t kc) {
    const std::int64_t k = kc / channels;
    const std::int64_t c = k / g.filters_per_group() * channels + kc % channels;
    std::vector<double> sum(g.R * g.S);

    for (std::int64_t n = 0; n < g.N; ++n) {
      for (std::int64_t p = 0; p < g.P; ++p) {
        const T* dy_row = dy + ((n * g.K + k) * g.P + p) * g.Q;
        for (std::int64_t r = rows_at[p].first; r < rows_at[p].last; ++r) {
          const std::int64_t h = p * g.stride_h - g.pad_top + r * g.dilation_h;
          const T* x_row = x + ((n * g.C + c) * g.H + h) * g.W;
          double* sum_row = sum.data() + r * g.S;
          for (std::int64_t q = 0; q < g.Q; ++q) {
            const double gradient = dy_row[q];
            const std::int64_t left = q * g.stride_w - g.pad_left;
            for (std::int64_t s = columns_at[q].first; s < columns_at[q].last; ++s)
              sum_row[s] += gradient * x_row[left + s * g.dilation_w];
          }
        }
      }
    }

    T* dw_filter = dw + kc * g.R * g.S;
    for (std::int64_t rs = 0; rs < g.R * g.S; ++rs) dw_filter[rs] = static_cast<T>(sum[rs]);
  });
}

}  // namespace fovea::reference
