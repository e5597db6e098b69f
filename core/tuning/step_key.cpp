// SPDX-License-Identifier: Apache-2.0
#include "core/tuning/step_key.h"

#include "core/executor/step_call.h"
#include "core/graph/toml_fields.h"

namespace fovea {
namespace {

// "out_channels = 8, kernel = 3", as net files have them.
std::string options_text(const Layer& layer) {
  TomlWriter writer;
  layer.describe(writer);
  std::string text;
  for (const char c : writer.text()) text += c == '\n' ? std::string(", ") : std::string(1, c);
  while (text.ends_with(", ")) text.resize(text.size() - 2);
  return text;
}

// An operation of the planner has no direction.
std::string operation_text(const Graph& graph, const PlanStep& step) {
  const bool forward = step.kind == StepKind::forward, backward = step.kind == StepKind::backward;
  return op_name(graph, step) + (forward ? " forward" : backward ? " backward" : "");
}

class KeyWriter {
 public:
  explicit KeyWriter(const Plan& plan) : plan_(plan) {}

  void add(const char* role, const BufferUse& use) {
    text += std::string("; ") + role + " ";
    if (use.buffer == no_buffer) {
      text += "-";
      return;
    }
    const PlanBuffer& buffer = plan_.buffers[static_cast<std::size_t>(use.buffer)];
    text += std::string(name_of(buffer.dtype)) + " " + use.shape.to_string() + " " + std::string(name_of(use.layout));
  }
  void add(const char* role, const std::vector<BufferUse>& uses) {
    for (const BufferUse& use : uses) add(role, use);
  }

  std::string text;

 private:
  const Plan& plan_;
};

bool works_in_place(const PlanStep& step) {
  if (step.kind == StepKind::forward) return !step.inputs.empty() && step.inputs[0].buffer == step.output.buffer;
  return step.kind == StepKind::backward && !step.input_gradients.empty() &&
         step.input_gradients[0].buffer == step.output_gradient.buffer;
}

}  // namespace

std::string step_key(const Graph& graph, const Plan& plan, const PlanStep& step) {
  KeyWriter key(plan);
  key.text = operation_text(graph, step) + " by " + step.engine.engine;
  if (step.kind == StepKind::forward || step.kind == StepKind::backward) {
    if (const std::string options = options_text(*graph.node(step.node).layer); !options.empty())
      key.text += ": " + options;
    key.text += plan.options.training ? "; training" : "; inference";
  }
  if (step.fused_relu >= 0) key.text += "; with relu";
  if (works_in_place(step)) key.text += "; in place";
  key.add("in", step.inputs);
  key.add("out", step.output);
  if (step.kind == StepKind::backward) key.add("dy", step.output_gradient);
  key.add("saved", step.saved);
  key.add("dx", step.input_gradients);
  return std::move(key.text);
}

}  // namespace fovea
