// SPDX-License-Identifier: Apache-2.0
//
// Fully connected layer: every output looks at every input.
//
//   y[n,o]  = bias[o] + sum over i of x[n,i] * w[o,i]
//   dx[n,i] = sum over o of dy[n,o] * w[o,i]
//   dw[o,i] = sum over n of dy[n,o] * x[n,i]
//
// x, dx [N,I]   w, dw [O,I]   bias [O]   y, dy [N,O]. T as in storage.h; sums are taken in double.
#pragma once
#include <cstdint>
#include <vector>

#include "core/ops/linear.h"
#include "core/support/parallel.h"
#include "cpu_reference/storage.h"

namespace fovea::reference {

// `bias` may be null.
template <class T>
void linear_forward(const LinearGeometry& g, const T* x, const T* w, const Wide<T>* bias, T* y) {
  parallel_for(g.N, [&](std::int64_t n) {
    const T* x_row = x + n * g.I;
    for (std::int64_t o = 0; o < g.O; ++o) {
      const T* w_row = w + o * g.I;
      double sum = bias ? bias[o] : 0.0;
      for (std::int64_t i = 0; i < g.I; ++i) sum += static_cast<double>(x_row[i]) * w_row[i];
      y[n * g.O + o] = static_cast<T>(sum);
    }
  });
}

// A row of dx at a time: all I sums advance together along a row of w.
template <class T>
void linear_backward_data(const LinearGeometry& g, const T* dy, const T* w, T* dx) {
  parallel_for(g.N, [&](std::int64_t n) {
    std::vector<double> sum(g.I);
    for (std::int64_t o = 0; o < g.O; ++o) {
      const T* w_row = w + o * g.I;
      const double gradient = dy[n * g.O + o];
      for (std::int64_t i = 0; i < g.I; ++i) sum[i] += gradient * w_row[i];
    }
    for (std::int64_t i = 0; i < g.I; ++i) dx[n * g.I + i] = static_cast<T>(sum[i]);
  });
}

// A row of dw at a time, likewise along the rows of x.
template <class T>
void linear_backward_weight(const LinearGeometry& g, const T* x, const T* dy, Wide<T>* dw) {
  parallel_for(g.O, [&](std::int64_t o) {
    std::vector<double> sum(g.I);
    for (std::int64_t n = 0; n < g.N; ++n) {
      const T* x_row = x + n * g.I;
      const double gradient = dy[n * g.O + o];
      for (std::int64_t i = 0; i < g.I; ++i) sum[i] += gradient * x_row[i];
    }
    for (std::int64_t i = 0; i < g.I; ++i) dw[o * g.I + i] = static_cast<Wide<T>>(sum[i]);
  });
}

}  // namespace fovea::reference
