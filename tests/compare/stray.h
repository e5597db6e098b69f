// SPDX-License-Identifier: Apache-2.0
//
// Propagation of tolerances against the real thing: a layer's inputs and upstream gradient stray by parts of their
// tolerances, in float64, and everything that forward and backward give must stay within the propagated ones.
#pragma once
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "core/graph/layer.h"
#include "core/tolerance/bound.h"
#include "tests/support/devices.h"
#include "tests/support/fill.h"

namespace fovea::test {

// One pass of a layer in float64, forward and backward.
struct LayerPass {
  Tensor output, input_gradient;
  std::vector<Tensor> saved, state, parameter_gradients;
};

inline LayerPass pass_of(const Layer& layer, const Tensor& x, const std::vector<Tensor>& parameters,
                         const std::vector<Tensor>& state, const Tensor& dy, Phase phase) {
  LayerPass pass;
  const std::vector<Shape> shapes{x.shape()};
  pass.output = Tensor(layer.output_shape(shapes), DType::f64);
  pass.input_gradient = Tensor(x.shape(), DType::f64);
  std::vector<ConstView> parameter_views, saved_views;
  std::vector<View> saved, states, gradients;
  for (const SavedSpec& s : layer.saved(shapes))
    pass.saved.push_back(Tensor(s.shape, s.dtype == DType::f32 ? DType::f64 : s.dtype));
  for (const Tensor& s : state) pass.state.push_back(s.to_host());
  for (const Tensor& p : parameters) {
    parameter_views.push_back(p.view());
    pass.parameter_gradients.push_back(Tensor(p.shape(), DType::f64));
  }
  for (Tensor& s : pass.saved) saved.push_back(s.view()), saved_views.push_back(s.view());
  for (Tensor& s : pass.state) states.push_back(s.view());
  for (Tensor& g : pass.parameter_gradients) gradients.push_back(g.view());
  const std::vector<ConstView> inputs{x.view()};
  const std::vector<View> input_gradients{pass.input_gradient.view()};
  layer.forward(truth_ops(), {.inputs = inputs,
                              .parameters = parameter_views,
                              .output = pass.output.view(),
                              .saved = saved,
                              .workspace = {},
                              .state = states,
                              .phase = phase});
  if (phase == Phase::inference) return pass;
  layer.backward(truth_ops(), {.inputs = inputs,
                               .parameters = parameter_views,
                               .output = pass.output.view(),
                               .output_gradient = dy.view(),
                               .saved = saved_views,
                               .input_gradients = input_gradients,
                               .parameter_gradients = gradients,
                               .workspace = {},
                               .state = states});
  return pass;
}

// Every element moved by up to a quarter of its tolerance: the root of the sum of squares holds for errors of which four
// deviations make the tolerance (lambda), and uniform ones over the whole of it are wider.
inline Tensor strayed(const Uncertain& x, std::string_view name) {
  Tensor result = x.value.to_host();
  RandomStream random = stream_for(name, 1);
  for (std::size_t i = 0; i < result.span<double>().size(); ++i)
    result.span<double>()[i] +=
        (2 * static_cast<double>(random.uniform()) - 1) * tolerance_at(x, static_cast<std::int64_t>(i)) / 4;
  return result;
}

// Within tolerance everywhere, and the largest error no tiny part of it, or the bound would mean nothing.
inline void expect_covers(const Tensor& strayed, const Uncertain& truth, const std::string& what) {
  double worst = 0;
  for (std::int64_t i = 0; i < truth.value.elements(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    const double error = std::abs(values(strayed)[at] - values(truth.value)[at]);
    worst = std::max(worst, error == 0 ? 0 : error / tolerance_at(truth, i));
  }
  EXPECT_LE(worst, 1) << what;
  EXPECT_GT(worst, 0.01) << what;
}

// `tolerance` of each input element, and of each element of the upstream gradient.
inline void expect_propagation(const std::string& name, const Layer& layer, const Tensor& x,
                               const std::vector<Tensor>& parameters, const std::vector<Tensor>& state,
                               double tolerance, Phase phase = Phase::training) {
  SCOPED_TRACE(name);
  const std::vector<Shape> shapes{x.shape()};
  const auto uncertain = [&](const Tensor& value) {
    Uncertain u{value.converted(DType::f64), Tensor(value.shape(), DType::f64)};
    for (double& t : u.tolerance.span<double>()) t = tolerance;
    return u;
  };
  const std::vector<Uncertain> inputs{uncertain(x)};
  const Uncertain dy = uncertain(reals(layer.output_shape(shapes), stream_for(name, 0)));
  const LayerPass truth = pass_of(layer, inputs[0].value, parameters, state, dy.value, phase);
  const LayerPass other =
      pass_of(layer, strayed(inputs[0], name + "x"), parameters, state, strayed(dy, name + "dy"), phase);
  const auto exactly = [](const std::vector<Tensor>& tensors) {
    std::vector<Uncertain> result;
    for (const Tensor& t : tensors) result.push_back({t, {}});
    return result;
  };

  const std::vector<Uncertain> exact_parameters = exactly(parameters), before = exactly(state);
  std::vector<Uncertain> saved = exactly(truth.saved), after = exactly(truth.state);
  Uncertain output{truth.output, {}};
  ForwardToleranceArgs forward{truth_ops(), inputs, exact_parameters, output, saved};
  forward.state = before;
  forward.new_state = after;
  forward.phase = phase;
  layer.forward_tolerance(forward);
  expect_covers(other.output, output, "output");
  if (phase == Phase::inference) return;
  EXPECT_EQ(forward.undecided, 0) << "choose data that decide";
  for (std::size_t i = 0; i < saved.size(); ++i)
    if (saved[i].value.dtype() == DType::f64) expect_covers(other.saved[i], saved[i], layer.saved(shapes)[i].name);
  for (std::size_t i = 0; i < after.size(); ++i)
    if (!after[i].tolerance.empty()) expect_covers(other.state[i], after[i], layer.state(shapes)[i].name);

  std::vector<Uncertain> input_gradients{{truth.input_gradient, {}}},
      parameter_gradients = exactly(truth.parameter_gradients);
  BackwardToleranceArgs backward{truth_ops(), inputs, exact_parameters, output,
                                 dy,          saved,  input_gradients,  parameter_gradients};
  backward.state = after;
  layer.backward_tolerance(backward);
  expect_covers(other.input_gradient, input_gradients[0], "input gradient");
  for (std::size_t i = 0; i < parameter_gradients.size(); ++i)
    expect_covers(other.parameter_gradients[i], parameter_gradients[i], layer.parameters(shapes)[i].name + " gradient");
}

}  // namespace fovea::test
