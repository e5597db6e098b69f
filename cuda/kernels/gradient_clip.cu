// SPDX-License-Identifier: Apache-2.0
//
// Gradients made smaller, in place, and the factor for it (core/ops/gradient_clip.h): g is a flat arena of `count` floats.
//
// Thread i changes element i; neighbouring threads touch neighbouring addresses. A NaN is neither below nor above a
// limit and stays, which fminf and fmaxf would not let it. The factor is one thread's work: a root and a division of what
// sum_of_squares.cu has left, with no product that could be fused into a sum, so that the bits are the reference's.
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
    gradient_scale_by_kernel(const float* __restrict__ factor, std::int64_t count, float* __restrict__ g) {
  const std::int64_t i = global_thread();
  if (i < count) g[i] = *factor * g[i];
}

__global__ void __launch_bounds__(1)
    norm_factor_kernel(double limit, std::int64_t count, const double* __restrict__ squares,
                       float* __restrict__ factor) {
  double sum = 0;
  for (std::int64_t i = 0; i < count; ++i) sum += squares[i];
  const double quotient = limit / (sqrt(sum) + 1e-6);
  *factor = static_cast<float>(quotient < 1 ? quotient : 1);
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

void gradient_scale_by(Stream& stream, const float* factor, std::int64_t count, float* g) {
  launch(stream, "gradient_scale_by", gradient_scale_by_kernel, elementwise_blocks(count), dim3(elementwise_threads), 0,
         factor, count, g);
}

void norm_factor(Stream& stream, double limit, std::int64_t count, const double* squares, float* factor) {
  launch(stream, "norm_factor", norm_factor_kernel, dim3(1), dim3(1), 0, limit, count, squares, factor);
}

void gradient_clamp(Stream& stream, double limit, std::int64_t count, float* g) {
  launch(stream, "gradient_clamp", gradient_clamp_kernel, elementwise_blocks(count), dim3(elementwise_threads), 0,
         static_cast<float>(limit), count, g);
}

}  // namespace fovea::FOVEA_TARGET
