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

template <class T>
__global__ void __launch_bounds__(elementwise_threads)
    concat_forward_kernel(ConcatIndex c, const T* __restrict__ x, T* __restrict__ y) {
  const std::int64_t i = global_thread();
  if (i < c.count) y[place_in_whole(c, static_cast<int>(i))] = x[i];
}

template <class T>
__global__ void __launch_bounds__(elementwise_threads)
    concat_backward_kernel(ConcatIndex c, const T* __restrict__ dy, T* __restrict__ dx) {
  const std::int64_t i = global_thread();
  if (i < c.count) dx[i] = dy[place_in_whole(c, static_cast<int>(i))];
}

template <class T>
void concat_forward(Stream& stream, const ConcatSlice& s, const T* x, T* y) {
  launch(stream, "concat_forward", concat_forward_kernel<T>, elementwise_blocks(s.outer * s.extent * s.inner),
         dim3(elementwise_threads), 0, ConcatIndex(s), x, y);
}

template <class T>
void concat_backward(Stream& stream, const ConcatSlice& s, const T* dy, T* dx) {
  launch(stream, "concat_backward", concat_backward_kernel<T>, elementwise_blocks(s.outer * s.extent * s.inner),
         dim3(elementwise_threads), 0, ConcatIndex(s), dy, dx);
}

FOVEA_INSTANTIATE_STORAGE(concat_forward);
FOVEA_INSTANTIATE_STORAGE(concat_backward);

}  // namespace fovea::FOVEA_TARGET
