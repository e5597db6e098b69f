// SPDX-License-Identifier: Apache-2.0
#include "core/compare/net_run.h"

#include "core/support/error.h"

namespace fovea {

NetRun::NetRun(const Model& model, Backend& backend, const std::vector<Tensor>& weights, const Batch& batch,
               DType dtype, bool input_gradient, bool layouts) {
  const ParameterLayout layout = ParameterLayout::of(model.graph);
  require(weights.size() == layout.entries.size(), [&] {
    return "net '" + model.graph.name() + "': expected " + std::to_string(layout.entries.size()) + " weights, got " +
           std::to_string(weights.size());
  });
  const PlanOptions options{.batch = batch.images.shape()[0],
                            .training = true,
                            .target = model.loss,
                            .dtype = dtype,
                            .retain = true,
                            .passes = {.layouts = layouts},
                            .input_gradient = input_gradient};
  weights_ = std::make_shared<ParameterArena>(layout, backend.memory(), options.wide_dtype());
  for (std::size_t i = 0; i < weights.size(); ++i) weights_->set(i, weights[i]);
  executor_ = std::make_unique<Executor>(model.graph, backend, weights_, options);
  for (std::size_t i = 0; i < plan().steps.size(); ++i)
    if (plan().steps[i].kind != StepKind::convert && plan().steps[i].kind != StepKind::cast) steps_.push_back(i);
  executor_->set_input(model.image, batch.images);
  executor_->set_input(model.label, batch.labels);
}

void NetRun::prepare(std::size_t i) {
  for (std::size_t s = i == 0 ? 0 : steps_[i - 1] + 1; s < steps_[i]; ++s) executor_->run(plan().steps[s]);
}

void NetRun::run(std::size_t i) {
  previous_state_.clear();
  for (const std::size_t entry : step(i).state) previous_state_.emplace(entry, weights_->get(entry));
  executor_->run(step(i));
}

std::vector<StepResult> results_of(NetRun& run, const PlanStep& step) {
  std::vector<StepResult> results;
  if (step.kind == StepKind::accumulate) {
    results.push_back({"input_gradient", step.output});
  } else if (step.kind == StepKind::forward) {
    results.push_back({"output", step.output});
    for (const BufferUse& saved : step.saved) {
      const std::string& name = run.plan().buffers[static_cast<std::size_t>(saved.buffer)].name;
      results.push_back({name.substr(name.rfind('.') + 1), saved});
    }
    for (const std::size_t i : step.state)
      results.push_back({.tensor = run.weights().layout().entries[i].spec.name, .use = {}, .state = i});
  } else if (step.kind == StepKind::backward) {
    for (std::size_t i = 0; i < step.input_gradients.size(); ++i)
      if (step.input_gradients[i].buffer != no_buffer)
        results.push_back(
            {step.input_gradients.size() == 1 ? "input_gradient" : "input_gradient[" + std::to_string(i) + "]",
             step.input_gradients[i]});
    for (const std::size_t p : step.parameters)
      results.push_back({run.weights().layout().entries[p].spec.name + "_gradient", {}, p});
  }
  return results;
}

Tensor read(NetRun& run, const StepResult& result) {
  if (result.state != StepResult::no_parameter) return run.weights().get(result.state);
  return result.parameter == StepResult::no_parameter ? run.executor().read(result.use)
                                                      : run.executor().gradients()->get(result.parameter);
}

std::vector<BufferUse> reads_of(const PlanStep& step) {
  std::vector<BufferUse> reads;
  const auto add = [&](const BufferUse& use) {
    if (use.buffer != no_buffer) reads.push_back(use);
  };
  for (const BufferUse& input : step.inputs) add(input);
  if (step.kind != StepKind::forward) add(step.output);  // read by backward, added to by accumulate
  if (step.kind == StepKind::backward) {
    add(step.output_gradient);
    for (const BufferUse& saved : step.saved) add(saved);
  }
  return reads;
}

}  // namespace fovea
