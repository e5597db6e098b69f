// SPDX-License-Identifier: Apache-2.0
#include "cli/step_rows.h"

#include <algorithm>

#include "cli/bench_bytes.h"
#include "core/executor/step_call.h"

namespace fovea::cli {
namespace {

bool is_there(const BufferUse& use) { return use.buffer != no_buffer; }

std::int64_t flops_of(const Graph& graph, const std::vector<Shape>& shapes, const PlanStep& step) {
  if (step.kind != StepKind::forward && step.kind != StepKind::backward) return 0;
  const Node& node = graph.node(step.node);
  std::vector<Shape> inputs;
  for (const NodeId input : node.inputs) inputs.push_back(shapes[static_cast<std::size_t>(input)]);
  const std::int64_t once = 2 * node.layer->macs(inputs);
  if (step.kind == StepKind::forward) return once;
  const bool data = std::ranges::any_of(step.input_gradients, is_there), parameters = !step.parameters.empty();
  return (data ? once : 0) + (parameters ? once : 0);
}

// What the step leaves. A backward step may leave gradients of parameters only: then what it is given.
const BufferUse& left_by(const PlanStep& step) {
  if (step.kind != StepKind::backward) return step.output;
  const auto gradient = std::ranges::find_if(step.input_gradients, is_there);
  return gradient != step.input_gradients.end() ? *gradient : step.output_gradient;
}

StepRow row_of(const Graph& graph, const Plan& plan, const PlanStep& step) {
  StepRow row;
  row.layer = graph.node(step.node).name;
  row.op = op_name(graph, step);
  row.engine = step.engine.engine;
  row.range = range_name(graph, step);
  row.dtype = plan.buffers[static_cast<std::size_t>(left_by(step).buffer)].dtype;
  row.layout = left_by(step).layout;
  if (step.fused_relu >= 0) row.fused.push_back(graph.node(step.fused_relu).name);
  row.kind = step.kind;
  return row;
}

}  // namespace

std::vector<StepRow> step_rows(const Graph& graph, const ParameterLayout& layout, const Plan& plan, Backend& backend) {
  const std::vector<Shape> shapes = graph.shapes(plan.options.batch);
  std::vector<StepRow> rows;
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    StepRow row = row_of(graph, plan, plan.steps[i]);
    row.direction = i < plan.forward_steps ? "forward" : "backward";
    row.bytes = bytes_of(plan, layout, plan.steps[i]);
    row.flops = flops_of(graph, shapes, plan.steps[i]);
    rows.push_back(std::move(row));
  }
  if (!plan.options.training) return rows;
  StepRow update;
  update.layer = "optimizer";
  update.direction = "update";
  update.op = "sgd";
  update.engine = backend.choose("sgd", Direction::forward, {}).engine;
  update.range = "optimizer update";
  update.bytes = bytes_of_sgd(layout, plan.options);
  rows.push_back(std::move(update));
  return rows;
}

}  // namespace fovea::cli
