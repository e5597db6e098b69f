// SPDX-License-Identifier: Apache-2.0
//
// How the bounds of activations, prelu, multiply and dropout travel: decisions by hand, propagation against inputs that
// really stray.
#include <gtest/gtest.h>

#include <cmath>

#include "core/layers/activation.h"
#include "core/layers/dropout.h"
#include "core/layers/multiply.h"
#include "core/layers/prelu.h"
#include "core/tolerance/bound.h"
#include "tests/compare/hand_worked.h"
#include "tests/support/devices.h"
#include "tests/support/fill.h"

namespace fovea::test {
namespace {

constexpr RandomKey key{.seed = 3, .step = 4, .layer = 5};

// A layer's numbers, exact or uncertain.
struct Numbers {
  std::vector<Uncertain> inputs, parameters;
  Uncertain dy;
};
// The output, the gradients of the inputs and of the parameters.
struct Results {
  std::vector<Uncertain> all;
  std::int64_t decisions = 0, undecided = 0;
};

std::vector<Uncertain> values_only(const Layer& layer, const Numbers& n) {
  std::vector<ConstView> inputs, parameters;
  std::vector<Uncertain> results{{Tensor(n.dy.value.shape(), DType::f64), {}}};
  for (const auto& [list, views] : {std::pair{&n.inputs, &inputs}, std::pair{&n.parameters, &parameters}})
    for (const Uncertain& x : *list) {
      views->push_back(x.value.view());
      results.push_back({Tensor(x.value.shape(), DType::f64), {}});
    }
  std::vector<View> gradients;
  for (std::size_t i = 1; i < results.size(); ++i) gradients.push_back(results[i].value.view());
  layer.forward(truth_ops(), {.inputs = inputs,
                              .parameters = parameters,
                              .output = results[0].value.view(),
                              .saved = {},
                              .workspace = {},
                              .phase = Phase::training,
                              .random = key});
  const std::span all_gradients(gradients);
  layer.backward(truth_ops(), {.inputs = inputs,
                               .parameters = parameters,
                               .output = std::as_const(results[0].value).view(),
                               .output_gradient = n.dy.value.view(),
                               .saved = {},
                               .input_gradients = all_gradients.first(inputs.size()),
                               .parameter_gradients = all_gradients.subspan(inputs.size()),
                               .workspace = {},
                               .random = key});
  return results;
}

Results with_tolerances(const Layer& layer, const Numbers& n) {
  Results results{values_only(layer, n)};
  const std::span all_results(results.all);
  ForwardToleranceArgs forward{truth_ops(), n.inputs, n.parameters, results.all[0], {}};
  forward.random = key;
  layer.forward_tolerance(forward);
  BackwardToleranceArgs backward{truth_ops(),
                                 n.inputs,
                                 n.parameters,
                                 results.all[0],
                                 n.dy,
                                 {},
                                 all_results.subspan(1, n.inputs.size()),
                                 all_results.subspan(1 + n.inputs.size())};
  backward.random = key;
  layer.backward_tolerance(backward);
  results.decisions = forward.decisions;
  results.undecided = forward.undecided;
  return results;
}

// Within `part` of its tolerance, either way.
Tensor strayed(const Uncertain& x, double part, std::uint64_t stream) {
  Tensor result = x.value.converted(DType::f64);
  RandomStream random = stream_for("stray", stream);
  for (std::size_t i = 0; i < values(x.value).size(); ++i)
    result.span<double>()[i] +=
        part * (2 * static_cast<double>(random.uniform()) - 1) * tolerance_at(x, static_cast<std::int64_t>(i));
  return result;
}

// Every result of strayed numbers lies within its tolerance, and no bound is so wide that it would mean nothing. The
// root of the sum of squares holds for errors whose tolerance is four deviations: where it is used, part is 1/4.
void expect_covers(const Layer& layer, const Numbers& n, double part) {
  const Results truth = with_tolerances(layer, n);
  std::vector<double> worst(truth.all.size());
  for (std::uint64_t trial = 0; trial < 20; ++trial) {
    Numbers other = n;
    std::uint64_t stream = 100 * trial;
    for (auto* list : {&other.inputs, &other.parameters})
      for (Uncertain& x : *list) x.value = strayed(x, part, stream++);
    other.dy.value = strayed(n.dy, part, stream);
    const std::vector<Uncertain> results = values_only(layer, other);
    for (std::size_t r = 0; r < results.size(); ++r) {
      const auto actual = values(results[r].value), expected = values(truth.all[r].value);
      for (std::size_t i = 0; i < actual.size(); ++i) {
        const double error = std::abs(actual[i] - expected[i]);
        const double tolerance = tolerance_at(truth.all[r], static_cast<std::int64_t>(i));
        worst[r] = std::max(worst[r], error == 0 ? 0 : error / tolerance);
      }
    }
  }
  for (std::size_t r = 0; r < worst.size(); ++r) {
    EXPECT_LE(worst[r], 1) << layer.type() << ", result " << r;
    EXPECT_GT(worst[r], 0.05) << layer.type() << ", result " << r;
  }
}

// Each uncertainty by itself is a hard bound: the whole tolerance; so are kinks and turns of the derivative. Wide
// tolerances reach across several of them.
TEST(ActivationPropagation, OneUncertaintyIsAHardBound) {
  const Sigmoid sigmoid;
  const Gelu gelu;
  const Silu silu;
  const LeakyRelu leaky, steep({.slope = -3}), identity({.slope = 1});
  const Elu elu, kinked({.alpha = 0.4});
  for (const Layer* layer :
       {static_cast<const Layer*>(&sigmoid), static_cast<const Layer*>(&gelu), static_cast<const Layer*>(&silu),
        static_cast<const Layer*>(&leaky), static_cast<const Layer*>(&steep), static_cast<const Layer*>(&elu),
        static_cast<const Layer*>(&kinked)}) {
    const Shape shape{700};
    const Uncertain dy{uncertain(shape, 1, 0).value, {}};
    for (const double tolerance : {0.02, 0.1, 2.0})
      expect_covers(*layer, {{uncertain(shape, 0, tolerance, -6, 6)}, {}, dy}, 1);
    expect_covers(*layer, {{uncertain(shape, 0, 0.02, -6, 6)}, {}, uncertain(shape, 1, 0.1)}, 0.7);
  }
}

TEST(ActivationPropagation, Prelu) {
  const Prelu each, shared({.shared = true});
  const Shape x{4, 3, 50};
  const Uncertain exact_dy{uncertain(x, 2, 0).value, {}};
  for (const Prelu* layer : {&each, &shared}) {
    const Shape slope{layer == &each ? 3 : 1};
    const Uncertain a = uncertain(slope, 1, 0.05);
    expect_covers(*layer, {{uncertain(x, 0, 0.1)}, {{a.value, {}}}, exact_dy}, 0.25);
    expect_covers(*layer, {{uncertain(x, 0, 0.1)}, {a}, uncertain(x, 2, 0.1)}, 0.25);
  }
}

TEST(ActivationPropagation, Multiply) {  // its two contributions add up as they are: a hard bound
  expect_covers(Multiply(), {{uncertain({300}, 0, 0.1), uncertain({300}, 1, 0.2)}, {}, uncertain({300}, 2, 0.1)}, 1);
}

TEST(ActivationPropagation, Dropout) {
  expect_covers(Dropout({.rate = 0.4}), {{uncertain({300}, 0, 0.1)}, {}, uncertain({300}, 1, 0.1)}, 1);
}

// x: beyond its tolerance on the right, within it, at the kink, within it on the left, beyond it.
Numbers around_the_kink() {
  return {{{tensor({1, 5}, {3, 0.1, 0, -0.1, -3}), all({1, 5}, 0.5)}}, {}, {tensor({1, 5}, {1, 2, 3, 4, 5}), {}}};
}

TEST(ActivationDecisions, LeakyReluCountsInputsWithinTheirTolerance) {
  const Results r = with_tolerances(LeakyRelu({.slope = 0.25}), around_the_kink());
  EXPECT_EQ(r.decisions, 5);
  EXPECT_EQ(r.undecided, 3);
  const double forward[] = {0.5, 0.5, 0.5, 0.5, 0.125}, backward[] = {0, 1.5, 2.25, 3, 0};
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_NEAR(values(r.all[0].tolerance)[i], forward[i], 1e-6) << i;
    EXPECT_NEAR(values(r.all[1].tolerance)[i], backward[i], 1e-6 + 8 * u * 5) << i;
  }
}

TEST(ActivationDecisions, PreluCountsInputsWithinTheirTolerance) {
  Numbers n = around_the_kink();
  n.parameters = {{tensor({1}, {0.25}), {}}};
  const Results r = with_tolerances(Prelu({.shared = true}), n);
  EXPECT_EQ(r.decisions, 5);
  EXPECT_EQ(r.undecided, 3);
  const double forward[] = {0.5, 0.5, 0.5, 0.5, 0.125}, backward[] = {0, 1.5, 2.25, 3, 0};
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_NEAR(values(r.all[0].tolerance)[i], forward[i], 1e-6) << i;
    EXPECT_NEAR(values(r.all[1].tolerance)[i], backward[i], 1e-5) << i;
  }
  // dslope: 0.5 dy of all but the first element.
  EXPECT_NEAR(values(r.all[2].tolerance)[0], 0.5 * std::sqrt(4.0 + 9 + 16 + 25), 1e-4);
}

TEST(ActivationDecisions, NothingToDecideWithoutAKink) {
  const Sigmoid sigmoid;
  const Gelu gelu;
  const Silu silu;
  const LeakyRelu identity({.slope = 1});
  const Elu smooth;
  for (const Layer* layer :
       {static_cast<const Layer*>(&sigmoid), static_cast<const Layer*>(&gelu), static_cast<const Layer*>(&silu),
        static_cast<const Layer*>(&identity), static_cast<const Layer*>(&smooth)}) {
    const Results r = with_tolerances(*layer, around_the_kink());
    EXPECT_EQ(r.decisions, 0) << layer->type();
    EXPECT_EQ(r.undecided, 0) << layer->type();
  }
  Numbers exact = around_the_kink();
  exact.inputs[0].tolerance = {};
  EXPECT_EQ(with_tolerances(LeakyRelu(), exact).undecided, 0) << "exact inputs are decided";
  EXPECT_EQ(with_tolerances(Elu({.alpha = 2}), around_the_kink()).undecided, 3);
}

TEST(DropoutTolerance, WhatIsDroppedIsExact) {
  const Numbers n{{uncertain({200}, 0, 0.1)}, {}, uncertain({200}, 1, 0.2)};
  const Results r = with_tolerances(Dropout({.rate = 0.5}), n);
  EXPECT_EQ(r.decisions, 0);
  for (std::size_t i = 0; i < 200; ++i) {
    const bool dropped = values(r.all[0].value)[i] == 0;
    EXPECT_NEAR(values(r.all[0].tolerance)[i], dropped ? 0 : 0.2, 1e-9) << i;
    EXPECT_NEAR(values(r.all[1].tolerance)[i], dropped ? 0 : 0.4, 1e-9) << i;
  }
  const Results identity = with_tolerances(Dropout({.rate = 0}), {{{n.inputs[0].value, {}}}, {}, {n.dy.value, {}}});
  for (std::size_t i = 0; i < 200; ++i) EXPECT_EQ(values(identity.all[0].tolerance)[i], 0);
}

}  // namespace
}  // namespace fovea::test
