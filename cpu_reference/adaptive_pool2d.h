// SPDX-License-Identifier: Apache-2.0
//
// Pooling to a given output size. Every channel is pooled on its own.
//
//   window p holds the rows floor(p * H / P) ... ceil((p + 1) * H / P) - 1, columns likewise
//   average: y[n,c,p,q]  = sum of the window / its elements
//            dx[n,c,h,w] = sum of dy[n,c,p,q] / elements of (p,q), over the windows, in row order, that hold (h,w)
//   max:     y[n,c,p,q]  = largest of the window, index[n,c,p,q] = h * W + w of it
//            dx[n,c,h,w] = sum of dy[n,c,p,q] over the windows, in row order, whose winner is (h,w)
//
// x, dx [N,C,H,W]   y, dy, index [N,C,P,Q]. Of equal elements the first in row order wins; the first NaN beats
// everything. T as in storage.h; sums are taken in double.
#pragma once
#include <cmath>
#include <cstdint>
#include <vector>

#include "core/ops/adaptive_pool2d.h"
#include "core/support/parallel.h"
#include "cpu_reference/pool_window.h"

namespace fovea::reference {

// Along one axis: the elements first <= i < last of window p.
inline Range adaptive_window(std::int64_t p, std::int64_t windows, std::int64_t extent) {
  return {p * extent / windows, ((p + 1) * extent + windows - 1) / windows};
}

// Calls f(output's element, its rows, its columns) for every window of one plane, in row order.
template <class F>
void for_each_adaptive_window(const AdaptivePool2dGeometry& g, std::int64_t plane, F&& f) {
  for (std::int64_t p = 0; p < g.P; ++p)
    for (std::int64_t q = 0; q < g.Q; ++q)
      f((plane * g.P + p) * g.Q + q, adaptive_window(p, g.P, g.H), adaptive_window(q, g.Q, g.W));
}

template <class T>
void adaptive_avg_pool2d_forward(const AdaptivePool2dGeometry& g, const T* x, T* y) {
  parallel_for(g.N * g.C, [&](std::int64_t plane) {
    for_each_adaptive_window(g, plane, [&](std::int64_t out, Range rows, Range columns) {
      double sum = 0;
      for (std::int64_t h = rows.first; h < rows.last; ++h)
        for (std::int64_t w = columns.first; w < columns.last; ++w) sum += x[(plane * g.H + h) * g.W + w];
      y[out] = static_cast<T>(sum / static_cast<double>(rows.size() * columns.size()));
    });
  });
}

// Every window shares its gradient equally among its elements.
template <class T>
void adaptive_avg_pool2d_backward(const AdaptivePool2dGeometry& g, const T* dy, T* dx) {
  parallel_for(g.N * g.C, [&](std::int64_t plane) {
    std::vector<double> sum(static_cast<std::size_t>(g.H * g.W));
    for_each_adaptive_window(g, plane, [&](std::int64_t out, Range rows, Range columns) {
      const double share = dy[out] / static_cast<double>(rows.size() * columns.size());
      for (std::int64_t h = rows.first; h < rows.last; ++h)
        for (std::int64_t w = columns.first; w < columns.last; ++w) sum[h * g.W + w] += share;
    });
    for (std::int64_t hw = 0; hw < g.H * g.W; ++hw) dx[plane * g.H * g.W + hw] = static_cast<T>(sum[hw]);
  });
}

template <class T>
void adaptive_max_pool2d_forward(const AdaptivePool2dGeometry& g, const T* x, T* y, std::int32_t* index) {
  parallel_for(g.N * g.C, [&](std::int64_t plane) {
    for_each_adaptive_window(g, plane, [&](std::int64_t out, Range rows, Range columns) {
      std::int64_t winner = -1;
      T largest{};
      for (std::int64_t h = rows.first; h < rows.last; ++h) {
        for (std::int64_t w = columns.first; w < columns.last; ++w) {
          const T value = x[(plane * g.H + h) * g.W + w];
          const bool first_nan = std::isnan(value) && !std::isnan(largest);
          if (winner < 0 || value > largest || first_nan) {
            winner = h * g.W + w;
            largest = value;
          }
        }
      }
      y[out] = largest;
      index[out] = static_cast<std::int32_t>(winner);
    });
  });
}

// Whether each index names an element of its window.
inline bool adaptive_winners_in_window(const AdaptivePool2dGeometry& g, const std::int32_t* index) {
  bool all = true;
  for (std::int64_t plane = 0; plane < g.N * g.C; ++plane) {
    for_each_adaptive_window(g, plane, [&](std::int64_t out, Range rows, Range columns) {
      const std::int64_t h = index[out] / g.W, w = index[out] % g.W;
      all = all && index[out] >= 0 && h >= rows.first && h < rows.last && w >= columns.first && w < columns.last;
    });
  }
  return all;
}

// Every window hands its gradient to its winner.
template <class T>
void adaptive_max_pool2d_backward(const AdaptivePool2dGeometry& g, const T* dy, const std::int32_t* index, T* dx) {
  parallel_for(g.N * g.C, [&](std::int64_t plane) {
    std::vector<double> sum(static_cast<std::size_t>(g.H * g.W));
    for (std::int64_t out = plane * g.P * g.Q; out < (plane + 1) * g.P * g.Q; ++out) sum[index[out]] += dy[out];
    for (std::int64_t hw = 0; hw < g.H * g.W; ++hw) dx[plane * g.H * g.W + hw] = static_cast<T>(sum[hw]);
  });
}

}  // namespace fovea::reference
