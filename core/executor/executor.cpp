// SPDX-License-Identifier: Apache-2.0
#include "core/executor/executor.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "core/executor/step_call.h"
#include "core/support/error.h"

namespace fovea {
namespace {

// Opens a profiler range for its lifetime.
class Range {
 public:
  Range(Backend& backend, const std::string& name) : backend_(backend) { backend_.begin_range(name); }
  ~Range() { backend_.end_range(); }
  Range(const Range&) = delete;
  Range& operator=(const Range&) = delete;

 private:
  Backend& backend_;
};

// The executor's arenas.
class OwnMemory final : public StepMemory {
 public:
  explicit OwnMemory(Executor& executor) : executor_(executor) {}
  View view(const BufferUse& use) override { return executor_.view(use); }
  View weight(std::size_t entry) override { return executor_.weights().entry(entry); }
  View kept_copy(std::size_t entry) override { return executor_.weights().copy_entry(entry); }
  View gradient(std::size_t entry) override { return executor_.gradients()->entry(entry); }

 private:
  Executor& executor_;
};

// Whether `step` makes the value of `node`, which a fused step leaves under the ReLU's name.
bool gets_fault(const PlanStep& step, NodeId node) {
  return step.kind == StepKind::forward && (step.node == node || step.fused_relu == node);
}

// Of the gradient that a training plan begins backward with.
DType dtype_of_seed(const Plan& plan) {
  const BufferUse& seed = plan.gradients[static_cast<std::size_t>(plan.options.target)];
  return plan.buffers[static_cast<std::size_t>(seed.buffer)].dtype;
}

}  // namespace

Executor::Executor(Graph graph, Backend& backend, std::shared_ptr<ParameterArena> weights, const PlanOptions& options,
                   std::shared_ptr<ParameterArena> gradients, Tensor arena)
    : graph_(std::move(graph)),
      backend_(backend),
      weights_(std::move(weights)),
      gradients_(std::move(gradients)),
      plan_(make_plan(graph_, weights_->layout(), backend_, options)),
      arena_(std::move(arena)) {
  require(arena_.empty() || arena_.bytes() >= plan_.arena_bytes, [&] {
    return "net '" + graph_.name() + "': expected an arena of " + std::to_string(plan_.arena_bytes) + " bytes, got " +
           std::to_string(arena_.bytes());
  });
  const View copy = weights_->copy();
  require(!options.kept_copies || copy.dtype == options.dtype || weights_->layout().trained_elements == 0, [&] {
    return "net '" + graph_.name() + "': expected weights with a copy in " + std::string(name_of(options.dtype)) +
           ", got " + (copy ? "one in " + std::string(name_of(copy.dtype)) : std::string("none"));
  });
  try {
    if (arena_.empty())
      arena_ = Tensor(Shape{static_cast<std::int64_t>(plan_.arena_bytes)}, DType::u8, backend_.memory());
    if (options.training && !gradients_)
      gradients_ = std::make_shared<ParameterArena>(weights_->layout(), backend_.memory(), options.wide_dtype());
    if (options.training) seed_ = Tensor(Shape{1}, dtype_of_seed(plan_), backend_.memory());
  } catch (const DeviceError& e) {
    throw DeviceError("net '" + graph_.name() + "' at batch " + std::to_string(options.batch) + " needs " +
                      std::to_string(plan_.arena_bytes) + " bytes for activations: " + e.what());
  }
  if (options.training) write_seed();
}

Executor::~Executor() = default;

std::size_t Executor::seed_bytes(const Plan& plan) { return plan.options.training ? size_of(dtype_of_seed(plan)) : 0; }

View Executor::view(const BufferUse& use) {
  if (use.buffer == no_buffer) return {.shape = use.shape};  // a layer may ask for the extents of what it does not read
  const PlanBuffer& buffer = plan_.buffers.at(static_cast<std::size_t>(use.buffer));
  View view{static_cast<char*>(arena_.view().data) + buffer.offset, use.shape, buffer.dtype, use.layout,
            backend_.memory().get()};
  if (use.buffer == external_input_) view.data = const_cast<void*>(external_input_view_.data);  // inputs are only read
  if (use.buffer == external_output_) view.data = external_output_view_.data;
  return view;
}

View Executor::value(NodeId node) { return view(plan_.values.at(static_cast<std::size_t>(node))); }
View Executor::gradient(NodeId node) { return view(plan_.gradients.at(static_cast<std::size_t>(node))); }

Tensor Executor::read(const BufferUse& use) {
  const View from = view(use);
  require(static_cast<bool>(from), [&] { return "net '" + graph_.name() + "': this value is not part of the plan"; });
  Tensor host(from.shape, from.dtype, host_memory(), from.layout);
  backend_.memory()->copy_to_host(host.view().data, from.data, from.bytes());
  return from.layout == Layout::nchw ? host : host.in_layout(Layout::nchw);
}

void Executor::write(const BufferUse& use, const Tensor& value) {
  const View to = view(use);
  require(static_cast<bool>(to), [&] { return "net '" + graph_.name() + "': this value is not part of the plan"; });
  require(value.shape() == to.shape,
          [&] { return "expected shape " + to.shape.to_string() + ", got " + value.shape().to_string(); });
  if (value.memory() == backend_.memory() && value.dtype() == to.dtype && value.layout() == to.layout) {
    backend_.memory()->copy(to.data, value.view().data, to.bytes());
    return;
  }
  if (value.memory() == backend_.memory() && !value.on_host() && value.dtype() == DType::f32 && is_16_bit(to.dtype) &&
      value.layout() == to.layout) {  // images that the device made are not fetched to be rounded
    backend_.choose("cast", Direction::forward, {}).ops->cast(value.view(), to);
    return;
  }
  const Tensor host = value.on_host() ? value : value.to_host();
  Tensor converted = host.dtype() == to.dtype ? host : host.converted(to.dtype);
  if (to.layout != Layout::nchw) converted = converted.in_layout(to.layout);
  backend_.memory()->send_from_host(to.data, converted.view().data, to.bytes());
}

void Executor::set_input(NodeId node, const Tensor& value) {
  const Node& input = graph_.node(node);
  const BufferUse& use = plan_.values.at(static_cast<std::size_t>(node));
  require(!input.layer && use.buffer != no_buffer, [&] { return "'" + input.name + "' is not an input of this plan"; });
  const bool floating = value.dtype() == DType::f32 || value.dtype() == DType::f64;
  require(value.shape() == use.shape && (value.dtype() == input.dtype || (floating && input.dtype == DType::f32)), [&] {
    return "input '" + input.name + "': expected " + std::string(name_of(input.dtype)) + " " + use.shape.to_string() +
           ", got " + std::string(name_of(value.dtype())) + " " + value.shape().to_string();
  });
  write(use, value);
}

void Executor::set_random(std::uint64_t seed, std::int64_t step, ConstView in_memory) {
  random_.seed = seed;
  random_.step_in_memory = in_memory;
  random_.step = static_cast<std::uint32_t>(step);
}

void Executor::set_loss_scale(double scale) {
  if (scale == loss_scale_) return;
  loss_scale_ = scale;
  if (!seed_.empty()) write_seed();
}

void Executor::write_seed() {
  const Tensor scale = Tensor::from({1}, {static_cast<float>(loss_scale_)}).converted(seed_.dtype());
  backend_.memory()->copy_from_host(seed_.view().data, scale.view().data, scale.bytes());
}

void Executor::inject(NodeId node) {
  require(std::ranges::any_of(plan_.steps, [&](const PlanStep& step) { return gets_fault(step, node); }), [&] {
    return "inject: '" + graph_.node(node).name + "' is an input or only a view of one: expected another layer";
  });
  inject_ = node;
}

void Executor::run(const PlanStep& step) {
  if (observer_ != nullptr) observer_->before(step);
  compute(step);
  if (inject_ >= 0 && gets_fault(step, inject_)) {
    const View output = view(step.output);
    const Tensor fault = Tensor::from({1}, {std::numeric_limits<float>::quiet_NaN()}).converted(output.dtype);
    backend_.memory()->copy_from_host(output.data, fault.view().data, fault.bytes());
  }
  if (observer_ != nullptr) observer_->after(step);
}

void Executor::compute(const PlanStep& step) {
  const Range range(backend_, range_name(graph_, step));
  if (step.kind == StepKind::seed) {
    backend_.memory()->copy(view(step.output).data, seed_.view().data, seed_.bytes());
    return;
  }
  OwnMemory memory(*this);
  call_step(graph_, plan_, step, memory, random_);
}

void Executor::forward() {
  for (std::size_t i = 0; i < plan_.forward_steps; ++i) run(plan_.steps[i]);
}

void Executor::backward() {
  require(plan_.options.training, [] { return std::string("backward: this executor was planned for inference"); });
  for (std::size_t i = plan_.forward_steps; i < plan_.steps.size(); ++i) run(plan_.steps[i]);
}

void Executor::infer(ConstView input, View output) {
  const auto target = static_cast<std::size_t>(plan_.options.target);
  NodeId input_node = -1;
  for (std::size_t i = 0; i < graph_.nodes().size(); ++i) {
    if (graph_.nodes()[i].layer || plan_.values[i].buffer == no_buffer) continue;
    require(input_node < 0, [] { return std::string("infer: the net has more than one input; use set_input"); });
    input_node = static_cast<NodeId>(i);
  }
  const auto check = [&](const ConstView& got, const BufferUse& use, const char* what) {
    const DType dtype = plan_.buffers[static_cast<std::size_t>(use.buffer)].dtype;
    require(got && got.shape == use.shape && got.dtype == dtype && got.memory == backend_.memory().get(), [&] {
      return std::string("infer: ") + what + ": expected " + std::string(name_of(dtype)) + " " + use.shape.to_string() +
             " on " + std::string(backend_.memory()->device()) + ", got " + std::string(name_of(got.dtype)) + " " +
             got.shape.to_string() + " on " + std::string(got.memory ? got.memory->device() : "no device");
    });
  };
  require(input_node >= 0, [] { return std::string("infer: the net has no input"); });
  const BufferUse& input_use = plan_.values[static_cast<std::size_t>(input_node)];
  check(input, input_use, "input");
  check(output, plan_.values[target], "output");
  external_input_ = input_use.buffer, external_input_view_ = input;
  external_output_ = plan_.values[target].buffer, external_output_view_ = output;
  try {
    forward();
  } catch (...) {
    external_input_ = external_output_ = no_buffer;
    throw;
  }
  external_input_ = external_output_ = no_buffer;
}

}  // namespace fovea
