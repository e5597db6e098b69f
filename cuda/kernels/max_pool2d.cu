// SPDX-License-Identifier: Apache-2.0
//
// Max pooling, forward and backward (core/ops/max_pool2d.h).
//
//   x, dx [N, C, H, W]     y, dy, index [N, C, P, Q]     window R x S
//
// Forward: thread i computes element i of y: the maximum of its window and where in the window it was found (r*S + s),
// one byte for windows of up to 256 elements, two above. Neighbouring threads read neighbouring windows. The minimum is
// the maximum of the negated window, exactly.
// Backward: thread i computes element i of dx. It asks each window that covers its element (1 for a 2x2/2 pool, up to 4
// for 3x3/2) whether the winner was here, and adds that window's dy if so. This gather needs no atomics, no zero-fill
// of dx before, and a quarter to an eighth of the index traffic of 4- or 8-byte indices. What the ReLU before, if there is
// one, holds back is stored as 0 (epilogue.cuh).
#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/epilogue.cuh"
#include "cuda/kernels/kernels.h"
#include "cuda/kernels/pool2d_index.cuh"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

template <class T, class Index>
__global__ void __launch_bounds__(elementwise_threads)
    max_pool2d_forward_kernel(Pool2dIndex g, float sign, const T* __restrict__ x, T* __restrict__ y,
                              Index* __restrict__ index) {
  const std::int64_t i = global_thread();
  if (i >= static_cast<std::int64_t>(g.planes) * g.P * g.Q) return;
  const PlaneElement out = plane_element(static_cast<int>(i), g.P, g.Q);
  const int h0 = window_start(out.row, g.stride_h, g.pad_top);
  const int w0 = window_start(out.column, g.stride_w, g.pad_left);
  const Range rows = window_in_image(h0, g.R, g.H), columns = window_in_image(w0, g.S, g.W);
  const T* image = x + static_cast<std::int64_t>(out.plane) * g.H * g.W;

  int winner_h = rows.begin, winner_w = columns.begin;
  float best = sign * to_float(image[winner_h * g.W + winner_w]);
  for (int h = rows.begin; h < rows.end; ++h) {
    for (int w = columns.begin; w < columns.end; ++w) {
      const float value = sign * to_float(image[h * g.W + w]);
      if (beats(value, best)) {
        best = value;
        winner_h = h;
        winner_w = w;
      }
    }
  }
  y[i] = from_float<T>(sign * best);
  index[i] = static_cast<Index>((winner_h - h0) * g.S + (winner_w - w0));
}

template <class T, class Index>
__global__ void __launch_bounds__(elementwise_threads)
    max_pool2d_backward_kernel(Pool2dIndex g, const T* __restrict__ gate, const T* __restrict__ dy,
                               const Index* __restrict__ index, T* __restrict__ dx) {
  const std::int64_t i = global_thread();
  if (i >= static_cast<std::int64_t>(g.planes) * g.H * g.W) return;
  const PlaneElement in = plane_element(static_cast<int>(i), g.H, g.W);
  const Range rows = windows_over(in.row, g.pad_top, g.R, g.stride_h, g.P);
  const Range columns = windows_over(in.column, g.pad_left, g.S, g.stride_w, g.Q);

  float sum = 0.0f;
  for (int p = rows.begin; p < rows.end; ++p) {
    for (int q = columns.begin; q < columns.end; ++q) {
      const int r = in.row - window_start(p, g.stride_h, g.pad_top);
      const int s = in.column - window_start(q, g.stride_w, g.pad_left);
      const int out = (in.plane * g.P + p) * g.Q + q;
      if (index[out] == r * g.S + s) sum += to_float(dy[out]);
    }
  }
  dx[i] = gated(gate, i, from_float<T>(sum));
}

template <class T, class Index>
void max_pool2d_forward(Stream& stream, const Pool2dGeometry& g, bool minimum, const T* x, T* y, Index* index) {
  launch(stream, "max_pool2d_forward", max_pool2d_forward_kernel<T, Index>, elementwise_blocks(g.N * g.C * g.P * g.Q),
         dim3(elementwise_threads), 0, Pool2dIndex(g), minimum ? -1.0f : 1.0f, x, y, index);
}

template <class T, class Index>
void max_pool2d_backward(Stream& stream, const Pool2dGeometry& g, const T* gate, const T* dy, const Index* index,
                         T* dx) {
  launch(stream, "max_pool2d_backward", max_pool2d_backward_kernel<T, Index>, elementwise_blocks(g.N * g.C * g.H * g.W),
         dim3(elementwise_threads), 0, Pool2dIndex(g), gate, dy, index, dx);
}

FOVEA_INSTANTIATE_STORAGE(max_pool2d_forward, std::uint8_t);
FOVEA_INSTANTIATE_STORAGE(max_pool2d_forward, std::uint16_t);
FOVEA_INSTANTIATE_STORAGE(max_pool2d_backward, std::uint8_t);
FOVEA_INSTANTIATE_STORAGE(max_pool2d_backward, std::uint16_t);

}  // namespace fovea::FOVEA_TARGET
