// SPDX-License-Identifier: Apache-2.0
//
// Finite differences of one layer in float64, as core/compare/gradcheck.cpp does for nets.
#include <cmath>

#include "tests/support/devices.h"
#include "tests/support/layer_checks.h"

namespace fovea::test {
namespace {

using testing::AssertionFailure;
using testing::AssertionResult;
using testing::AssertionSuccess;

constexpr double epsilon = 1e-6;
constexpr double absolute_tolerance = 1e-8, relative_tolerance = 1e-5;
// The slopes on both sides of a smooth point agree to about epsilon; at a kink they differ by something ordinary.
constexpr double kink = 1e-3;

// The call on host memory, without guard zones: it is made thousands of times.
std::vector<Tensor> run_on_host(const OpCall& call) {
  Ops& ops = *truth_backend().choose(call.op, call.direction, {}).ops;
  std::vector<Tensor> outputs;
  std::vector<ConstView> in;
  std::vector<View> out;
  for (const Tensor& t : call.inputs) in.push_back(t.empty() ? ConstView{} : t.view());
  for (const OutputSpec& spec : call.outputs)
    outputs.push_back(spec.initial.empty() ? Tensor::zeros(spec.shape, spec.dtype) : spec.initial.to_host());
  for (Tensor& t : outputs) out.push_back(t.view());
  std::vector<unsigned char> workspace(call.workspace(ops, Layout::nchw));
  call.run(ops, in, out, workspace.empty() ? Workspace{} : Workspace{workspace.data(), workspace.size()});
  return outputs;
}

// sum(dy * y) of one layer as a function of one element.
class Objective {
 public:
  Objective(OpCall forward, const Tensor& output_gradient)
      : forward_(std::move(forward)), dy_(output_gradient), y_(run_on_host(forward_)[0]) {
    for (Tensor& input : forward_.inputs) input = input.to_host();  // copies, to be changed
  }

  // Slopes of the secants from x to x + epsilon, and from x - epsilon to x.
  struct Slopes {
    double right, left;
    double central() const { return (right + left) / 2; }
    bool differ() const { return std::abs(right - left) > kink * (std::abs(right) + std::abs(left) + 1e-3); }
  };
  Slopes slopes(std::size_t tensor, std::int64_t i) {
    double& element = forward_.inputs[tensor].span<double>()[static_cast<std::size_t>(i)];
    const double x = element;
    const auto slope = [&](double shifted) {
      element = shifted;
      const Tensor y = run_on_host(forward_)[0];
      element = x;
      // Differences first: what did not change cancels exactly.
      double sum = 0;
      for (std::size_t k = 0; k < y.span<double>().size(); ++k) {
        const double difference = y.span<double>()[k] - y_.span<double>()[k];
        if (difference != 0) sum += dy_.span<double>()[k] * difference;
      }
      return sum / (shifted - x);
    };
    return {slope(x + epsilon), slope(x - epsilon)};
  }

 private:
  OpCall forward_;
  Tensor dy_, y_;
};

}  // namespace

AssertionResult check_gradients(const LayerCase& c, std::int64_t samples) {
  const LayerData data = real_data(c);
  const OpCall forward = in_float64(forward_call(c, data));
  const std::vector<int> wanted = differentiable_inputs(c);
  const std::vector<Tensor> gradients = run_on_host(in_float64(backward_call(c, data, forward_truth(c, data), wanted)));
  const bool decides = forward_bounds(c, data, run_on_host(forward)).decisions > 0;
  Objective objective(forward, data.output_gradient.converted(DType::f64));
  const std::vector<ParameterSpec> parameters = c.layer->parameters(c.inputs);
  for (std::size_t g = 0; g < gradients.size(); ++g) {
    const bool of_input = g < wanted.size();
    const std::string name = of_input ? c.layer->input_name(wanted[g]) : parameters[g - wanted.size()].name;
    const std::size_t tensor = of_input ? static_cast<std::size_t>(wanted[g]) : c.inputs.size() + g - wanted.size();
    const std::int64_t count = gradients[g].elements(), picked = std::min(samples, count);
    std::int64_t checked = 0;
    for (std::int64_t k = 0; k < picked; ++k) {
      const std::int64_t i = k * count / picked;
      const double analytic = gradients[g].span<double>()[static_cast<std::size_t>(i)];
      const Objective::Slopes slopes = objective.slopes(tensor, i);
      const double numeric = slopes.central();
      const double limit = absolute_tolerance + relative_tolerance * std::abs(numeric);
      const bool right = std::abs(numeric - analytic) <= limit;
      if (!right && decides && slopes.differ()) continue;  // a difference quotient across a kink says nothing
      ++checked;
      if (!right)
        return AssertionFailure() << "gradient of " << name << ", flat index " << i << ": backward says " << analytic
                                  << ", finite differences " << numeric << ", limit " << limit;
    }
    if (checked == 0 && count > 0)
      return AssertionFailure() << "gradient of " << name << ": every element is at a kink, nothing was checked";
  }
  return AssertionSuccess();
}

}  // namespace fovea::test
