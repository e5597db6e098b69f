// SPDX-License-Identifier: Apache-2.0
//
// A frame of one value around an image, or with negative sides a frame cut off.
//
//   y[n,c,h,w]  = x[n, c - front, h - top, w - left] where that is inside of x, else value
//   dx[n,c,h,w] = dy[n, c + front, h + top, w + left] where that is inside of y, else 0
//
// x, dx [N, C, H, W]   y, dy [N, channels, rows, columns]. T as in storage.h; value is a float32 number.
#pragma once
#include <cstdint>

#include "core/ops/pad.h"

namespace fovea::reference {

template <class T>
void pad_forward(const PadGeometry& g, float value, const T* x, T* y) {
  for (std::int64_t n = 0; n < g.N; ++n)
    for (std::int64_t c = 0; c < g.channels; ++c)
      for (std::int64_t h = 0; h < g.rows; ++h)
        for (std::int64_t w = 0; w < g.columns; ++w) {
          const std::int64_t from_c = c - g.front, from_h = h - g.top, from_w = w - g.left;
          const bool inside = from_c >= 0 && from_c < g.C && from_h >= 0 && from_h < g.H && from_w >= 0 && from_w < g.W;
          y[((n * g.channels + c) * g.rows + h) * g.columns + w] =
              inside ? x[((n * g.C + from_c) * g.H + from_h) * g.W + from_w] : static_cast<T>(value);
        }
}

template <class T>
void pad_backward(const PadGeometry& g, const T* dy, T* dx) {
  for (std::int64_t n = 0; n < g.N; ++n)
    for (std::int64_t c = 0; c < g.C; ++c)
      for (std::int64_t h = 0; h < g.H; ++h)
        for (std::int64_t w = 0; w < g.W; ++w) {
          const std::int64_t to_c = c + g.front, to_h = h + g.top, to_w = w + g.left;
          const bool inside =
              to_c >= 0 && to_c < g.channels && to_h >= 0 && to_h < g.rows && to_w >= 0 && to_w < g.columns;
          dx[((n * g.C + c) * g.H + h) * g.W + w] =
              inside ? dy[((n * g.channels + to_c) * g.rows + to_h) * g.columns + to_w] : T{};
        }
}

}  // namespace fovea::reference
