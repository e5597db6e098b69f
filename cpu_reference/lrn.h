// SPDX-License-Identifier: Apache-2.0
//
// Local response normalisation: an element is made smaller where its neighbours are large.
//
//   d_i  = k + a * sum over the neighbours j of i of x_j^2                        (i is its own neighbour)
//   y_i  = x_i * d_i^-beta
//   dx_i = dy_i * d_i^-beta - 2 a beta x_i * sum over the j that have i as a neighbour of dy_j * y_j / d_j
//
// x, y, scale (= d), dy, dx [N,C,H,W]. The neighbours lie `before` and `after` i: in the channels at the same place
// (across), or in the rows and columns of the same channel (within). T as in storage.h; computed in double.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "core/ops/lrn.h"
#include "core/support/parallel.h"
#include "cpu_reference/storage.h"

namespace fovea::reference {

// Calls f(i, c, h, w) for every element of [N,C,H,W], images in parallel.
template <class F>
void lrn_for_each(const LrnGeometry& g, F&& f) {
  parallel_for(g.N, [&](std::int64_t n) {
    for (std::int64_t c = 0; c < g.C; ++c)
      for (std::int64_t h = 0; h < g.H; ++h)
        for (std::int64_t w = 0; w < g.W; ++w) f(((n * g.C + c) * g.H + h) * g.W + w, c, h, w);
  });
}

// Sum of term(j) over the elements j from `before` in front of element i = (n,c,h,w) to `after` behind it.
template <class Term>
double lrn_sum(const LrnGeometry& g, std::int64_t i, std::int64_t c, std::int64_t h, std::int64_t w,
               std::int64_t before, std::int64_t after, Term&& term) {
  const auto first = [&](std::int64_t at) { return std::max(-before, -at); };
  const auto last = [&](std::int64_t at, std::int64_t extent) { return std::min(after, extent - 1 - at); };
  double sum = 0;
  if (g.region == LrnRegion::across) {
    for (std::int64_t s = first(c); s <= last(c, g.C); ++s) sum += term(i + s * g.H * g.W);
  } else {
    for (std::int64_t r = first(h); r <= last(h, g.H); ++r)
      for (std::int64_t s = first(w); s <= last(w, g.W); ++s) sum += term(i + r * g.W + s);
  }
  return sum;
}

template <class T>
void lrn_forward(const LrnGeometry& g, const T* x, T* y, Wide<T>* scale) {
  lrn_for_each(g, [&](std::int64_t i, std::int64_t c, std::int64_t h, std::int64_t w) {
    const auto square = [&](std::int64_t j) { return static_cast<double>(x[j]) * x[j]; };
    const double d = g.k + g.a * lrn_sum(g, i, c, h, w, g.before, g.after, square);
    scale[i] = static_cast<Wide<T>>(d);
    y[i] = static_cast<T>(x[i] * std::pow(d, -static_cast<double>(g.beta)));
  });
}

template <class T>
void lrn_backward(const LrnGeometry& g, const T* x, const T* y, const Wide<T>* scale, const T* dy, T* dx) {
  const double beta = g.beta;
  lrn_for_each(g, [&](std::int64_t i, std::int64_t c, std::int64_t h, std::int64_t w) {
    const auto term = [&](std::int64_t j) { return static_cast<double>(dy[j]) * y[j] / scale[j]; };
    // i lies behind those in whose neighbourhood it comes late.
    const double sum = lrn_sum(g, i, c, h, w, g.after, g.before, term);
    dx[i] = static_cast<T>(dy[i] * std::pow(static_cast<double>(scale[i]), -beta) - 2 * g.a * beta * x[i] * sum);
  });
}

}  // namespace fovea::reference
