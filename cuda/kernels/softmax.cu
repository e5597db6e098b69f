// SPDX-License-Identifier: Apache-2.0
//
// Softmax over each row of [rows, classes], forward and backward (core/ops/softmax.h).
//
//   m = max of the row       y[c] = exp(x[c] - m) / sum of exp(x[j] - m)        dx[c] = y[c] * (dy[c] - sum of
//   dy[j]*y[j])
//
// One warp per row (row_warp.cuh): the maximum and the sum are warp reductions, without shared memory or barriers.
// Subtracting the maximum keeps every exponent at or below 0, so exp cannot overflow and the largest term is 1.
// expf is evaluated again for the division instead of stored: arithmetic is cheaper than a trip to memory.
#include "cuda/kernels/kernels.h"
#include "cuda/kernels/row_warp.cuh"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

template <class T>
__global__ void __launch_bounds__(row_threads)
    softmax_forward_kernel(std::int64_t rows, std::int64_t classes, const T* __restrict__ x, T* __restrict__ y) {
  const std::int64_t row = row_of_warp();
  if (row >= rows) return;  // the whole warp leaves together
  const T* row_x = x + row * classes;
  T* row_y = y + row * classes;

  float largest = to_float(row_x[0]);
  for (std::int64_t c = lane_of_warp(); c < classes; c += warp_threads) largest = fmaxf(largest, to_float(row_x[c]));
  largest = warp_max(largest);

  float sum = 0.0f;
  for (std::int64_t c = lane_of_warp(); c < classes; c += warp_threads) sum += expf(to_float(row_x[c]) - largest);
  sum = warp_sum(sum);

  for (std::int64_t c = lane_of_warp(); c < classes; c += warp_threads)
    row_y[c] = from_float<T>(expf(to_float(row_x[c]) - largest) / sum);
}

template <class T>
__global__ void __launch_bounds__(row_threads)
    softmax_backward_kernel(std::int64_t rows, std::int64_t classes, const T* __restrict__ y, const T* __restrict__ dy,
                            T* __restrict__ dx) {
  const std::int64_t row = row_of_warp();
  if (row >= rows) return;
  const T* row_y = y + row * classes;
  const T* row_dy = dy + row * classes;

  float dot = 0.0f;
  for (std::int64_t c = lane_of_warp(); c < classes; c += warp_threads) dot += to_float(row_dy[c]) * to_float(row_y[c]);
  dot = warp_sum(dot);

  for (std::int64_t c = lane_of_warp(); c < classes; c += warp_threads)
    dx[row * classes + c] = from_float<T>(to_float(row_y[c]) * (to_float(row_dy[c]) - dot));
}

template <class T>
void softmax_forward(Stream& stream, std::int64_t rows, std::int64_t classes, const T* x, T* y) {
  launch(stream, "softmax_forward", softmax_forward_kernel<T>, row_blocks(rows), dim3(row_threads), 0, rows, classes, x,
         y);
}

template <class T>
void softmax_backward(Stream& stream, std::int64_t rows, std::int64_t classes, const T* y, const T* dy, T* dx) {
  launch(stream, "softmax_backward", softmax_backward_kernel<T>, row_blocks(rows), dim3(row_threads), 0, rows, classes,
         y, dy, dx);
}

FOVEA_INSTANTIATE_STORAGE(softmax_forward);
FOVEA_INSTANTIATE_STORAGE(softmax_backward);

}  // namespace fovea::FOVEA_TARGET
