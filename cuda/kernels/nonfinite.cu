// SPDX-License-Identifier: Apache-2.0
//
// The first value that is not finite (core/ops/nonfinite.h).
//
//   x [count]     parts [nonfinite_parts(count)] i64     first [1] i64
//
// First kernel: block p looks through the p-th 4096 elements, thread t at every 256th, and a tree in shared memory takes
// the smallest index found; `count` stands for none. Second kernel: one block takes the smallest of the parts. Each
// element is read once and eight bytes are written for each 4096.
#include "core/ops/nonfinite.h"

#include "cuda/kernels/kernels.h"
#include "cuda/runtime/dialect.cuh"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

constexpr int nonfinite_threads = 256;
constexpr std::int64_t nonfinite_part = 4096;

// As block_sum of reduce.cuh, with the smaller of two: all threads must call it; the result is valid in thread 0.
__device__ __forceinline__ std::int64_t block_min(std::int64_t value, std::int64_t (&scratch)[nonfinite_threads]) {
  const int thread = static_cast<int>(threadIdx.x);
  scratch[thread] = value;
  for (int half = nonfinite_threads / 2; half > 0; half /= 2) {
    __syncthreads();
    if (thread < half) {
      const std::int64_t other = scratch[thread + half];
      value = other < value ? other : value;
      scratch[thread] = value;
    }
  }
  return value;
}

template <class T>
__global__ void __launch_bounds__(nonfinite_threads)
    nonfinite_parts_kernel(std::int64_t count, const T* __restrict__ x, std::int64_t* __restrict__ parts) {
  FOVEA_SHARED(std::int64_t, scratch, [nonfinite_threads]);
  const std::int64_t begin = static_cast<std::int64_t>(blockIdx.x) * nonfinite_part;
  const std::int64_t end = begin + nonfinite_part < count ? begin + nonfinite_part : count;
  std::int64_t found = count;
  for (std::int64_t i = begin + threadIdx.x; i < end; i += nonfinite_threads) {
    const bool finite = (__float_as_uint(to_float(x[i])) & 0x7f800000u) != 0x7f800000u;  // the exponent is not all ones
    if (!finite && i < found) found = i;
  }
  const std::int64_t smallest = block_min(found, scratch);
  if (threadIdx.x == 0) parts[blockIdx.x] = smallest;
}

__global__ void __launch_bounds__(nonfinite_threads)
    nonfinite_first_kernel(std::int64_t count, std::int64_t parts, const std::int64_t* __restrict__ part,
                           std::int64_t* __restrict__ first) {
  FOVEA_SHARED(std::int64_t, scratch, [nonfinite_threads]);
  std::int64_t found = count;
  for (std::int64_t p = threadIdx.x; p < parts; p += nonfinite_threads) found = part[p] < found ? part[p] : found;
  const std::int64_t smallest = block_min(found, scratch);
  if (threadIdx.x == 0) *first = smallest < count ? smallest : -1;
}

std::int64_t nonfinite_parts(std::int64_t count) { return (count + nonfinite_part - 1) / nonfinite_part; }

template <class T>
void nonfinite(Stream& stream, std::int64_t count, const T* x, std::int64_t* parts, std::int64_t* first) {
  const std::int64_t blocks = nonfinite_parts(count);
  launch(stream, "nonfinite", nonfinite_parts_kernel<T>, dim3(static_cast<unsigned>(blocks)), dim3(nonfinite_threads),
         0, count, x, parts);
  launch(stream, "nonfinite_first", nonfinite_first_kernel, dim3(1), dim3(nonfinite_threads), 0, count, blocks, parts,
         first);
}

FOVEA_INSTANTIATE_STORAGE(nonfinite);

}  // namespace fovea::FOVEA_TARGET
