// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "core/compare/measure.h"
#include "core/tolerance/bound.h"
#include "tests/goldens/golden_case.h"
#include "tests/support/devices.h"

namespace fovea::test {
namespace {

using testing::AssertionFailure;
using testing::AssertionResult;
using testing::AssertionSuccess;

constexpr double f64_over_f32 = 0x1p-29;  // their unit roundoffs, 2^-53 and 2^-24

// The layer's bound for float32 as it applies to a result in `dtype` and to PyTorch's in float64.
Tensor granted(const Tensor& bound, DType dtype) {
  if (bound.empty()) return {};
  Tensor result = bound.to_host();
  const double own = dtype == DType::f64 ? f64_over_f32 : 1;
  for (double& t : result.span<double>()) t *= own + f64_over_f32;
  return result;
}

// Each element moved by a part of the largest must be noticed.
AssertionResult notices_moved_elements(const Tensor& actual, const Uncertain& expected, DType dtype) {
  double largest = 0;
  for (const double v : values(expected.value)) largest = std::max(largest, std::abs(v));
  const double step = (largest > 0 ? largest : 1) * (dtype == DType::f64 ? 0x1p-30 : 0x1p-8);
  Tensor moved = actual.dtype() == DType::f64 ? actual.to_host() : actual.converted(DType::f64);
  for (std::size_t i = 0; i < moved.span<double>().size(); ++i) {
    double& element = moved.span<double>()[i];
    const double value = element;
    for (const double wrong : {value + step, value - step, std::nan("")}) {
      element = wrong;
      if (measure(moved, expected).ok())
        return AssertionFailure() << "flat index " << i << ": the check would not notice " << wrong << " in place of "
                                  << value;
    }
    element = value;
  }
  return AssertionSuccess();
}

AssertionResult compare(const std::string& what, const Tensor& actual, const Tensor& golden, const Tensor& bound,
                        DType dtype, bool prove_sharp) {
  const Uncertain expected{golden, granted(bound, dtype)};
  if (actual.shape() != golden.shape())
    return AssertionFailure() << what << ": shape " << actual.shape().to_string() << ", PyTorch's is "
                              << golden.shape().to_string();
  if (AssertionResult near = within_tolerance(actual, expected); !near)
    return AssertionFailure() << what << ": " << near.message();
  if (prove_sharp)
    if (AssertionResult sharp = notices_moved_elements(actual, expected, dtype); !sharp)
      return AssertionFailure() << what << ": " << sharp.message();
  return AssertionSuccess();
}

AssertionResult check_view(const GoldenCase& golden) {
  const auto same = [](const Tensor& from, const Tensor& to) {
    return equal_to_truth(from.reshaped(to.shape()), to.converted(DType::f64));
  };
  if (golden.layer.layer->output_shape(golden.layer.inputs) != golden.output.shape())
    return AssertionFailure() << "the output's shape is not PyTorch's " << golden.output.shape().to_string();
  if (AssertionResult y = same(golden.data.inputs[0], golden.output); !y) return y;
  return golden.input_gradients.empty() ? AssertionSuccess()
                                        : same(golden.data.output_gradient, golden.input_gradients[0]);
}

}  // namespace

AssertionResult check_golden(Backend& device, const GoldenCase& golden, DType dtype, bool prove_sharp) {
  const LayerCase& c = golden.layer;
  const LayerData& data = golden.data;
  if (c.layer->is_view(c.phase)) return check_view(golden);
  const auto run = [&](const OpCall& call) { return execute(device, dtype == DType::f64 ? in_float64(call) : call); };

  const OpCall forward = forward_call(c, data);
  const Execution ran = run(forward);
  if (!ran.fault.empty()) return AssertionFailure() << ran.fault;
  const std::vector<Tensor> truth = execute(truth_backend(), in_float64(forward)).outputs;
  const std::vector<Tensor> bounds = forward_bounds(c, data, truth).tolerances;
  if (AssertionResult y = compare("y", ran.outputs[0], golden.output, bounds[0], dtype, prove_sharp); !y) return y;
  const std::size_t first_state = ran.outputs.size() - data.state.size();
  for (std::size_t i = 0; i < data.state.size(); ++i) {
    if (golden.state_after[i].empty()) continue;
    const std::size_t at = first_state + i;
    if (AssertionResult state = compare("state " + std::to_string(i), ran.outputs[at], golden.state_after[i],
                                        bounds[at], dtype, prove_sharp);
        !state)
      return state;
  }
  if (data.output_gradient.empty()) return AssertionSuccess();

  // Backward reads what this device's forward left, which is off by at most its bounds.
  const std::vector<int> wanted = differentiable_inputs(c);
  const LayerResult exact = split_result(c, truth);
  const Execution back = run(backward_call(c, data, split_result(c, ran.outputs), wanted));
  if (!back.fault.empty()) return AssertionFailure() << back.fault;
  const std::vector<Tensor> gradients =
      execute(truth_backend(), in_float64(backward_call(c, data, exact, wanted))).outputs;
  const std::vector<Tensor> back_bounds = backward_tolerances(c, data, exact, wanted, bounds)(gradients);
  const std::vector<ParameterSpec> parameters = c.layer->parameters(c.inputs);
  for (std::size_t i = 0; i < back.outputs.size(); ++i) {
    const bool of_input = i < wanted.size();
    const std::string name = of_input ? c.layer->input_name(wanted[i]) : parameters[i - wanted.size()].name;
    const Tensor& expected = of_input ? golden.input_gradients[i] : golden.parameter_gradients[i - wanted.size()];
    if (AssertionResult g = compare("d" + name, back.outputs[i], expected, back_bounds[i], dtype, prove_sharp); !g)
      return g;
  }
  return AssertionSuccess();
}

}  // namespace fovea::test
