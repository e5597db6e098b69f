// SPDX-License-Identifier: Apache-2.0
#include "core/executor/plan.h"

#include <algorithm>
#include <map>

#include "core/executor/plan_engine.h"
#include "core/executor/plan_fusion.h"
#include "core/executor/plan_needs.h"
#include "core/support/error.h"

namespace fovea {
namespace {

class Planner {
 public:
  Planner(const Graph& graph, const ParameterLayout& parameters, Backend& backend, const PlanOptions& options)
      : graph_(graph),
        parameters_(parameters),
        needs_(find_needs(graph, parameters, options)),
        backend_(backend),
        shapes_(graph.shapes(options.batch)),
        fused_relu_(find_fused_relus(graph, needs_, backend, options)),
        fused_gradient_(find_fused_relu_gradients(graph, needs_, backend, options)) {
    plan_.options = options;
    plan_.values.resize(graph.nodes().size());
    plan_.gradients.resize(graph.nodes().size());
    for (std::size_t i = 0; i < parameters.entries.size(); ++i) {
      const ParameterLayout::Entry& entry = parameters.entries[i];
      (entry.trained ? node_parameters_ : node_state_)[entry.node].push_back(i);
    }
  }

  Plan make() {
    for (NodeId id = 0; id < count(); ++id)
      if (needed(id)) plan_narrow_copies(id);
    for (NodeId id = 0; id < count(); ++id)
      if (needed(id)) plan_forward(id);
    make_target_plain();
    plan_.forward_steps = plan_.steps.size();
    if (plan_.options.training) {
      plan_seed();
      for (NodeId id = count() - 1; id >= 0; --id)
        if (needed(id) && wants_gradient(id)) plan_backward(id);
    }
    keep_to_the_end(graph_, plan_);
    assign_offsets(plan_);
    return std::move(plan_);
  }

 private:
  static std::size_t at(int i) { return static_cast<std::size_t>(i); }
  NodeId count() const { return static_cast<NodeId>(graph_.nodes().size()); }
  int next_step() const { return static_cast<int>(plan_.steps.size()); }
  Phase phase() const { return plan_.options.phase(); }
  bool is_view(NodeId id) const { return graph_.node(id).layer && graph_.node(id).layer->is_view(phase()); }
  bool merge_values() const { return plan_.options.merge_values(); }

  bool needed(NodeId id) const { return needs_.needed[at(id)]; }
  bool wants_gradient(NodeId id) const { return needs_.wants_gradient[at(id)]; }
  bool only_reader(NodeId of) const { return needs_.readers[at(of)] == 1 && !must_stay(graph_, plan_.options, of); }

  BufferUse add_buffer(std::string name, BufferRole role, const Shape& shape, DType dtype,
                       Layout layout = Layout::nchw) {
    const std::size_t bytes = storage_bytes(name, shape, layout, dtype);
    plan_.buffers.push_back({std::move(name), role, shape, dtype, bytes, next_step(), next_step()});
    return {static_cast<BufferId>(plan_.buffers.size()) - 1, shape, layout};
  }

  // What a floating-point tensor is stored as: a value of the net; anything else.
  DType value_dtype(DType dtype) const { return dtype == DType::f32 ? plan_.options.dtype : dtype; }
  DType wide_dtype(DType dtype) const { return dtype == DType::f32 ? plan_.options.wide_dtype() : dtype; }
  DType dtype_of(const BufferUse& value) const { return plan_.buffers[at(value.buffer)].dtype; }

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

  BufferUse add_workspace(const Node& node, const EngineChoice& engine, Direction direction,
                          const StepLayouts& layouts) {
    const std::size_t bytes =
        node.layer->workspace_in(*engine.ops, direction, plan_.options.dtype, input_shapes(node), layouts);
    if (bytes == 0) return {};
    return add_buffer(node.name + ".workspace", BufferRole::workspace, Shape{static_cast<std::int64_t>(bytes)},
                      DType::u8);
  }

  EngineChoice choose(const Node& node, Direction direction) {
    return choose_engine(backend_, node, direction, plan_.options.dtype);
  }

  void append_convert(NodeId node, const BufferUse& from, const BufferUse& to) {
    use(from);
    use(to);
    plan_.steps.push_back({.kind = StepKind::convert,
                           .node = node,
                           .engine = backend_.choose("convert_layout", Direction::forward, {}),
                           .inputs = {from},
                           .output = to});
  }

  // The node's value in a layout: itself, or a copy that a step of its own makes once.
  BufferUse value_in(NodeId id, Layout layout) {
    BufferUse value = plan_.values[at(id)];
    if (same_bytes(value.shape, value.layout, layout)) {
      value.layout = layout;
      return value;
    }
    const auto [copy, missing] = copies_.try_emplace({id, layout});
    if (missing) {
      const PlanBuffer& buffer = plan_.buffers[at(value.buffer)];
      copy->second = add_buffer(buffer.name + "." + std::string(name_of(layout)), BufferRole::activation, value.shape,
                                buffer.dtype, layout);
      append_convert(id, value, copy->second);
    }
    return copy->second;
  }

  StepLayouts layouts_of(const Node& node, Ops& ops) {
    const std::vector<Layout> plain(node.inputs.size(), Layout::nchw);
    if (!plan_.options.passes.layouts) return {plain, Layout::nchw, plain};
    std::vector<Layout> given;
    for (const NodeId input : node.inputs) given.push_back(plan_.values[at(input)].layout);
    StepLayouts layouts = node.layer->layouts(ops, phase(), plan_.options.dtype, input_shapes(node), given);
    if (layouts.input_gradients.empty()) layouts.input_gradients = layouts.inputs;
    return layouts;
  }

  // Where the step leaves its output: over its first input when nobody else wants that.
  BufferUse add_output(NodeId id, const EngineChoice& engine, Layout layout) {
    const Node& node = graph_.node(id);
    const NodeId input = node.inputs[0];
    const bool in_place = merge_values() && node.layer->in_place() && engine.ops->works_in_place(node.layer->op()) &&
                          graph_.node(input).layer && !is_view(input) && only_reader(input) &&
                          plan_.values[at(input)].layout == layout;
    if (in_place) return use(plan_.values[at(input)]);
    const NodeId named = fused_relu_[at(id)] >= 0 ? fused_relu_[at(id)] : id;
    const DType dtype = node.layer->wide_output() ? wide_dtype(DType::f32) : value_dtype(DType::f32);
    return add_buffer(graph_.node(named).name, BufferRole::activation, shapes_[at(id)], dtype, layout);
  }

  // Before everything else, so that a pass computes with the weights as they are when it begins.
  void plan_narrow_copies(NodeId id) {
    if (!is_16_bit(plan_.options.dtype) || plan_.options.kept_copies) return;
    for (const std::size_t i : node_parameters_[id]) {
      const ParameterLayout::Entry& entry = parameters_.entries[i];
      if (!entry.spec.narrow) continue;
      const BufferUse copy = add_buffer(entry.name, BufferRole::weight, entry.spec.shape, plan_.options.dtype);
      narrow_[i] = copy;
      plan_.steps.push_back({.kind = StepKind::cast,
                             .node = id,
                             .engine = backend_.choose("cast", Direction::forward, {}),
                             .output = copy,
                             .parameters = {i}});
    }
  }

  // The node's parameters and where their 16-bit copies are, for the step about to be appended.
  void add_parameters(NodeId id, PlanStep& step) {
    step.parameters = node_parameters_[id];
    for (const std::size_t i : step.parameters) {
      step.narrow.push_back(narrow_.contains(i) ? use(narrow_[i]) : BufferUse{});
      step.kept.push_back(plan_.options.kept_copies && parameters_.entries[i].spec.narrow);
    }
  }

  void plan_view(NodeId id) {
    const NodeId input = graph_.node(id).inputs[0];
    const Shape& shape = shapes_[at(id)];
    if (shape == shapes_[at(input)]) {
      plan_.values[at(id)] = plan_.values[at(input)];
    } else {
      plan_.values[at(id)] = {value_in(input, Layout::nchw).buffer, shape};
    }
  }

  void plan_forward(NodeId id) {
    const Node& node = graph_.node(id);
    const Shape& shape = shapes_[at(id)];
    if (!node.layer) {
      plan_.values[at(id)] = add_buffer(node.name, BufferRole::input, shape, value_dtype(node.dtype));
      return;
    }
    check_layer(node, phase(), input_shapes(node));
    if (is_view(id)) return plan_view(id);
    if (node.layer->op() == "relu" && fused_relu_[at(node.inputs[0])] == id) return;  // its producer left the value

    PlanStep step{.kind = StepKind::forward,
                  .node = id,
                  .fused_relu = fused_relu_[at(id)],
                  .engine = choose(node, Direction::forward)};
    const StepLayouts layouts = layouts_of(node, *step.engine.ops);
    for (std::size_t i = 0; i < node.inputs.size(); ++i)
      step.inputs.push_back(value_in(node.inputs[i], layouts.inputs[i]));
    for (const BufferUse& input : step.inputs) use(input);
    step.output = plan_.values[at(id)] = add_output(id, step.engine, layouts.output);
    if (step.fused_relu >= 0) plan_.values[at(step.fused_relu)] = step.output;
    for (const SavedSpec& saved : node.layer->saved(input_shapes(node)))
      step.saved.push_back(add_buffer(node.name + "." + saved.name, BufferRole::saved, saved.shape,
                                      wide_dtype(saved.dtype), saved.like_output ? layouts.output : Layout::nchw));
    forward_inputs_[id] = step.inputs;
    layouts_[id] = layouts;
    forward_engine_[id] = step.engine.ops;
    saved_[id] = step.saved;
    add_parameters(id, step);
    step.state = node_state_[id];
    step.workspace = add_workspace(node, step.engine, Direction::forward, layouts);
    plan_.steps.push_back(std::move(step));
  }

  // Callers read the target with the plain eye.
  void make_target_plain() {
    const NodeId target = plan_.options.target;
    if (plan_.values[at(target)].layout != Layout::nchw) plan_.values[at(target)] = value_in(target, Layout::nchw);
  }

  // d target / d target = 1.
  void plan_seed() {
    const NodeId target = plan_.options.target;
    require(shapes_[at(target)].elements() == 1, [&] {
      return "training: expected a loss of one number, but '" + graph_.node(target).name + "' has shape " +
             shapes_[at(target)].to_string();
    });
    gradient_of_[target] = add_buffer(graph_.node(target).name + ".gradient", BufferRole::gradient, shapes_[at(target)],
                                      dtype_of(plan_.values[at(target)]));
    plan_.gradients[at(target)] = gradient_of_[target];
    plan_.steps.push_back({.kind = StepKind::seed, .node = target, .output = plan_.gradients[at(target)]});
  }

  // The node whose gradient is the same bytes: what a view looks at, unless it looks at a copy in another layout.
  NodeId owner(NodeId id) const {
    while (is_view(id) && plan_.values[at(id)].buffer == plan_.values[at(graph_.node(id).inputs[0])].buffer)
      id = graph_.node(id).inputs[0];
    return id;
  }

  // The step that is about to be appended leaves part of d target / d `input` in a buffer, in the layout in which the
  // layer read that input. The first part is written in place, every further one beside it and then added.
  struct Part {
    NodeId input = -1;
    BufferUse written;  // by the layer
  };
  // A ReLU and the operation that applies it leave one value, named after the ReLU; each has a gradient.
  std::string gradient_name(NodeId input) const {
    const bool applied = fused_relu_[at(input)] >= 0;
    return (applied ? graph_.node(input).name : plan_.buffers[at(plan_.values[at(input)].buffer)].name) + ".gradient";
  }
  Part add_part(NodeId input, Layout layout, const BufferUse* over) {
    const BufferUse& value = plan_.values[at(input)];
    const bool first = !gradient_of_.contains(owner(input)), as_is = same_bytes(value.shape, value.layout, layout);
    const std::string name = gradient_name(input);
    const std::string suffix = !as_is ? "." + std::string(name_of(layout)) : first ? "" : ".part";
    BufferUse written =
        over ? *over : add_buffer(name + suffix, BufferRole::gradient, shapes_[at(input)], dtype_of(value), layout);
    written.layout = layout;
    written.shape = shapes_[at(input)];
    if (first && as_is) {
      gradient_of_[owner(input)] = written;
      gradient_of_[owner(input)].layout = value.layout;
    }
    return {input, written};
  }

  // After the step: what is not yet in the input's gradient goes there.
  void deliver(const Part& part) {
    const BufferUse value = plan_.values[at(part.input)];
    const NodeId to = owner(part.input);
    const std::string name = gradient_name(part.input);
    BufferUse delivered = part.written;
    if (const auto existing = gradient_of_.find(to);
        existing != gradient_of_.end() && existing->second.buffer == delivered.buffer)
      return;
    const bool first = !gradient_of_.contains(to);
    if (!same_bytes(value.shape, value.layout, delivered.layout)) {
      delivered =
          add_buffer(name + (first ? "" : ".part"), BufferRole::gradient, value.shape, dtype_of(value), value.layout);
      append_convert(part.input, part.written, delivered);
    }
    delivered.layout = value.layout;
    if (first) {
      gradient_of_[to] = delivered;
      return;
    }
    const BufferUse sum{gradient_of_[to].buffer, value.shape, value.layout};
    use(sum);
    use(delivered);
    plan_.steps.push_back({.kind = StepKind::accumulate,
                           .node = accumulating_,
                           .engine = backend_.choose("add", Direction::forward, {}),
                           .inputs = {delivered},
                           .output = sum});
  }

  void plan_backward(NodeId id) {
    const Node& node = graph_.node(id);
    const auto gradient = gradient_of_.find(owner(id));
    if (gradient == gradient_of_.end()) return;  // nothing that reaches the target reads it
    plan_.gradients[at(id)] = {gradient->second.buffer, shapes_[at(id)], plan_.values[at(id)].layout};
    accumulating_ = id;
    if (!node.layer) return;
    if (is_view(id)) {
      // Of a copy in another layout, the gradient goes back to where the copy came from.
      const NodeId input = node.inputs[0];
      if (owner(id) == id && wants_gradient(input))
        deliver({input, {gradient->second.buffer, shapes_[at(input)], Layout::nchw}});
      return;
    }

    const NodeId relu = relu_before(id);  // its own backward finds no gradient then, and has no step
    PlanStep step{
        .kind = StepKind::backward, .node = id, .fused_relu = relu, .engine = choose(node, Direction::backward)};
    const BackwardReads reads = node.layer->backward_reads();
    std::vector<BufferUse> inputs = forward_inputs_[id];
    StepLayouts layouts = layouts_[id];
    if (fused_into(id)) {  // a ReLU that its producer applied had no step of its own
      const BufferUse& value = plan_.values[at(id)];
      inputs = {value};
      layouts = {{value.layout}, value.layout, {value.layout}};
    } else if (step.engine.ops != forward_engine_[id]) {
      require_layouts(node, step.engine, plan_.options, input_shapes(node), layouts);
    }
    for (const BufferUse& input : inputs)
      step.inputs.push_back(reads.inputs || relu >= 0 ? use(input) : BufferUse{no_buffer, input.shape, input.layout});
    if (reads.output) step.output = use(plan_.values[at(id)]);
    step.output_gradient = use(plan_.gradients[at(id)]);
    for (const BufferUse& saved : saved_[id]) step.saved.push_back(use(saved));
    add_parameters(id, step);
    step.state = node_state_[id];
    step.workspace = add_workspace(node, step.engine, Direction::backward, layouts);

    bool in_place = merge_values() && node.layer->in_place() && step.engine.ops->works_in_place(node.layer->op());
    std::vector<Part> parts;
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const NodeId input = node.inputs[i];
      if (!wants_gradient(input) || !node.layer->differentiable(static_cast<int>(i))) {
        step.input_gradients.push_back({});
        continue;
      }
      parts.push_back(add_part(relu >= 0 ? graph_.node(relu).inputs[0] : input, layouts.input_gradients[i],
                               in_place ? &step.output_gradient : nullptr));
      parts.back().written.shape = shapes_[at(input)];
      in_place = false;  // one gradient fits over dy
      step.input_gradients.push_back(use(parts.back().written));
    }
    plan_.steps.push_back(std::move(step));
    for (const Part& part : parts) deliver(part);
  }

  // The ReLU whose backward the node's own applies: where the node reads the very value, no copy in another layout, and
  // all that the two operations touch lies alike.
  NodeId relu_before(NodeId id) const {
    const NodeId relu = fused_gradient_[at(id)];
    if (relu < 0 || owner(graph_.node(id).inputs[0]) != relu) return -1;
    const Layout layout = layouts_.at(id).input_gradients[0];
    const bool alike = forward_inputs_.at(id)[0].layout == layout && plan_.values[at(relu)].layout == layout &&
                       plan_.values[at(graph_.node(relu).inputs[0])].layout == layout;
    return alike ? relu : -1;
  }

  bool fused_into(NodeId id) const {
    const Node& node = graph_.node(id);
    return node.layer->op() == "relu" && fused_relu_[at(node.inputs[0])] == id;
  }

  const Graph& graph_;
  const ParameterLayout& parameters_;
  PlanNeeds needs_;
  Backend& backend_;
  std::vector<Shape> shapes_;
  std::vector<NodeId> fused_relu_, fused_gradient_;  // by node: core/executor/plan_fusion.h
  std::map<NodeId, std::vector<std::size_t>> node_parameters_, node_state_;
  std::map<NodeId, std::vector<BufferUse>> saved_, forward_inputs_;
  std::map<NodeId, StepLayouts> layouts_;
  std::map<NodeId, const Ops*> forward_engine_;
  std::map<std::pair<NodeId, Layout>, BufferUse> copies_;
  std::map<std::size_t, BufferUse> narrow_;  // by parameter
  std::map<NodeId, BufferUse> gradient_of_;  // by owner(): views share their input's gradient
  NodeId accumulating_ = -1;
  Plan plan_;
};

}  // namespace

Plan make_plan(const Graph& graph, const ParameterLayout& parameters, Backend& backend, const PlanOptions& options) {
  require(!options.kept_copies || is_16_bit(options.dtype), [&] {
    return "kept copies of weights: expected a plan in bf16 or f16, got " + std::string(name_of(options.dtype));
  });
  return Planner(graph, parameters, backend, options).make();
}

}  // namespace fovea
