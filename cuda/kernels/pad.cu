// SPDX-License-Identifier: Apache-2.0
//
// A frame around an image or a frame cut off, forward and backward (core/ops/pad.h).
//
//   x, dx [N, C, H, W]     y, dy [N, channels, rows, columns]
//
// Thread i writes element i of the result: the element of the source that lies there, or the frame's value. Forward, x
// is moved by (front, top, left); backward, dy is moved back by as much and the frame is 0: one kernel does both.
// A gather, so each result is written once, and neighbouring threads read neighbouring elements.
#include "cuda/kernels/divisor.cuh"
#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/kernels.h"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

struct PadIndex {
  std::int64_t count;                          // elements of the result
  Divisor channels, rows, columns;             // of the result
  int from_channels, from_rows, from_columns;  // of the source
  int front, top, left;                        // where the source's first element lies in the result

  PadIndex(std::int64_t N, std::int64_t channels_, std::int64_t rows_, std::int64_t columns_)
      : count(N * channels_ * rows_ * columns_), channels(channels_), rows(rows_), columns(columns_) {}
};

PadIndex forward_index(const PadGeometry& g) {
  PadIndex p(g.N, g.channels, g.rows, g.columns);
  p.from_channels = static_cast<int>(g.C), p.from_rows = static_cast<int>(g.H), p.from_columns = static_cast<int>(g.W);
  p.front = static_cast<int>(g.front), p.top = static_cast<int>(g.top), p.left = static_cast<int>(g.left);
  return p;
}

PadIndex backward_index(const PadGeometry& g) {
  PadIndex p(g.N, g.C, g.H, g.W);
  p.from_channels = static_cast<int>(g.channels), p.from_rows = static_cast<int>(g.rows);
  p.from_columns = static_cast<int>(g.columns);
  p.front = -static_cast<int>(g.front), p.top = -static_cast<int>(g.top), p.left = -static_cast<int>(g.left);
  return p;
}

__device__ __forceinline__ bool inside(int i, int extent) { return i >= 0 && i < extent; }

template <class T>
__global__ void __launch_bounds__(elementwise_threads)
    pad_kernel(PadIndex p, T value, const T* __restrict__ from, T* __restrict__ to) {
  const std::int64_t i = global_thread();
  if (i >= p.count) return;
  const int row_number = static_cast<int>(i) / p.columns, plane = row_number / p.rows, n = plane / p.channels;
  const int c = plane % p.channels - p.front;
  const int h = row_number % p.rows - p.top;
  const int w = static_cast<int>(i) % p.columns - p.left;
  const bool in_source = inside(c, p.from_channels) && inside(h, p.from_rows) && inside(w, p.from_columns);
  to[i] = in_source ? from[((n * p.from_channels + c) * p.from_rows + h) * p.from_columns + w] : value;
}

template <class T>
void pad_forward(Stream& stream, const PadGeometry& g, float value, const T* x, T* y) {
  const PadIndex index = forward_index(g);
  launch(stream, "pad_forward", pad_kernel<T>, elementwise_blocks(index.count), dim3(elementwise_threads), 0, index,
         static_cast<T>(value), x, y);
}

template <class T>
void pad_backward(Stream& stream, const PadGeometry& g, const T* dy, T* dx) {
  const PadIndex index = backward_index(g);
  launch(stream, "pad_backward", pad_kernel<T>, elementwise_blocks(index.count), dim3(elementwise_threads), 0, index,
         T(), dy, dx);
}

FOVEA_INSTANTIATE_STORAGE(pad_forward);
FOVEA_INSTANTIATE_STORAGE(pad_backward);

}  // namespace fovea::FOVEA_TARGET
