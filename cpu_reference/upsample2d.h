// SPDX-License-Identifier: Apache-2.0
//
// An image in another size: each output pixel copies the nearest input pixel, or mixes the four around it.
//
//   nearest    y[n,c,p,q] = x[n, c, floor(p * H / P), floor(q * W / Q)]
//   bilinear   y[n,c,p,q] = (1-f)(1-g) x[h0,w0] + (1-f) g x[h0,w1] + f (1-g) x[h1,w0] + f g x[h1,w1]
//              h0 = floor of row p's source coordinate, h1 = h0 + 1, f = what is left, but 0 on the last row; columns
//              likewise; terms of weight 0 do not exist
//   source coordinate   align_corners: p * (H-1) / (P-1), 0 when P = 1; else max((p + 1/2) * H / P - 1/2, 0)
//   dx[n,c,h,w] = sum of dy[n,c,p,q] times the weight of x[h,w] in y[p,q], over p,q in row order
//
// x, dx [N,C,H,W]   y, dy [N,C,P,Q]. T as in storage.h; sums are taken in double. Coordinates are fractions of whole
// numbers, so that floor is exact.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "core/ops/upsample2d.h"
#include "core/support/parallel.h"

namespace fovea::reference {

// What an output row (or column) reads: input row `row` with weight 1 - rest, and the next one with weight `rest`.
struct UpsampleSource {
  std::int64_t row;
  double rest;
};

// The sources of `out` output rows of an image of `in` rows.
inline std::vector<UpsampleSource> upsample_sources(UpsampleMode mode, bool align_corners, std::int64_t in,
                                                    std::int64_t out) {
  std::vector<UpsampleSource> sources;
  for (std::int64_t p = 0; p < out; ++p) {
    std::int64_t numerator = 0, denominator = 1;
    if (mode == UpsampleMode::nearest) {
      numerator = p * in;
      denominator = out;
    } else if (!align_corners) {
      numerator = std::max<std::int64_t>((2 * p + 1) * in - out, 0);
      denominator = 2 * out;
    } else if (out > 1) {
      numerator = p * (in - 1);
      denominator = out - 1;
    }
    const std::int64_t row = numerator / denominator;
    double rest = static_cast<double>(numerator % denominator) / static_cast<double>(denominator);
    if (mode == UpsampleMode::nearest || row == in - 1) rest = 0;
    sources.push_back({row, rest});
  }
  return sources;
}

// Calls term(h, w, weight) for each pixel that an output pixel is mixed from.
template <class Term>
void upsample_terms(const UpsampleSource& p, const UpsampleSource& q, Term&& term) {
  const double f = p.rest, g = q.rest;
  term(p.row, q.row, (1 - f) * (1 - g));
  if (g > 0) term(p.row, q.row + 1, (1 - f) * g);
  if (f > 0) term(p.row + 1, q.row, f * (1 - g));
  if (f > 0 && g > 0) term(p.row + 1, q.row + 1, f * g);
}

template <class T>
void upsample2d_forward(const Upsample2dGeometry& g, const T* x, T* y) {
  const auto rows = upsample_sources(g.mode, g.align_corners, g.H, g.P);
  const auto columns = upsample_sources(g.mode, g.align_corners, g.W, g.Q);

  parallel_for(g.N * g.C, [&](std::int64_t nc) {
    const T* image = x + nc * g.H * g.W;
    for (std::int64_t p = 0; p < g.P; ++p) {
      for (std::int64_t q = 0; q < g.Q; ++q) {
        double sum = 0;
        upsample_terms(rows[p], columns[q],
                       [&](std::int64_t h, std::int64_t w, double weight) { sum += weight * image[h * g.W + w]; });
        y[(nc * g.P + p) * g.Q + q] = static_cast<T>(sum);
      }
    }
  });
}

// Every output pixel hands its gradient to the pixels it was mixed from.
template <class T>
void upsample2d_backward(const Upsample2dGeometry& g, const T* dy, T* dx) {
  const auto rows = upsample_sources(g.mode, g.align_corners, g.H, g.P);
  const auto columns = upsample_sources(g.mode, g.align_corners, g.W, g.Q);

  parallel_for(g.N * g.C, [&](std::int64_t nc) {
    std::vector<double> sum(g.H * g.W);
    for (std::int64_t p = 0; p < g.P; ++p) {
      for (std::int64_t q = 0; q < g.Q; ++q) {
        const double gradient = dy[(nc * g.P + p) * g.Q + q];
        upsample_terms(rows[p], columns[q],
                       [&](std::int64_t h, std::int64_t w, double weight) { sum[h * g.W + w] += gradient * weight; });
      }
    }
    for (std::int64_t hw = 0; hw < g.H * g.W; ++hw) dx[nc * g.H * g.W + hw] = static_cast<T>(sum[hw]);
  });
}

}  // namespace fovea::reference
