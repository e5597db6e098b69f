// SPDX-License-Identifier: Apache-2.0
//
// Activations that tests and benchmarks share. Kernels take one element per thread and 256 threads per block.
#pragma once
#include <cmath>
#include <memory>
#include <vector>

#include "core/layers/activation.h"
#include "tests/support/layer_test.h"
#include "tests/support/random_pick.h"

namespace fovea::test {

inline LayerCase activation_case(const char* name, const char* why, std::shared_ptr<const Layer> layer, Shape x,
                                 float low = -1, float high = 1) {
  return {.name = name, .why = why, .layer = std::move(layer), .inputs = {x}, .fills = {{.low = low, .high = high}}};
}
inline std::shared_ptr<const Layer> leaky_relu(double slope) {
  return std::make_shared<LeakyRelu>(LeakyReluOptions{slope});
}
inline std::shared_ptr<const Layer> elu(double alpha) { return std::make_shared<Elu>(EluOptions{alpha}); }

inline std::vector<LayerCase> activation_cases() {
  const auto sigmoid = std::make_shared<Sigmoid>();
  const auto gelu = std::make_shared<Gelu>();
  const auto silu = std::make_shared<Silu>();
  std::vector<LayerCase> cases{
      activation_case("LeakyRelu", "the default slope, on a feature map", leaky_relu(0.01), {2, 6, 28, 28}),
      activation_case("LeakyReluSlope0", "relu as a special case", leaky_relu(0), {3, 257}),
      activation_case("LeakyReluSlope1", "the identity: no kink, nothing to decide", leaky_relu(1), {2, 255}),
      activation_case("LeakyReluNegativeSlope", "the absolute value", leaky_relu(-1), {2, 31}),
      activation_case("LeakyReluSteep", "steeper on the left than on the right", leaky_relu(4), {5, 33}),
      activation_case("LeakyReluLarge", "values in hundreds", leaky_relu(0.3), {300}, -900, 900),
      activation_case("Elu", "the default alpha, on a feature map", elu(1), {2, 6, 28, 28}, -3, 3),
      activation_case("EluAlpha", "a kink at 0", elu(0.3), {256}, -2, 2),
      activation_case("EluSteep", "alpha above 1", elu(2.5), {1, 2, 3, 5, 7}, -2, 2),
      activation_case("EluTiny", "exp(x) - 1 near 0 must keep its digits", elu(1), {4, 32}, -1e-6f, 1e-6f),
      activation_case("EluSaturated", "exp(x) from e^-100 on: below the smallest float", elu(1), {1025}, -100, 1),
      activation_case("Sigmoid", "on a feature map", sigmoid, {2, 6, 28, 28}, -4, 4),
      activation_case("SigmoidOne", "a single element", sigmoid, {1}, 0.1f, 1),
      activation_case("SigmoidSaturated", "exp(-x) overflows, y (1 - y) has no digits", sigmoid, {1023}, -120, 120),
      activation_case("SigmoidTiny", "all around 1/2", sigmoid, {1, 1, 1, 97}, -1e-4f, 1e-4f),
      activation_case("Gelu", "on a feature map", gelu, {2, 6, 28, 28}, -3, 3),
      activation_case("GeluTail", "1 + erf(x / sqrt 2) would lose all digits", gelu, {1024}, -16, -3),
      activation_case("GeluFar", "the density underflows", gelu, {513}, -60, 60),
      activation_case("GeluZeroOfDerivative", "Phi(x) and x phi(x) cancel", gelu, {7, 11, 13}, -0.76f, -0.745f),
      activation_case("Silu", "on a feature map", silu, {2, 6, 28, 28}, -4, 4),
      activation_case("SiluSaturated", "exp(-x) overflows", silu, {1, 9973}, -120, 120),
      activation_case("SiluZeroOfDerivative", "1 and x s(-x) cancel", silu, {257}, -1.3f, -1.26f),
  };
  for (LayerCase& c : cases) {
    const ActivationOptions& o = dynamic_cast<const Activation&>(*c.layer).options();
    c.small = c.inputs[0].elements() < 300;
    // A whole slope keeps integers whole.
    c.exact_forward = c.exact_backward = o.kind == ActivationKind::leaky_relu && o.alpha == std::round(o.alpha);
  }
  return cases;
}

inline LayerCase random_activation_case(RandomStream& random) {
  const double alpha = pick_real(random, -0.5, 2);
  const std::shared_ptr<const Layer> layers[] = {leaky_relu(alpha), elu(alpha), std::make_shared<Sigmoid>(),
                                                 std::make_shared<Gelu>(), std::make_shared<Silu>()};
  const float middle = random.uniform(-5, 5), reach = random.uniform(0.1f, 20);
  LayerCase c = activation_case("Activation", "", layers[random.below(5)], pick_shape(random, 600), middle - reach,
                                middle + reach);
  c.why.clear();
  return c;
}

}  // namespace fovea::test
