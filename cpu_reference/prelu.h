// SPDX-License-Identifier: Apache-2.0
//
// ReLU with a trained slope for negative inputs, one for each channel or one for all.
//
//   y = x > 0 ? x : a[c] x        dx = x > 0 ? dy : a[c] dy        da[c] = sum over n,i of (x > 0 ? 0 : x dy)
//
// x, y, dx, dy [N,C,positions]   a, da [C], or [1]: then every c is 0 and the sum goes over c too.
// T as in storage.h.
#pragma once
#include <cstdint>

#include "core/ops/prelu.h"
#include "core/support/parallel.h"
#include "cpu_reference/storage.h"

namespace fovea::reference {

template <class T>
void prelu_forward(const PreluGeometry& g, const T* x, const Wide<T>* a, T* y) {
  parallel_for(g.N * g.C, [&](std::int64_t nc) {
    const Wide<T> slope = a[nc % g.C % g.slopes];
    for (std::int64_t i = nc * g.positions; i < (nc + 1) * g.positions; ++i)
      y[i] = x[i] > 0 ? x[i] : static_cast<T>(static_cast<double>(slope) * x[i]);
  });
}

template <class T>
void prelu_backward_data(const PreluGeometry& g, const T* x, const Wide<T>* a, const T* dy, T* dx) {
  parallel_for(g.N * g.C, [&](std::int64_t nc) {
    const Wide<T> slope = a[nc % g.C % g.slopes];
    for (std::int64_t i = nc * g.positions; i < (nc + 1) * g.positions; ++i)
      dx[i] = x[i] > 0 ? dy[i] : static_cast<T>(static_cast<double>(slope) * dy[i]);
  });
}

template <class T>
void prelu_backward_slope(const PreluGeometry& g, const T* x, const T* dy, Wide<T>* da) {
  parallel_for(g.slopes, [&](std::int64_t k) {
    double sum = 0;
    for (std::int64_t n = 0; n < g.N; ++n) {
      for (std::int64_t c = k; c < g.C; c += g.slopes) {  // one channel, or all of them
        for (std::int64_t p = 0; p < g.positions; ++p) {
          const std::int64_t i = (n * g.C + c) * g.positions + p;
          if (!(x[i] > 0)) sum += static_cast<double>(x[i]) * dy[i];
        }
      }
    }
    da[k] = static_cast<Wide<T>>(sum);
  });
}

}  // namespace fovea::reference
