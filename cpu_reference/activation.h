// SPDX-License-Identifier: Apache-2.0
//
// The smooth or leaky activations, element by element.
//
//                y = f(x)                          f'(x)                       dx = dy * f'(x)
//   leaky_relu   x > 0 ? x : alpha x               x > 0 ? 1 : alpha
//   elu          x > 0 ? x : alpha (exp(x) - 1)    x > 0 ? 1 : alpha exp(x)
//   sigmoid      s(x) = 1 / (1 + exp(-x))          s(x) (1 - s(x)) = s(x) s(-x)
//   gelu         x Phi(x)                          Phi(x) + x phi(x)
//   silu         x s(x)                            s(x) (1 + x (1 - s(x)))
//
// T as in storage.h; computed in double. Differences of nearly equal numbers are written without the difference:
// exp(x) - 1 = expm1(x), 1 - s(x) = s(-x), and Phi(x) = (1 + erf(x / sqrt 2)) / 2 = erfc(-x / sqrt 2) / 2. A NaN fails
// x > 0, so it stays NaN.
#pragma once
#include <cmath>
#include <cstdint>
#include <numbers>

#include "core/ops/activation.h"

namespace fovea::reference {

inline double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
inline double normal_distribution(double x) { return std::erfc(-x / std::numbers::sqrt2) / 2; }
inline double normal_density(double x) { return std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi); }

inline double activation(const ActivationOptions& options, double x) {
  const double alpha = options.alpha;
  switch (options.kind) {
    case ActivationKind::leaky_relu:
      return x > 0 ? x : alpha * x;
    case ActivationKind::elu:
      return x > 0 ? x : alpha * std::expm1(x);
    case ActivationKind::sigmoid:
      return sigmoid(x);
    case ActivationKind::gelu:
      return x * normal_distribution(x);
    case ActivationKind::silu:
      return x * sigmoid(x);
  }
  return 0;  // not reached
}

inline double activation_derivative(const ActivationOptions& options, double x) {
  const double alpha = options.alpha;
  switch (options.kind) {
    case ActivationKind::leaky_relu:
      return x > 0 ? 1 : alpha;
    case ActivationKind::elu:
      return x > 0 ? 1 : alpha * std::exp(x);
    case ActivationKind::sigmoid:
      return sigmoid(x) * sigmoid(-x);
    case ActivationKind::gelu:
      return normal_distribution(x) + x * normal_density(x);
    case ActivationKind::silu:
      return sigmoid(x) * (1 + x * sigmoid(-x));
  }
  return 0;  // not reached
}

template <class T>
void activation_forward(const ActivationOptions& options, std::int64_t elements, const T* x, T* y) {
  for (std::int64_t i = 0; i < elements; ++i) y[i] = static_cast<T>(activation(options, x[i]));
}

template <class T>
void activation_backward(const ActivationOptions& options, std::int64_t elements, const T* x, const T* dy, T* dx) {
  for (std::int64_t i = 0; i < elements; ++i) dx[i] = static_cast<T>(dy[i] * activation_derivative(options, x[i]));
}

}  // namespace fovea::reference
