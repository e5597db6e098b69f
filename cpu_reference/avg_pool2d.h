// SPDX-License-Identifier: Apache-2.0
//
// Average pooling: each window gives its mean. Every channel is pooled on its own.
//
//   y[n,c,p,q]  = 1/D(p,q) * sum over r,s of x[n, c, p*stride_h - pad_top + r, q*stride_w - pad_left + s]
//   dx[n,c,h,w] = sum of dy[n,c,p,q] / D(p,q) over the windows p,q, in row order, that contain (h,w)
//
// D(p,q) counts the window's elements inside the image, or with count_include_pad inside the padded image; with `sum` it
// is 1.
// x, dx [N,C,H,W]   y, dy [N,C,P,Q]. T as in storage.h; sums are taken in double.
#pragma once
#include <cstdint>
#include <vector>

#include "core/ops/pool2d.h"
#include "core/support/parallel.h"
#include "cpu_reference/pool_window.h"

namespace fovea::reference {

// The elements of each window along both axes: those with a value, and how many count in the divisor.
struct AveragedWindows {
  std::vector<Range> rows_at, columns_at;  // p -> its r, q -> its s: inside the image
  std::vector<Range> counted_rows_at, counted_columns_at;

  bool sum;

  AveragedWindows(const Pool2dGeometry& g, bool count_include_pad, bool only_sum)
      : rows_at(elements_inside(g.P, g.stride_h, g.R, g.pad_top, g.H)),
        columns_at(elements_inside(g.Q, g.stride_w, g.S, g.pad_left, g.W)),
        counted_rows_at(rows_at),
        counted_columns_at(columns_at),
        sum(only_sum) {
    if (!count_include_pad) return;
    counted_rows_at = elements_inside(g.P, g.stride_h, g.R, 0, g.pad_top + g.H + g.pad_bottom);
    counted_columns_at = elements_inside(g.Q, g.stride_w, g.S, 0, g.pad_left + g.W + g.pad_right);
  }

  double divisor(std::int64_t p, std::int64_t q) const {
    if (sum) return 1;
    return static_cast<double>(counted_rows_at[p].size() * counted_columns_at[q].size());
  }
};

template <class T>
void avg_pool2d_forward(const Pool2dGeometry& g, bool count_include_pad, bool only_sum, const T* x, T* y) {
  const AveragedWindows windows(g, count_include_pad, only_sum);

  parallel_for(g.N * g.C, [&](std::int64_t nc) {
    for (std::int64_t p = 0; p < g.P; ++p) {
      for (std::int64_t q = 0; q < g.Q; ++q) {
        const std::int64_t top = p * g.stride_h - g.pad_top, left = q * g.stride_w - g.pad_left;
        double sum = 0;
        for (std::int64_t r = windows.rows_at[p].first; r < windows.rows_at[p].last; ++r)
          for (std::int64_t s = windows.columns_at[q].first; s < windows.columns_at[q].last; ++s)
            sum += x[(nc * g.H + top + r) * g.W + left + s];
        y[(nc * g.P + p) * g.Q + q] = static_cast<T>(sum / windows.divisor(p, q));
      }
    }
  });
}

// Every window shares its gradient equally among its elements.
template <class T>
void avg_pool2d_backward(const Pool2dGeometry& g, bool count_include_pad, bool only_sum, const T* dy, T* dx) {
  const AveragedWindows windows(g, count_include_pad, only_sum);

  parallel_for(g.N * g.C, [&](std::int64_t nc) {
    std::vector<double> sum(g.H * g.W);
    for (std::int64_t p = 0; p < g.P; ++p) {
      for (std::int64_t q = 0; q < g.Q; ++q) {
        const std::int64_t top = p * g.stride_h - g.pad_top, left = q * g.stride_w - g.pad_left;
        const double share = dy[(nc * g.P + p) * g.Q + q] / windows.divisor(p, q);
        for (std::int64_t r = windows.rows_at[p].first; r < windows.rows_at[p].last; ++r)
          for (std::int64_t s = windows.columns_at[q].first; s < windows.columns_at[q].last; ++s)
            sum[(top + r) * g.W + left + s] += share;
      }
    }
    for (std::int64_t hw = 0; hw < g.H * g.W; ++hw) dx[nc * g.H * g.W + hw] = static_cast<T>(sum[hw]);
  });
}

}  // namespace fovea::reference
