// SPDX-License-Identifier: Apache-2.0
//
// Gradients made smaller, in place (core/ops/gradient_clip.h): g is a flat arena of `count` floats.
//
// Thread i changes element i; neighbouring threads touch neighbouring addresses. A NaN is neither below nor above a
// limit and stays, which fminf and fmaxf would not let it.
#include "core/ops/gradient_clip.h"

#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/kernels.h"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

__global__ void __launch_bounds__(elementwise_threads)
    gradient_scale_kernel(float factor, std::int64_t count, float* __restrict__ g) {
  const std::int64_t i = global_thread();
  if (i < count) g[i] = factor * g[i];
}

__global__ void __launch_bounds__(elementwise_threads)
    gradient_clamp_kernel(float limit, std::int64_t count, float* __restrict__ g) {
  const std::int64_t i = global_thread();
  if (i < count) g[i] = g[i] < -limit ? -limit : g[i] > limit ? limit : g[i];
}

void gradient_scale(Stream& stream, double factor, std::int64_t count, float* g) {
  launch(stream, "gradient_scale", gradient_scale_kernel, elementwise_blocks(count), dim3(elementwise_threads), 0,
         static_cast<float>(factor), count, g);
}

void gradient_clamp(Stream& stream, double limit, std::int64_t count, float* g) {
  launch(stream, "gradient_clamp", gradient_clamp_kernel, elementwise_blocks(count), dim3(elementwise_threads), 0,
         static_cast<float>(limit), count, g);
}

}  // namespace fovea::FOVEA_TARGET
