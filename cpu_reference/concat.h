// SPDX-License-Identifier: Apache-2.0
//
// One input's part of a concatenation along an axis, seen as [outer, extent, inner] at `first` of [outer, whole, inner].
//
//   y[o, first + j, i] = x[o,j,i]           dx[o,j,i] = dy[o, first + j, i]
//
// x, dx [outer, extent, inner]   y, dy [outer, whole, inner]. T as in storage.h.
#pragma once
#include <cstdint>

#include "core/ops/concat.h"

namespace fovea::reference {

template <class T>
void concat_forward(const ConcatSlice& s, const T* x, T* y) {
  for (std::int64_t o = 0; o < s.outer; ++o)
    for (std::int64_t j = 0; j < s.extent; ++j)
      for (std::int64_t i = 0; i < s.inner; ++i)
        y[(o * s.whole + s.first + j) * s.inner + i] = x[(o * s.extent + j) * s.inner + i];
}

template <class T>
void concat_backward(const ConcatSlice& s, const T* dy, T* dx) {
  for (std::int64_t o = 0; o < s.outer; ++o)
    for (std::int64_t j = 0; j < s.extent; ++j)
      for (std::int64_t i = 0; i < s.inner; ++i)
        dx[(o * s.extent + j) * s.inner + i] = dy[(o * s.whole + s.first + j) * s.inner + i];
}

}  // namespace fovea::reference
