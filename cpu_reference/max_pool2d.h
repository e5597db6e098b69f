// SPDX-License-Identifier: Apache-2.0
//
// Max pooling: each window keeps its largest element. Every channel is pooled on its own.
//
//   y[n,c,p,q]     = max over r,s of x[n, c, p*stride_h - pad_top + r, q*stride_w - pad_left + s]
//   index[n,c,p,q] = r*S + s of the winner
//   dx[n,c,h,w]    = sum of dy[n,c,p,q] over the windows p,q, in row order, whose winner is (h,w)
//
// x, dx [N,C,H,W]   y, dy, index [N,C,P,Q]. Padding never wins; of equal elements the first in row order does; the
// first NaN beats everything. With `minimum` the smallest element wins instead. T as in storage.h; Index is
// std::uint8_t, or std::uint16_t for windows above 256 elements.
#pragma once
#include <cmath>
#include <cstdint>
#include <vector>

#include "core/ops/pool2d.h"
#include "core/support/parallel.h"
#include "cpu_reference/pool_window.h"

namespace fovea::reference {

template <class T, class Index>
void max_pool2d_forward(const Pool2dGeometry& g, bool minimum, const T* x, T* y, Index* index) {
  const auto rows_at = elements_inside(g.P, g.stride_h, g.R, g.pad_top, g.H);      // p -> its r
  const auto columns_at = elements_inside(g.Q, g.stride_w, g.S, g.pad_left, g.W);  // q -> its s

  parallel_for(g.N * g.C, [&](std::int64_t nc) {
    for (std::int64_t p = 0; p < g.P; ++p) {
      for (std::int64_t q = 0; q < g.Q; ++q) {
        const std::int64_t top = p * g.stride_h - g.pad_top, left = q * g.stride_w - g.pad_left;
        std::int64_t winner = -1;
        T best{};
        for (std::int64_t r = rows_at[p].first; r < rows_at[p].last; ++r) {
          for (std::int64_t s = columns_at[q].first; s < columns_at[q].last; ++s) {
            const T value = x[(nc * g.H + top + r) * g.W + left + s];
            const bool better = minimum ? value < best : value > best;
            const bool first_nan = std::isnan(value) && !std::isnan(best);
            if (winner < 0 || better || first_nan) {
              winner = r * g.S + s;
              best = value;
            }
          }
        }
        y[(nc * g.P + p) * g.Q + q] = best;
        index[(nc * g.P + p) * g.Q + q] = static_cast<Index>(winner);
      }
    }
  });
}

// Whether each index names an element of its window that lies inside the image.
template <class Index>
bool winners_in_image(const Pool2dGeometry& g, const Index* index) {
  for (std::int64_t i = 0; i < g.N * g.C * g.P * g.Q; ++i) {
    const std::int64_t p = i / g.Q % g.P, q = i % g.Q, winner = index[i];
    const std::int64_t h = p * g.stride_h - g.pad_top + winner / g.S;
    const std::int64_t w = q * g.stride_w - g.pad_left + winner % g.S;
    if (winner >= g.R * g.S || h < 0 || h >= g.H || w < 0 || w >= g.W) return false;
  }
  return true;
}

// Every window hands its gradient to its winner; double sums, because overlapping windows may share one.
template <class T, class Index>
void max_pool2d_backward(const Pool2dGeometry& g, const T* dy, const Index* index, T* dx) {
  parallel_for(g.N * g.C, [&](std::int64_t nc) {
    std::vector<double> sum(g.H * g.W);
    for (std::int64_t p = 0; p < g.P; ++p) {
      for (std::int64_t q = 0; q < g.Q; ++q) {
        const std::int64_t winner = index[(nc * g.P + p) * g.Q + q];
        const std::int64_t h = p * g.stride_h - g.pad_top + winner / g.S;
        const std::int64_t w = q * g.stride_w - g.pad_left + winner % g.S;
        sum[h * g.W + w] += dy[(nc * g.P + p) * g.Q + q];
      }
    }
    for (std::int64_t hw = 0; hw < g.H * g.W; ++hw) dx[nc * g.H * g.W + hw] = static_cast<T>(sum[hw]);
  });
}

}  // namespace fovea::reference
