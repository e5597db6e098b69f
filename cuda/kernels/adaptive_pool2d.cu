// SPDX-License-Identifier: Apache-2.0
//
// Adaptive pooling, average and maximum, forward and backward (core/ops/adaptive_pool2d.h).
//
//   x, dx [N, C, H, W]     y, dy, index [N, C, P, Q]     window (p,q): rows floor(pH/P) ... ceil((p+1)H/P) - 1
//
// Average, forward: one warp per element of y. Its lanes take every 32nd element of the window, in row order, so that
// global pooling, whose windows are whole images, reads neighbouring addresses; shuffles add the 32 partial sums.
// Maximum, forward: thread i computes element i of y and where in the image it was found, h * W + w.
// Backward: thread i computes element i of dx: the sum over the windows that hold it, of dy over the window's size or
// of the dy whose winner it is. A gather: every dx is written once, no atomics, no zero-fill.
#include "cuda/kernels/adaptive_pool2d_index.cuh"
#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/kernels.h"
#include "cuda/kernels/row_warp.cuh"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

template <class T>
__global__ void __launch_bounds__(row_threads)
    adaptive_avg_pool2d_forward_kernel(AdaptiveIndex g, const T* __restrict__ x, T* __restrict__ y) {
  const std::int64_t i = row_of_warp();
  if (i >= static_cast<std::int64_t>(g.planes) * g.P * g.Q) return;  // the whole warp leaves together
  const PlaneElement out = plane_element(static_cast<int>(i), g.P, g.Q);
  const Range rows = adaptive_range(out.row, g.P, g.H), columns = adaptive_range(out.column, g.Q, g.W);
  const T* corner = x + (static_cast<std::int64_t>(out.plane) * g.H + rows.begin) * g.W + columns.begin;
  const int width = length(columns), elements = length(rows) * width;

  float sum = 0.0f;
  int r = lane_of_warp() / width, s = lane_of_warp() % width;
  for (int element = lane_of_warp(); element < elements; element += warp_threads) {
    sum += to_float(corner[r * g.W + s]);
    s += warp_threads;  // 32 elements further on, which may be several rows
    r += s / width;
    s %= width;
  }
  sum = warp_sum(sum);
  if (lane_of_warp() == 0) y[i] = from_float<T>(sum / static_cast<float>(elements));
}

template <class T>
__global__ void __launch_bounds__(elementwise_threads, no_spills)
    adaptive_avg_pool2d_backward_kernel(AdaptiveIndex g, const T* __restrict__ dy, T* __restrict__ dx) {
  const std::int64_t i = global_thread();
  if (i >= static_cast<std::int64_t>(g.planes) * g.H * g.W) return;
  const PlaneElement in = plane_element(static_cast<int>(i), g.H, g.W);
  const Range rows = adaptive_range(in.row, g.H, g.P), columns = adaptive_range(in.column, g.W, g.Q);

  float sum = 0.0f;
  for (int p = rows.begin; p < rows.end; ++p) {
    for (int q = columns.begin; q < columns.end; ++q) {
      const int elements = length(adaptive_range(p, g.P, g.H)) * length(adaptive_range(q, g.Q, g.W));
      sum += to_float(dy[(in.plane * g.P + p) * g.Q + q]) / static_cast<float>(elements);
    }
  }
  dx[i] = from_float<T>(sum);
}

template <class T>
__global__ void __launch_bounds__(elementwise_threads)
    adaptive_max_pool2d_forward_kernel(AdaptiveIndex g, const T* __restrict__ x, T* __restrict__ y,
                                       std::int32_t* __restrict__ index) {
  const std::int64_t i = global_thread();
  if (i >= static_cast<std::int64_t>(g.planes) * g.P * g.Q) return;
  const PlaneElement out = plane_element(static_cast<int>(i), g.P, g.Q);
  const Range rows = adaptive_range(out.row, g.P, g.H), columns = adaptive_range(out.column, g.Q, g.W);
  const T* image = x + static_cast<std::int64_t>(out.plane) * g.H * g.W;

  int winner = rows.begin * g.W + columns.begin;
  float best = to_float(image[winner]);
  for (int h = rows.begin; h < rows.end; ++h) {
    for (int w = columns.begin; w < columns.end; ++w) {
      const float value = to_float(image[h * g.W + w]);
      const bool best_is_nan = best != best;
      if (!best_is_nan && !(value <= best)) {  // larger, or the first NaN; ties stay with the earlier element
        best = value;
        winner = h * g.W + w;
      }
    }
  }
  y[i] = from_float<T>(best);
  index[i] = winner;
}

template <class T>
__global__ void __launch_bounds__(elementwise_threads)
    adaptive_max_pool2d_backward_kernel(AdaptiveIndex g, const T* __restrict__ dy,
                                        const std::int32_t* __restrict__ index, T* __restrict__ dx) {
  const std::int64_t i = global_thread();
  if (i >= static_cast<std::int64_t>(g.planes) * g.H * g.W) return;
  const PlaneElement in = plane_element(static_cast<int>(i), g.H, g.W);
  const Range rows = adaptive_range(in.row, g.H, g.P), columns = adaptive_range(in.column, g.W, g.Q);

  float sum = 0.0f;
  for (int p = rows.begin; p < rows.end; ++p) {
    for (int q = columns.begin; q < columns.end; ++q) {
      const int out = (in.plane * g.P + p) * g.Q + q;
      if (index[out] == in.row * g.W + in.column) sum += to_float(dy[out]);
    }
  }
  dx[i] = from_float<T>(sum);
}

template <class T>
void adaptive_avg_pool2d_forward(Stream& stream, const AdaptivePool2dGeometry& g, const T* x, T* y) {
  launch(stream, "adaptive_avg_pool2d_forward", adaptive_avg_pool2d_forward_kernel<T>,
         row_blocks(g.N * g.C * g.P * g.Q), dim3(row_threads), 0, AdaptiveIndex(g), x, y);
}

template <class T>
void adaptive_avg_pool2d_backward(Stream& stream, const AdaptivePool2dGeometry& g, const T* dy, T* dx) {
  launch(stream, "adaptive_avg_pool2d_backward", adaptive_avg_pool2d_backward_kernel<T>,
         elementwise_blocks(g.N * g.C * g.H * g.W), dim3(elementwise_threads), 0, AdaptiveIndex(g), dy, dx);
}

template <class T>
void adaptive_max_pool2d_forward(Stream& stream, const AdaptivePool2dGeometry& g, const T* x, T* y,
                                 std::int32_t* index) {
  launch(stream, "adaptive_max_pool2d_forward", adaptive_max_pool2d_forward_kernel<T>,
         elementwise_blocks(g.N * g.C * g.P * g.Q), dim3(elementwise_threads), 0, AdaptiveIndex(g), x, y, index);
}

template <class T>
void adaptive_max_pool2d_backward(Stream& stream, const AdaptivePool2dGeometry& g, const T* dy,
                                  const std::int32_t* index, T* dx) {
  launch(stream, "adaptive_max_pool2d_backward", adaptive_max_pool2d_backward_kernel<T>,
         elementwise_blocks(g.N * g.C * g.H * g.W), dim3(elementwise_threads), 0, AdaptiveIndex(g), dy, index, dx);
}

FOVEA_INSTANTIATE_STORAGE(adaptive_avg_pool2d_forward);
FOVEA_INSTANTIATE_STORAGE(adaptive_avg_pool2d_backward);
FOVEA_INSTANTIATE_STORAGE(adaptive_max_pool2d_forward);
FOVEA_INSTANTIATE_STORAGE(adaptive_max_pool2d_backward);

}  // namespace fovea::FOVEA_TARGET
