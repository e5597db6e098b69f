// SPDX-License-Identifier: Apache-2.0
#include "core/executor/plan.h"

#include <algorithm>
#include <map>

#include "core/support/error.h"

namespace fovea {
namespace {

class Planner {
 public:
  Planner(const Graph& graph, const ParameterLayout& parameters, Backend& backend, const PlanOptions& options)
      : graph_(graph), backend_(backend), shapes_(graph.shapes(options.batch)) {
    plan_.options = options;
    plan_.values.resize(graph.nodes().size());
    plan_.gradients.resize(graph.nodes().size());
    for (std::size_t i = 0; i < parameters.entries.size(); ++i) {
      const ParameterLayout::Entry& entry = parameters.entries[i];
      (entry.trained ? node_parameters_ : node_state_)[entry.node].push_back(i);
    }
  }

  Plan make() {
    find_needed();
    for (NodeId id = 0; id < count(); ++id)
      if (needed_[at(id)]) plan_forward(id);
    plan_.forward_steps = plan_.steps.size();
    if (plan_.options.training) {
      plan_seed();
      for (NodeId id = count() - 1; id >= 0; --id)
        if (needed_[at(id)] && wants_gradient_[at(id)]) plan_backward(id);
    }
    keep_to_the_end();
    assign_offsets(plan_);
    return std::move(plan_);
  }

 private:
  static std::size_t at(int i) { return static_cast<std::size_t>(i); }
  NodeId count() const { return static_cast<NodeId>(graph_.nodes().size()); }
  int next_step() const { return static_cast<int>(plan_.steps.size()); }

  // Ancestors of the target; and of those, the ones through which a gradient must flow.
  void find_needed() {
    needed_.assign(at(count()), false);
    needed_[at(plan_.options.target)] = true;
    for (NodeId id = plan_.options.target; id >= 0; --id)
      if (needed_[at(id)])
        for (const NodeId input : graph_.node(id).inputs) needed_[at(input)] = true;

    wants_gradient_.assign(at(count()), false);
    for (NodeId id = 0; id < count(); ++id) {
      const Node& node = graph_.node(id);
      wants_gradient_[at(id)] =
          (!node.layer && plan_.options.input_gradient && node.dtype == DType::f32) ||
          (node.layer && (node_parameters_.contains(id) ||
                          std::ranges::any_of(node.inputs, [&](NodeId input) { return wants_gradient_[at(input)]; })));
    }
  }

  BufferUse add_buffer(std::string name, BufferRole role, const Shape& shape, DType dtype) {
    if (dtype == DType::f32) dtype = plan_.options.dtype;
    std::int64_t bytes = 0;
    require(
        !__builtin_mul_overflow(shape.elements(), static_cast<std::int64_t>(size_of(dtype)), &bytes) &&
            bytes < (std::int64_t{1} << 48),
        [&] { return "'" + name + "': " + shape.to_string() + " is more than 2^48 bytes; choose a smaller batch"; });
    plan_.buffers.push_back(
        {std::move(name), role, shape, dtype, static_cast<std::size_t>(bytes), next_step(), next_step()});
    return {static_cast<BufferId>(plan_.buffers.size()) - 1, shape};
  }

  // The step about to be appended reads or writes the buffer.
  const BufferUse& use(const BufferUse& u) {
    if (u.buffer != no_buffer) plan_.buffers[at(u.buffer)].last_step = next_step();
    return u;
  }

  std::vector<Shape> input_shapes(const Node& node) const {
    std::vector<Shape> shapes;
    for (const NodeId id : node.inputs) shapes.push_back(shapes_[at(id)]);
    return shapes;
  }

  BufferUse add_workspace(const Node& node, const EngineChoice& engine, Direction direction) {
    const std::size_t bytes = node.layer->workspace(*engine.ops, direction, input_shapes(node));
    if (bytes == 0) return {};
    return add_buffer(node.name + ".workspace", BufferRole::workspace, Shape{static_cast<std::int64_t>(bytes)},
                      DType::u8);
  }

  EngineChoice choose(const Node& node, Direction direction) {
    try {
      return backend_.choose(node.layer->op(), direction, node.engine);
    } catch (const InputError& e) {
      throw InputError("layer '" + node.name + "': " + e.what());
    }
  }

  void plan_forward(NodeId id) {
    const Node& node = graph_.node(id);
    const Shape& shape = shapes_[at(id)];
    if (!node.layer) {
      plan_.values[at(id)] = add_buffer(node.name, BufferRole::input, shape, node.dtype);
      return;
    }
    try {
      node.layer->check(plan_.options.phase(), input_shapes(node));
    } catch (const InputError& e) {
      throw InputError("layer '" + node.name + "': " + e.what());
    }
    if (node.layer->is_view(plan_.options.phase())) {
      plan_.values[at(id)] = {plan_.values[at(node.inputs[0])].buffer, shape};
      return;
    }
    PlanStep step{.kind = StepKind::forward, .node = id, .engine = choose(node, Direction::forward)};
    for (const NodeId input : node.inputs) step.inputs.push_back(use(plan_.values[at(input)]));
    plan_.values[at(id)] = add_buffer(node.name, BufferRole::activation, shape, DType::f32);
    step.output = plan_.values[at(id)];
    for (const SavedSpec& saved : node.layer->saved(input_shapes(node)))
      step.saved.push_back(add_buffer(node.name + "." + saved.name, BufferRole::saved, saved.shape, saved.dtype));
    saved_[id] = step.saved;
    step.parameters = node_parameters_[id];
    step.state = node_state_[id];
    step.workspace = add_workspace(node, step.engine, Direction::forward);
    plan_.steps.push_back(std::move(step));
  }

  // d target / d target = 1.
  void plan_seed() {
    const NodeId target = plan_.options.target;
    require(shapes_[at(target)].elements() == 1, [&] {
      return "training: expected a loss of one number, but '" + graph_.node(target).name + "' has shape " +
             shapes_[at(target)].to_string();
    });
    gradient_of_[plan_.values[at(target)].buffer] =
        add_buffer(graph_.node(target).name + ".gradient", BufferRole::gradient, shapes_[at(target)], DType::f32);
    plan_.gradients[at(target)] = gradient_of_[plan_.values[at(target)].buffer];
    plan_.steps.push_back({.kind = StepKind::seed, .node = target, .output = plan_.gradients[at(target)]});
  }

  void plan_backward(NodeId id) {
    const Node& node = graph_.node(id);
    const auto gradient = gradient_of_.find(plan_.values[at(id)].buffer);
    if (gradient == gradient_of_.end()) return;  // nothing that reaches the target reads it
    plan_.gradients[at(id)] = {gradient->second.buffer, shapes_[at(id)]};
    if (!node.layer || node.layer->is_view(plan_.options.phase())) return;

    PlanStep step{.kind = StepKind::backward, .node = id, .engine = choose(node, Direction::backward)};
    const BackwardReads reads = node.layer->backward_reads();
    for (const NodeId input : node.inputs)
      step.inputs.push_back(reads.inputs ? use(plan_.values[at(input)]) : BufferUse{no_buffer, shapes_[at(input)]});
    if (reads.output) step.output = use(plan_.values[at(id)]);
    step.output_gradient = use(plan_.gradients[at(id)]);
    for (const BufferUse& saved : saved_[id]) step.saved.push_back(use(saved));
    step.parameters = node_parameters_[id];
    step.state = node_state_[id];
    step.workspace = add_workspace(node, step.engine, Direction::backward);

    // The first gradient of a value is written in place, every further one beside it and then added.
    std::vector<std::pair<BufferUse, BufferUse>> to_add;
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const NodeId input = node.inputs[i];
      if (!wants_gradient_[at(input)] || !node.layer->differentiable(static_cast<int>(i))) {
        step.input_gradients.push_back({});
        continue;
      }
      const BufferId value = plan_.values[at(input)].buffer;
      const std::string name = plan_.buffers[at(value)].name + ".gradient";
      const Shape& shape = shapes_[at(input)];
      const auto existing = gradient_of_.find(value);
      if (existing == gradient_of_.end()) {
        gradient_of_[value] = add_buffer(name, BufferRole::gradient, shape, DType::f32);
        step.input_gradients.push_back(gradient_of_[value]);
      } else {
        const BufferUse part = add_buffer(name + ".part", BufferRole::gradient, shape, DType::f32);
        step.input_gradients.push_back(part);
        to_add.emplace_back(BufferUse{existing->second.buffer, shape}, part);
      }
    }
    plan_.steps.push_back(std::move(step));
    for (const auto& [sum, part] : to_add) {
      use(sum);
      use(part);
      plan_.steps.push_back({.kind = StepKind::accumulate,
                             .node = id,
                             .engine = backend_.choose("add", Direction::forward, {}),
                             .inputs = {part},
                             .output = sum});
    }
  }

  // Inputs must survive for the next run, the target and kept nodes for the caller.
  void keep_to_the_end() {
    const int last = std::max(0, next_step() - 1);
    const auto keep = [&](const BufferUse& u) {
      if (u.buffer != no_buffer) plan_.buffers[at(u.buffer)].last_step = last;
    };
    for (PlanBuffer& buffer : plan_.buffers) {
      buffer.last_step = std::min(buffer.last_step, last);
      if (buffer.role == BufferRole::input) buffer.first_step = 0, buffer.last_step = last;
    }
    keep(plan_.values[at(plan_.options.target)]);
    for (const NodeId id : plan_.options.keep) keep(plan_.values[at(id)]);
    if (plan_.options.input_gradient)
      for (NodeId id = 0; id < count(); ++id)
        if (!graph_.node(id).layer) keep(plan_.gradients[at(id)]);
  }

  const Graph& graph_;
  Backend& backend_;
  std::vector<Shape> shapes_;
  std::map<NodeId, std::vector<std::size_t>> node_parameters_, node_state_;
  std::map<NodeId, std::vector<BufferUse>> saved_;
  std::map<BufferId, BufferUse> gradient_of_;  // by the value's buffer: views share their input's gradient
  std::vector<bool> needed_, wants_gradient_;
  Plan plan_;
};

}  // namespace

Plan make_plan(const Graph& graph, const ParameterLayout& parameters, Backend& backend, const PlanOptions& options) {
  require(options.batch >= 1, [&] { return "batch: expected at least 1, got " + std::to_string(options.batch); });
  require(options.target >= 0 && options.target < static_cast<NodeId>(graph.nodes().size()), [&] {
    return "plan: target " + std::to_string(options.target) + " is not a node of net '" + graph.name() + "'";
  });
  return Planner(graph, parameters, backend, options).make();
}

}  // namespace fovea
