// SPDX-License-Identifier: Apache-2.0
//
// Average pooling: each window gives its mean. Every channel is pooled on its own.
//
//   y[n,c,p,q]  = 1/D(p,q) * sum over r,s of x[n, c, p*stride_h - pad_top + r, q*stride_w - pad_left + s]
//   dx[n,c,h,w] = sum of dy[n,c,p,q] / D(p,q) over the windows p,q, in row order, that contain (h,w)
//
// D(p,q) counts the window's elements inside the image, or with count_include_pad inside the padded image.
// x, dx [N,C,H,W]   y, dy [N,C,P,Q]. T is float or double; sums are taken in double.
#pragma once
#include <cstdint>
#include <vector>

#include "core/ops/pool2d.h"
#include "core/support/parallel.h"
#include "cpu_reference/range.h"

namespace fovea::reference {

// For each window position: how many of its `window` elements count in the divisor, along one axis.
inline std::vector<std::int64_t> counted(std::int64_t positions, std::int64_t stride, std::int64_t window,
                                         std::int64_t pad_before, std::int64_t pad_after, std::int64_t extent,
                                         bool count_include_pad) {
  const auto ranges = count_include_pad
                          ? inside_for_each(positions, stride, window, 1, 0, pad_before + extent + pad_after)
                          : inside_for_each(positions, stride, window, 1, pad_before, extent);
  std::vector<std::int64_t> counts;
  for (const Range& range : ranges) counts.push_back(range.last - range.first);
  return counts;
}

template <class T>
void avg_pool2d_forward(const Pool2dGeometry& g, bool count_include_pad, const T* x, T* y) {
  const auto rows_at = inside_for_each(g.P, g.stride_h, g.R, 1, g.pad_top, g.H);      // p -> its r
  const auto columns_at = inside_for_each(g.Q, g.stride_w, g.S, 1, g.pad_left, g.W);  // q -> its s
  const auto count_h = counted(g.P, g.stride_h, g.R, g.pad_top, g.pad_bottom, g.H, count_include_pad);
  const auto count_w = counted(g.Q, g.stride_w, g.S, g.pad_left, g.pad_right, g.W, count_include_pad);

  parallel_for(g.N * g.C, [&](std::int64_t nc) {
    for (std::int64_t p = 0; p < g.P; ++p) {
      for (std::int64_t q = 0; q < g.Q; ++q) {
        const std::int64_t top = p * g.stride_h - g.pad_top, left = q * g.stride_w - g.pad_left;
        double sum = 0;
        for (std::int64_t r = rows_at[p].first; r < rows_at[p].last; ++r)
          for (std::int64_t s = columns_at[q].first; s < columns_at[q].last; ++s)
            sum += x[(nc * g.H + top + r) * g.W + left + s];
        y[(nc * g.P + p) * g.Q + q] = static_cast<T>(sum / static_cast<double>(count_h[p] * count_w[q]));
      }
    }
  });
}

// Every window shares its gradient equally among its elements.
template <class T>
void avg_pool2d_backward(const Pool2dGeometry& g, bool count_include_pad, const T* dy, T* dx) {
  const auto rows_at = inside_for_each(g.P, g.stride_h, g.R, 1, g.pad_top, g.H);      // p -> its r
  const auto columns_at = inside_for_each(g.Q, g.stride_w, g.S, 1, g.pad_left, g.W);  // q -> its s
  const auto count_h = counted(g.P, g.stride_h, g.R, g.pad_top, g.pad_bottom, g.H, count_include_pad);
  const auto count_w = counted(g.Q, g.stride_w, g.S, g.pad_left, g.pad_right, g.W, count_include_pad);

  parallel_for(g.N * g.C, [&](std::int64_t nc) {
    std::vector<double> sum(g.H * g.W);
    for (std::int64_t p = 0; p < g.P; ++p) {
      for (std::int64_t q = 0; q < g.Q; ++q) {
        const std::int64_t top = p * g.stride_h - g.pad_top, left = q * g.stride_w - g.pad_left;
        const double share = dy[(nc * g.P + p) * g.Q + q] / static_cast<double>(count_h[p] * count_w[q]);
        for (std::int64_t r = rows_at[p].first; r < rows_at[p].last; ++r)
          for (std::int64_t s = columns_at[q].first; s < columns_at[q].last; ++s)
            sum[(top + r) * g.W + left + s] += share;
      }
    }
    for (std::int64_t hw = 0; hw < g.H * g.W; ++hw) dx[nc * g.H * g.W + hw] = static_cast<T>(sum[hw]);
  });
}

}  // namespace fovea::reference
