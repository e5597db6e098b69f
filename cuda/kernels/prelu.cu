// SPDX-License-Identifier: Apache-2.0
//
// ReLU with a trained slope, forward and backward (core/ops/prelu.h).
//
//   x, y, dx, dy [N, C, positions]     slope, dslope [slopes], slopes = C or 1     partials [N * C]
//
// Forward and backward_data: thread i computes element i; neighbouring threads touch neighbouring addresses, and the
// slopes are few and stay in cache. The channel comes from two divisions, each a multiplication (divisor.cuh).
// backward_slope: one warp sums each plane (n, c) into partials[n*C + c]; then block k sums the partials of slope k with
// a tree in shared memory. With one slope for all channels a single step would leave all the work to a single block; so
// every plane has its warp. The order is fixed by the shape, where atomic additions would give other bits on every run.
#include "cuda/kernels/divisor.cuh"
#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/kernels.h"
#include "cuda/kernels/row_warp.cuh"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

constexpr int prelu_slope_threads = 256;

// How to find an element's slope. C % slopes = 0, so the channel need not be known: n*C + c and c leave the same
// remainder.
struct PreluIndex {
  Divisor positions, slopes;

  __device__ __forceinline__ int slope_of(std::int64_t i) const { return static_cast<int>(i) / positions % slopes; }
};

template <class T>
__global__ void __launch_bounds__(elementwise_threads)
    prelu_forward_kernel(std::int64_t count, PreluIndex index, const T* __restrict__ x, const float* __restrict__ slope,
                         T* __restrict__ y) {
  const std::int64_t i = global_thread();
  if (i >= count) return;
  const float value = to_float(x[i]);
  y[i] = value > 0.0f ? x[i] : from_float<T>(slope[index.slope_of(i)] * value);
}

template <class T>
__global__ void __launch_bounds__(elementwise_threads)
    prelu_backward_data_kernel(std::int64_t count, PreluIndex index, const T* __restrict__ x,
                               const float* __restrict__ slope, const T* __restrict__ dy, T* __restrict__ dx) {
  const std::int64_t i = global_thread();
  if (i < count) dx[i] = to_float(x[i]) > 0.0f ? dy[i] : from_float<T>(slope[index.slope_of(i)] * to_float(dy[i]));
}

// Not `x <= 0 ? x * dy : 0`: a NaN must reach the sum.
template <class T>
__global__ void __launch_bounds__(row_threads)
    prelu_plane_sums_kernel(std::int64_t planes, std::int64_t positions, const T* __restrict__ x,
                            const T* __restrict__ dy, float* __restrict__ partials) {
  const std::int64_t plane = row_of_warp();
  if (plane >= planes) return;  // the whole warp leaves together
  float sum = 0.0f;
  for (std::int64_t p = lane_of_warp(); p < positions; p += warp_threads) {
    const std::int64_t i = plane * positions + p;
    sum += to_float(x[i]) > 0.0f ? 0.0f : to_float(x[i]) * to_float(dy[i]);
  }
  sum = warp_sum(sum);
  if (lane_of_warp() == 0) partials[plane] = sum;
}

__global__ void __launch_bounds__(prelu_slope_threads)
    prelu_slope_sums_kernel(std::int64_t planes, std::int64_t slopes, const float* __restrict__ partials,
                            float* __restrict__ dslope) {
  FOVEA_SHARED(float, scratch, [prelu_slope_threads]);
  const std::int64_t k = blockIdx.x;
  float sum = 0.0f;
  for (std::int64_t plane = k + slopes * threadIdx.x; plane < planes; plane += slopes * prelu_slope_threads)
    sum += partials[plane];
  const float total = block_sum(sum, scratch);
  if (threadIdx.x == 0) dslope[k] = total;
}

template <class T>
void prelu_forward(Stream& stream, const PreluGeometry& g, const T* x, const float* slope, T* y) {
  const std::int64_t count = g.N * g.C * g.positions;
  launch(stream, "prelu_forward", prelu_forward_kernel<T>, elementwise_blocks(count), dim3(elementwise_threads), 0,
         count, PreluIndex{Divisor(g.positions), Divisor(g.slopes)}, x, slope, y);
}

template <class T>
void prelu_backward_data(Stream& stream, const PreluGeometry& g, const T* x, const float* slope, const T* dy, T* dx) {
  const std::int64_t count = g.N * g.C * g.positions;
  launch(stream, "prelu_backward_data", prelu_backward_data_kernel<T>, elementwise_blocks(count),
         dim3(elementwise_threads), 0, count, PreluIndex{Divisor(g.positions), Divisor(g.slopes)}, x, slope, dy, dx);
}

template <class T>
void prelu_backward_slope(Stream& stream, const PreluGeometry& g, const T* x, const T* dy, float* dslope,
                          float* partials) {
  const std::int64_t planes = g.N * g.C;
  launch(stream, "prelu_plane_sums", prelu_plane_sums_kernel<T>, row_blocks(planes), dim3(row_threads), 0, planes,
         g.positions, x, dy, partials);
  launch(stream, "prelu_slope_sums", prelu_slope_sums_kernel, dim3(static_cast<unsigned>(g.slopes)),
         dim3(prelu_slope_threads), 0, planes, g.slopes, partials, dslope);
}

FOVEA_INSTANTIATE_STORAGE(prelu_forward);
FOVEA_INSTANTIATE_STORAGE(prelu_backward_data);
FOVEA_INSTANTIATE_STORAGE(prelu_backward_slope);

}  // namespace fovea::FOVEA_TARGET
