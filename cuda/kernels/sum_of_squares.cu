// SPDX-License-Identifier: Apache-2.0
//
// The sum of squares of a flat arena (core/ops/sum_of_squares.h), in the order that the contract fixes.
//
//   x [count] f32     parts [sum_parts(count)] f64     sum [1] f64
//
// First kernel: block p adds part p. Thread t is lane t: it adds every 256th element, so that neighbouring threads read
// neighbouring addresses, and a tree in shared memory adds the lanes by halves. Second kernel: one block adds the parts
// in the same way. No atomics, so the bits are the same on every run and on every device; a fused multiply-add changes
// nothing, since the square of a float is exact in double.
#include "core/ops/sum_of_squares.h"

#include "cuda/kernels/kernels.h"
#include "cuda/kernels/reduce.cuh"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

constexpr int sum_threads = static_cast<int>(sum_tree_lanes);

__global__ void __launch_bounds__(sum_threads)
    sum_of_squares_parts_kernel(std::int64_t count, const float* __restrict__ x, double* __restrict__ parts) {
  FOVEA_SHARED(double, scratch, [sum_threads]);
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * sum_part_elements;
  const std::int64_t end = first + sum_part_elements < count ? first + sum_part_elements : count;
  double sum = 0;
  for (std::int64_t i = first + threadIdx.x; i < end; i += sum_threads) {
    const double value = x[i];
    sum += value * value;
  }
  const double total = block_sum(sum, scratch);
  if (threadIdx.x == 0) parts[blockIdx.x] = total;
}

__global__ void __launch_bounds__(sum_threads)
    sum_of_parts_kernel(std::int64_t count, const double* __restrict__ parts, double* __restrict__ sum) {
  FOVEA_SHARED(double, scratch, [sum_threads]);
  double lane = 0;
  for (std::int64_t p = threadIdx.x; p < count; p += sum_threads) lane += parts[p];
  const double total = block_sum(lane, scratch);
  if (threadIdx.x == 0) *sum = total;
}

void sum_of_squares(Stream& stream, std::int64_t count, const float* x, double* parts, double* sum) {
  const std::int64_t blocks = sum_parts(count);
  launch(stream, "sum_of_squares", sum_of_squares_parts_kernel, dim3(static_cast<unsigned>(blocks)), dim3(sum_threads),
         0, count, x, parts);
  launch(stream, "sum_of_parts", sum_of_parts_kernel, dim3(1), dim3(sum_threads), 0, blocks, parts, sum);
}

}  // namespace fovea::FOVEA_TARGET
