// SPDX-License-Identifier: Apache-2.0
//
// One input's part of a concatenation, forward and backward (core/ops/concat.h).
//
//   x, dx [outer, extent, inner]     y, dy [outer, whole, inner], of which x occupies [:, first .. first + extent, :]
//
// Thread i handles element i of x. Its extent and inner axes are one run of memory on both sides, so the place in y
// takes one division, by a multiplication (divisor.cuh); neighbouring threads copy neighbouring elements, and the
// kernel runs at the speed of memory. One launch for each input: together they write y once.
#include "cuda/kernels/divisor.cuh"
#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/kernels.h"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

struct ConcatIndex {
  int count;        // elements of x
  Divisor run;      // extent * inner: neighbours in x that are neighbours in y
  int row, offset;  // whole * inner and first * inner

  explicit ConcatIndex(const ConcatSlice& s)
      : count(static_cast<int>(s.outer * s.extent * s.inner)),
        run(s.extent * s.inner),
        row(static_cast<int>(s.whole * s.inner)),
        offset(static_cast<int>(s.first * s.inner)) {}
};

// Where element i of x lies in y.
__device__ __forceinline__ int place_in_whole(const ConcatIndex& c, int i) {
  return i / c.run * c.row + c.offset + i % c.run;
}

__global__ void __launch_bounds__(elementwise_threads)
    concat_forward_kernel(ConcatIndex c, const float* __restrict__ x, float* __restrict__ y) {
  const std::int64_t i = global_thread();
  if (i < c.count) y[place_in_whole(c, static_cast<int>(i))] = x[i];
}

__global__ void __launch_bounds__(elementwise_threads)
    concat_backward_kernel(ConcatIndex c, const float* __restrict__ dy, float* __restrict__ dx) {
  const std::int64_t i = global_thread();
  if (i < c.count) dx[i] = dy[place_in_whole(c, static_cast<int>(i))];
}

void concat_forward(Stream& stream, const ConcatSlice& s, const float* x, float* y) {
  launch(stream, "concat_forward", concat_forward_kernel, elementwise_blocks(s.outer * s.extent * s.inner),
         dim3(elementwise_threads), 0, ConcatIndex(s), x, y);
}

void concat_backward(Stream& stream, const ConcatSlice& s, const float* dy, float* dx) {
  launch(stream, "concat_backward", concat_backward_kernel, elementwise_blocks(s.outer * s.extent * s.inner),
         dim3(elementwise_threads), 0, ConcatIndex(s), dy, dx);
}

}  // namespace fovea::FOVEA_TARGET
