// SPDX-License-Identifier: Apache-2.0
//
// Average pooling, forward and backward (core/ops/avg_pool2d.h).
//
//   x, dx [N, C, H, W]     y, dy [N, C, P, Q]     window R x S
//
// Forward: thread i computes element i of y: the sum of the part of its window that lies in the image, over the number
// of elements that count (sum pooling: over 1). Neighbouring threads read neighbouring windows.
// Backward: thread i computes element i of dx: the sum of dy over its divisor, for each window that covers the element.
// A gather: every dx is written once, no atomics, no zero-fill. What the ReLU before, if there is one, holds back is
// stored as 0 (epilogue.cuh).
#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/epilogue.cuh"
#include "cuda/kernels/kernels.h"
#include "cuda/kernels/pool2d_index.cuh"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

template <class T>
__global__ void __launch_bounds__(elementwise_threads)
    avg_pool2d_forward_kernel(Pool2dIndex g, bool count_include_pad, bool only_sum, const T* __restrict__ x,
                              T* __restrict__ y) {
  const std::int64_t i = global_thread();
  if (i >= static_cast<std::int64_t>(g.planes) * g.P * g.Q) return;
  const PlaneElement out = plane_element(static_cast<int>(i), g.P, g.Q);
  const int h0 = window_start(out.row, g.stride_h, g.pad_top);
  const int w0 = window_start(out.column, g.stride_w, g.pad_left);
  const Range rows = window_in_image(h0, g.R, g.H), columns = window_in_image(w0, g.S, g.W);
  const T* image = x + static_cast<std::int64_t>(out.plane) * g.H * g.W;

  float sum = 0.0f;
  for (int h = rows.begin; h < rows.end; ++h)
    for (int w = columns.begin; w < columns.end; ++w) sum += to_float(image[h * g.W + w]);
  y[i] = from_float<T>(sum / divisor_of(g, h0, w0, count_include_pad, only_sum));
}

template <class T>
__global__ void __launch_bounds__(elementwise_threads)
    avg_pool2d_backward_kernel(Pool2dIndex g, bool count_include_pad, bool only_sum, const T* __restrict__ gate,
                               const T* __restrict__ dy, T* __restrict__ dx) {
  const std::int64_t i = global_thread();
  if (i >= static_cast<std::int64_t>(g.planes) * g.H * g.W) return;
  const PlaneElement in = plane_element(static_cast<int>(i), g.H, g.W);
  const Range rows = windows_over(in.row, g.pad_top, g.R, g.stride_h, g.P);
  const Range columns = windows_over(in.column, g.pad_left, g.S, g.stride_w, g.Q);

  float sum = 0.0f;
  for (int p = rows.begin; p < rows.end; ++p) {
    for (int q = columns.begin; q < columns.end; ++q) {
      const int h0 = window_start(p, g.stride_h, g.pad_top), w0 = window_start(q, g.stride_w, g.pad_left);
      sum += to_float(dy[(in.plane * g.P + p) * g.Q + q]) / divisor_of(g, h0, w0, count_include_pad, only_sum);
    }
  }
  dx[i] = gated(gate, i, from_float<T>(sum));
}

template <class T>
void avg_pool2d_forward(Stream& stream, const Pool2dGeometry& g, bool count_include_pad, bool only_sum, const T* x,
                        T* y) {
  launch(stream, "avg_pool2d_forward", avg_pool2d_forward_kernel<T>, elementwise_blocks(g.N * g.C * g.P * g.Q),
         dim3(elementwise_threads), 0, Pool2dIndex(g), count_include_pad, only_sum, x, y);
}

template <class T>
void avg_pool2d_backward(Stream& stream, const Pool2dGeometry& g, bool count_include_pad, bool only_sum, const T* gate,
                         const T* dy, T* dx) {
  launch(stream, "avg_pool2d_backward", avg_pool2d_backward_kernel<T>, elementwise_blocks(g.N * g.C * g.H * g.W),
         dim3(elementwise_threads), 0, Pool2dIndex(g), count_include_pad, only_sum, gate, dy, dx);
}

FOVEA_INSTANTIATE_STORAGE(avg_pool2d_forward);
FOVEA_INSTANTIATE_STORAGE(avg_pool2d_backward);

}  // namespace fovea::FOVEA_TARGET
