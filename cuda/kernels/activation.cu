// SPDX-License-Identifier: Apache-2.0
//
// The smooth or leaky activations, forward and backward (core/ops/activation.h), over `count` elements of any shape.
//
//   y = f(x)           dx = dy * f'(x)           s(x) = 1 / (1 + exp(-x)), Phi(x) = erfc(-x / sqrt 2) / 2
//
// Thread i computes element i; neighbouring threads touch neighbouring addresses, so the kernels run at the speed of
// memory, and the accurate functions (expf, expm1f, erfcf) cost nothing over the hardware's approximations. Differences
// of nearly equal numbers are avoided: expm1(x) for exp(x) - 1, s(-x) for 1 - s(x), and erfc, which keeps its digits
// where 1 + erf(x / sqrt 2) loses them. The kind is a template parameter: each kernel holds one formula only.
#include <type_traits>

#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/kernels.h"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

constexpr float sqrt_half = 0.70710678f;               // 1 / sqrt(2)
constexpr float normal_density_at_zero = 0.39894228f;  // 1 / sqrt(2 pi)

__device__ __forceinline__ float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }
__device__ __forceinline__ float normal_distribution(float x) { return 0.5f * erfcf(-x * sqrt_half); }
__device__ __forceinline__ float normal_density(float x) { return normal_density_at_zero * expf(-0.5f * x * x); }

// A NaN fails x > 0 and goes through the formula of the other side, which keeps it.
template <ActivationKind kind>
__device__ __forceinline__ float activation(float alpha, float x) {
  if constexpr (kind == ActivationKind::leaky_relu) return x > 0.0f ? x : alpha * x;
  if constexpr (kind == ActivationKind::elu) return x > 0.0f ? x : alpha * expm1f(x);
  if constexpr (kind == ActivationKind::sigmoid) return sigmoid(x);
  if constexpr (kind == ActivationKind::gelu) return x * normal_distribution(x);
  if constexpr (kind == ActivationKind::silu) return x * sigmoid(x);
}

template <ActivationKind kind>
__device__ __forceinline__ float activation_derivative(float alpha, float x) {
  if constexpr (kind == ActivationKind::leaky_relu) return x > 0.0f ? 1.0f : alpha;
  if constexpr (kind == ActivationKind::elu) return x > 0.0f ? 1.0f : alpha * expf(x);
  if constexpr (kind == ActivationKind::sigmoid) return sigmoid(x) * sigmoid(-x);
  if constexpr (kind == ActivationKind::gelu) return normal_distribution(x) + x * normal_density(x);
  if constexpr (kind == ActivationKind::silu) return sigmoid(x) * (1.0f + x * sigmoid(-x));
}

template <ActivationKind kind, class T>
__global__ void __launch_bounds__(elementwise_threads)
    activation_forward_kernel(std::int64_t count, float alpha, const T* x, T* y) {
  const std::int64_t i = global_thread();
  if (i < count) y[i] = from_float<T>(activation<kind>(alpha, to_float(x[i])));
}

template <ActivationKind kind, class T>
__global__ void __launch_bounds__(elementwise_threads)
    activation_backward_kernel(std::int64_t count, float alpha, const T* x, const T* dy, T* dx) {
  const std::int64_t i = global_thread();
  if (i < count) dx[i] = from_float<T>(to_float(dy[i]) * activation_derivative<kind>(alpha, to_float(x[i])));
}

namespace {

template <ActivationKind kind>
using Kind = std::integral_constant<ActivationKind, kind>;

// Calls f with the kind as a type.
template <class F>
void with_kind(ActivationKind kind, F&& f) {
  switch (kind) {
    case ActivationKind::leaky_relu:
      return f(Kind<ActivationKind::leaky_relu>{});
    case ActivationKind::elu:
      return f(Kind<ActivationKind::elu>{});
    case ActivationKind::sigmoid:
      return f(Kind<ActivationKind::sigmoid>{});
    case ActivationKind::gelu:
      return f(Kind<ActivationKind::gelu>{});
    case ActivationKind::silu:
      return f(Kind<ActivationKind::silu>{});
  }
}

}  // namespace

template <class T>
void activation_forward(Stream& stream, const ActivationOptions& options, std::int64_t count, const T* x, T* y) {
  with_kind(options.kind, [&](auto kind) {
    launch(stream, "activation_forward", activation_forward_kernel<decltype(kind)::value, T>, elementwise_blocks(count),
           dim3(elementwise_threads), 0, count, options.alpha, x, y);
  });
}

template <class T>
void activation_backward(Stream& stream, const ActivationOptions& options, std::int64_t count, const T* x, const T* dy,
                         T* dx) {
  with_kind(options.kind, [&](auto kind) {
    launch(stream, "activation_backward", activation_backward_kernel<decltype(kind)::value, T>,
           elementwise_blocks(count), dim3(elementwise_threads), 0, count, options.alpha, x, dy, dx);
  });
}

FOVEA_INSTANTIATE_STORAGE(activation_forward);
FOVEA_INSTANTIATE_STORAGE(activation_backward);

}  // namespace fovea::FOVEA_TARGET
