// SPDX-License-Identifier: Apache-2.0
//
// Follows a plan by name: what lies in every byte of the arena after each step, and whether a step finds there what its
// layer is to read. A value that was overwritten too early, by another buffer or by work in place, is found.
#pragma once
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/executor/plan.h"

namespace fovea::test {

class PlanTrace {
 public:
  PlanTrace(const Graph& graph, const Plan& plan) : graph_(graph), plan_(plan), holds_(plan.buffers.size()) {}

  // The first step that reads something else than it should.
  testing::AssertionResult check() {
    for (NodeId id = 0; id < static_cast<NodeId>(graph_.nodes().size()); ++id)
      if (!graph_.node(id).layer && value_of(id).buffer != no_buffer) write(value_of(id), value(id));
    for (const PlanStep& step : plan_.steps) follow(step);
    expect(value_of(plan_.options.target), value(plan_.options.target));
    for (const NodeId id : plan_.options.keep) expect(value_of(id), value(id));
    return fault_.empty() ? testing::AssertionSuccess() : testing::AssertionFailure() << fault_;
  }

 private:
  const BufferUse& value_of(NodeId id) const { return plan_.values[static_cast<std::size_t>(id)]; }
  // A view is what it looks at.
  NodeId seen(NodeId id) const {
    while (graph_.node(id).layer && graph_.node(id).layer->is_view(plan_.options.phase()))
      id = graph_.node(id).inputs[0];
    return id;
  }
  std::string value(NodeId id) const { return "value of " + graph_.node(seen(id)).name; }
  std::string gradient(NodeId id) const { return "gradient of " + graph_.node(seen(id)).name; }
  std::string saved(NodeId id, std::size_t i) const {
    return "saved " + std::to_string(i) + " of " + graph_.node(id).name;
  }

  void follow(const PlanStep& step) {
    step_ = graph_.node(step.node).name;
    switch (step.kind) {
      case StepKind::seed:
        write(step.output, gradient(step.node));
        break;
      case StepKind::convert:
        write(step.output, holds_[static_cast<std::size_t>(step.inputs[0].buffer)]);
        break;
      case StepKind::cast:
        write(step.output, "weights of " + step_);
        break;
      case StepKind::accumulate:
        expect(step.output, holds_[static_cast<std::size_t>(step.inputs[0].buffer)]);
        break;
      case StepKind::forward:
        expect_inputs(step);
        write(step.workspace, "workspace");
        for (std::size_t i = 0; i < step.saved.size(); ++i) write(step.saved[i], saved(step.node, i));
        write(step.output, value(step.fused_relu >= 0 ? step.fused_relu : step.node));
        break;
      case StepKind::backward:
        expect_inputs(step);
        expect(step.output, value(step.node));
        expect(step.output_gradient, gradient(step.node));
        for (std::size_t i = 0; i < step.saved.size(); ++i) expect(step.saved[i], saved(step.node, i));
        write(step.workspace, "workspace");
        for (std::size_t i = 0; i < step.input_gradients.size(); ++i)
          write(step.input_gradients[i], gradient(left_for(step, i)));
        break;
    }
  }

  // Whose gradient a backward step leaves: where it applies a ReLU's backward, that of the ReLU's input.
  NodeId left_for(const PlanStep& step, std::size_t i) const {
    return graph_.node(step.fused_relu >= 0 ? step.fused_relu : step.node).inputs[step.fused_relu >= 0 ? 0 : i];
  }

  void expect_inputs(const PlanStep& step) {
    const Node& node = graph_.node(step.node);
    // A ReLU that was applied by its producer reads nothing but its output.
    for (std::size_t i = 0; i < step.inputs.size(); ++i) expect(step.inputs[i], value(node.inputs[i]));
    for (const BufferUse& copy : step.narrow) expect(copy, "weights of " + step_);
  }

  void expect(const BufferUse& use, const std::string& what) {
    if (use.buffer == no_buffer) return;
    const std::string& found = holds_[static_cast<std::size_t>(use.buffer)];
    if (found != what && fault_.empty()) fault_ = step_ + ": expected the " + what + ", found the " + found;
  }

  void write(const BufferUse& use, const std::string& what) {
    if (use.buffer == no_buffer) return;
    const PlanBuffer& written = plan_.buffers[static_cast<std::size_t>(use.buffer)];
    for (std::size_t i = 0; i < holds_.size(); ++i) {
      const PlanBuffer& b = plan_.buffers[i];
      if (b.offset < written.offset + written.bytes && written.offset < b.offset + b.bytes) holds_[i] = what;
    }
  }

  const Graph& graph_;
  const Plan& plan_;
  std::vector<std::string> holds_;  // by buffer
  std::string step_, fault_;
};

}  // namespace fovea::test
