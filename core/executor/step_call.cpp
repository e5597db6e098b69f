// SPDX-License-Identifier: Apache-2.0
#include "core/executor/step_call.h"

namespace fovea {
namespace {

std::vector<View> views(const std::vector<BufferUse>& uses, StepMemory& memory) {
  std::vector<View> result;
  for (const BufferUse& use : uses) result.push_back(memory.view(use));
  return result;
}

std::vector<ConstView> const_views(const std::vector<BufferUse>& uses, StepMemory& memory) {
  std::vector<ConstView> result;
  for (const BufferUse& use : uses) result.push_back(memory.view(use));
  return result;
}

void call_layer(const Graph& graph, const Plan& plan, const PlanStep& step, StepMemory& memory, RandomKey random) {
  const Layer& layer = *graph.node(step.node).layer;
  const std::vector<ConstView> inputs = const_views(step.inputs, memory);
  std::vector<ConstView> parameters;
  for (std::size_t i = 0; i < step.parameters.size(); ++i) {
    const bool narrow = step.narrow[i].buffer != no_buffer;
    parameters.push_back(narrow         ? memory.view(step.narrow[i])
                         : step.kept[i] ? memory.kept_copy(step.parameters[i])
                                        : memory.weight(step.parameters[i]));
  }
  std::vector<View> state;
  for (const std::size_t i : step.state) state.push_back(memory.weight(i));
  random.layer = static_cast<std::uint16_t>(step.node);
  const View workspace_view = memory.view(step.workspace);
  const Workspace workspace{workspace_view.data, workspace_view ? workspace_view.bytes() : 0};

  if (step.kind == StepKind::forward) {
    const std::vector<View> saved = views(step.saved, memory);
    layer.forward(*step.engine.ops, {.inputs = inputs,
                                     .parameters = parameters,
                                     .output = memory.view(step.output),
                                     .saved = saved,
                                     .workspace = workspace,
                                     .state = state,
                                     .phase = plan.options.phase(),
                                     .random = random,
                                     .relu = step.fused_relu >= 0});
    return;
  }
  const std::vector<ConstView> saved = const_views(step.saved, memory);
  const std::vector<View> input_gradients = views(step.input_gradients, memory);
  std::vector<View> parameter_gradients;
  for (const std::size_t i : step.parameters) parameter_gradients.push_back(memory.gradient(i));
  layer.backward(*step.engine.ops, {.inputs = inputs,
                                    .parameters = parameters,
                                    .output = memory.view(step.output),
                                    .output_gradient = memory.view(step.output_gradient),
                                    .saved = saved,
                                    .input_gradients = input_gradients,
                                    .parameter_gradients = parameter_gradients,
                                    .workspace = workspace,
                                    .state = state,
                                    .random = random,
                                    .relu = step.fused_relu >= 0});
}

}  // namespace

void call_step(const Graph& graph, const Plan& plan, const PlanStep& step, StepMemory& memory, RandomKey random) {
  switch (step.kind) {
    case StepKind::seed:
      return;
    case StepKind::accumulate: {
      const View sum = memory.view(step.output);
      step.engine.ops->add_forward(sum, memory.view(step.inputs[0]), sum);
      return;
    }
    case StepKind::cast:
      step.engine.ops->cast(memory.weight(step.parameters[0]), memory.view(step.output));
      return;
    case StepKind::convert:
      step.engine.ops->convert_layout(memory.view(step.inputs[0]), memory.view(step.output));
      return;
    case StepKind::forward:
    case StepKind::backward:
      call_layer(graph, plan, step, memory, random);
      return;
  }
}

std::string op_name(const Graph& graph, const PlanStep& step) {
  switch (step.kind) {
    case StepKind::forward:
    case StepKind::backward:
      return std::string(graph.node(step.node).layer->op());
    case StepKind::seed:
      return "seed";
    case StepKind::accumulate:
      return "add";
    case StepKind::convert:
      return "convert_layout";
    case StepKind::cast:
      return "cast";
  }
  return {};
}

std::string range_name(const Graph& graph, const PlanStep& step) {
  const std::string& node = graph.node(step.node).name;
  const std::string fused = step.fused_relu >= 0 ? "+" + graph.node(step.fused_relu).name : "";
  switch (step.kind) {
    case StepKind::forward:
      return node + fused + " forward";
    case StepKind::seed:
      return node + " seed";
    case StepKind::backward:
      return node + fused + " backward";
    case StepKind::accumulate:
      return node + " sum";
    case StepKind::convert:
      return node + " layout";
    case StepKind::cast:
      return node + " cast";
  }
  return node;
}

}  // namespace fovea
