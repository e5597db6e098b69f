// SPDX-License-Identifier: Apache-2.0
#include "core/compare/tolerances.h"

#include "core/tolerance/add.h"

namespace fovea {

Uncertain ToleranceFollower::value(const BufferUse& use) {
  if (use.buffer == no_buffer) return {};
  Uncertain result{truth_.executor().read(use), {}};
  const auto known = tolerances_.find(use.buffer);
  if (known != tolerances_.end() && !known->second.empty()) result.tolerance = known->second.reshaped(use.shape);
  return result;
}

// From the graph and not from the step: a tolerance may need an input that the layer itself does not read.
std::vector<Uncertain> ToleranceFollower::inputs_of(const PlanStep& step) {
  std::vector<Uncertain> inputs;
  for (const NodeId input : truth_.executor().graph().node(step.node).inputs)
    inputs.push_back(value(truth_.plan().values[static_cast<std::size_t>(input)]));
  return inputs;
}

std::vector<Uncertain> ToleranceFollower::parameters_of(const PlanStep& step) {
  std::vector<Uncertain> parameters;
  for (const std::size_t p : step.parameters) parameters.push_back({truth_.weights().get(p), {}});
  return parameters;
}

std::vector<Uncertain> ToleranceFollower::after_forward(const PlanStep& step) {
  const std::vector<Uncertain> inputs = inputs_of(step), parameters = parameters_of(step);
  Uncertain output{truth_.executor().read(step.output), {}};
  std::vector<Uncertain> saved;
  for (const BufferUse& use : step.saved) saved.push_back({truth_.executor().read(use), {}});
  std::vector<Uncertain> state, new_state;
  for (const std::size_t i : step.state) {
    state.push_back({truth_.previous_state(i), {}});
    new_state.push_back({truth_.weights().get(i), {}});
  }
  ForwardToleranceArgs args{*step.engine.ops, inputs, parameters, output, saved};
  args.state = state;
  args.new_state = new_state;
  args.random = truth_.random(step);
  args.dtype = dtype_;
  truth_.executor().graph().node(step.node).layer->forward_tolerance(args);
  undecided += args.undecided;
  decisions += args.decisions;
  remember(step.output, output);
  for (std::size_t i = 0; i < saved.size(); ++i) remember(step.saved[i], saved[i]);
  std::vector<Uncertain> results{output};
  results.insert(results.end(), saved.begin(), saved.end());
  results.insert(results.end(), new_state.begin(), new_state.end());
  return results;
}

std::vector<Uncertain> ToleranceFollower::after_backward(const PlanStep& step) {
  const std::vector<Uncertain> inputs = inputs_of(step), parameters = parameters_of(step);
  const Uncertain output = value(truth_.plan().values[static_cast<std::size_t>(step.node)]);
  const Uncertain output_gradient = value(step.output_gradient);
  std::vector<Uncertain> saved, input_gradients, parameter_gradients;
  for (const BufferUse& use : step.saved) saved.push_back(value(use));
  for (const BufferUse& use : step.input_gradients)
    input_gradients.push_back(use.buffer == no_buffer ? Uncertain{} : Uncertain{truth_.executor().read(use), {}});
  for (const std::size_t p : step.parameters)
    parameter_gradients.push_back({truth_.executor().gradients()->get(p), {}});
  BackwardToleranceArgs args{*step.engine.ops, inputs, parameters,      output,
                             output_gradient,  saved,  input_gradients, parameter_gradients};
  std::vector<Uncertain> state;
  for (const std::size_t i : step.state) state.push_back({truth_.weights().get(i), {}});
  args.state = state;
  args.random = truth_.random(step);
  truth_.executor().graph().node(step.node).layer->backward_tolerance(args);
  undecided += args.undecided;
  decisions += args.decisions;
  std::vector<Uncertain> results;
  for (std::size_t i = 0; i < input_gradients.size(); ++i) {
    if (step.input_gradients[i].buffer == no_buffer) continue;
    remember(step.input_gradients[i], input_gradients[i]);
    results.push_back(input_gradients[i]);
  }
  results.insert(results.end(), parameter_gradients.begin(), parameter_gradients.end());
  return results;
}

std::vector<Uncertain> ToleranceFollower::after(const PlanStep& step, const Uncertain& accumulated) {
  if (step.kind == StepKind::forward) return after_forward(step);
  if (step.kind == StepKind::backward) return after_backward(step);
  if (step.kind != StepKind::accumulate) return {};
  const std::vector<Uncertain> addends{accumulated, value(step.inputs[0])};
  Uncertain sum{truth_.executor().read(step.output), {}};
  ForwardToleranceArgs args{*step.engine.ops, addends, {}, sum, {}};
  add_forward_tolerance(args);
  remember(step.output, sum);
  return {sum};
}

}  // namespace fovea
