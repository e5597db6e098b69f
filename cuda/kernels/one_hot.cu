// SPDX-License-Identifier: Apache-2.0
//
// Labels as target vectors (core/ops/one_hot.h).
//
//   labels [rows]     y [rows, classes]     y[n,c] = c == labels[n] ? on : off
//
// Thread i writes element i of y; neighbouring threads write neighbouring elements and read the same label, once from
// memory. A label outside [0, classes) belongs to no class: its row becomes NaN, which no loss can hide.
#include "cuda/kernels/divisor.cuh"
#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/kernels.h"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

template <class T>
__global__ void __launch_bounds__(elementwise_threads)
    one_hot_forward_kernel(std::int64_t count, Divisor classes, float on, float off,
                           const std::int32_t* __restrict__ labels, T* __restrict__ y) {
  const std::int64_t i = global_thread();
  if (i >= count) return;
  const int label = labels[static_cast<int>(i) / classes];
  const bool is_class = label >= 0 && label < classes;
  const float value = static_cast<int>(i) % classes == label ? on : off;
  y[i] = from_float<T>(is_class ? value : nanf(""));
}

template <class T>
void one_hot_forward(Stream& stream, std::int64_t rows, std::int64_t classes, float on, float off,
                     const std::int32_t* labels, T* y) {
  launch(stream, "one_hot_forward", one_hot_forward_kernel<T>, elementwise_blocks(rows * classes),
         dim3(elementwise_threads), 0, rows * classes, Divisor(classes), on, off, labels, y);
}

FOVEA_INSTANTIATE_STORAGE(one_hot_forward);

}  // namespace fovea::FOVEA_TARGET
