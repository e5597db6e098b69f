// SPDX-License-Identifier: Apache-2.0
//
// Logarithm of softmax over each row of [rows, classes], forward and backward (core/ops/log_softmax.h).
//
//   m = max of the row     y[c] = (x[c] - m) - log(sum of exp(x[j] - m))     dx[c] = dy[c] - exp(y[c]) * sum of dy[j]
//
// One warp per row (row_warp.cuh), as softmax.cu; the largest term of the sum is 1, so its logarithm is of a number
// between 1 and the number of classes. A NaN passes fmaxf by, but not the sum, and so reaches the whole row.
#include "cuda/kernels/kernels.h"
#include "cuda/kernels/row_warp.cuh"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

template <class T>
__global__ void __launch_bounds__(row_threads)
    log_softmax_forward_kernel(std::int64_t rows, std::int64_t classes, const T* __restrict__ x, T* __restrict__ y) {
  const std::int64_t row = row_of_warp();
  if (row >= rows) return;  // the whole warp leaves together
  const T* row_x = x + row * classes;

  float largest = to_float(row_x[0]);
  for (std::int64_t c = lane_of_warp(); c < classes; c += warp_threads) largest = fmaxf(largest, to_float(row_x[c]));
  largest = warp_max(largest);

  float sum = 0.0f;
  for (std::int64_t c = lane_of_warp(); c < classes; c += warp_threads) sum += expf(to_float(row_x[c]) - largest);
  const float log_sum = logf(warp_sum(sum));

  for (std::int64_t c = lane_of_warp(); c < classes; c += warp_threads)
    y[row * classes + c] = from_float<T>((to_float(row_x[c]) - largest) - log_sum);
}

template <class T>
__global__ void __launch_bounds__(row_threads)
    log_softmax_backward_kernel(std::int64_t rows, std::int64_t classes, const T* __restrict__ y,
                                const T* __restrict__ dy, T* __restrict__ dx) {
  const std::int64_t row = row_of_warp();
  if (row >= rows) return;
  const T* row_y = y + row * classes;
  const T* row_dy = dy + row * classes;

  float sum = 0.0f;
  for (std::int64_t c = lane_of_warp(); c < classes; c += warp_threads) sum += to_float(row_dy[c]);
  sum = warp_sum(sum);

  for (std::int64_t c = lane_of_warp(); c < classes; c += warp_threads)
    dx[row * classes + c] = from_float<T>(to_float(row_dy[c]) - expf(to_float(row_y[c])) * sum);
}

template <class T>
void log_softmax_forward(Stream& stream, std::int64_t rows, std::int64_t classes, const T* x, T* y) {
  launch(stream, "log_softmax_forward", log_softmax_forward_kernel<T>, row_blocks(rows), dim3(row_threads), 0, rows,
         classes, x, y);
}

template <class T>
void log_softmax_backward(Stream& stream, std::int64_t rows, std::int64_t classes, const T* y, const T* dy, T* dx) {
  launch(stream, "log_softmax_backward", log_softmax_backward_kernel<T>, row_blocks(rows), dim3(row_threads), 0, rows,
         classes, y, dy, dx);
}

FOVEA_INSTANTIATE_STORAGE(log_softmax_forward);
FOVEA_INSTANTIATE_STORAGE(log_softmax_backward);

}  // namespace fovea::FOVEA_TARGET
