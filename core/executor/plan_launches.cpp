// SPDX-License-Identifier: Apache-2.0
#include "core/executor/plan_launches.h"

#include "core/executor/step_call.h"

namespace fovea {
namespace {

// Tensors where an executor could have them, at addresses that nobody reads: engines look at an address to tell whether
// a tensor is there, whether two are one, and how it is aligned.
class NoMemory final : public StepMemory {
 public:
  NoMemory(const ParameterLayout& parameters, const Plan* plan, Backend& dry)
      : parameters_(parameters), plan_(plan), memory_(dry.memory()) {}

  View view(const BufferUse& use) override {
    if (use.buffer == no_buffer) return {.shape = use.shape};
    const PlanBuffer& buffer = plan_->buffers[static_cast<std::size_t>(use.buffer)];
    return {at(arena, buffer.offset), use.shape, buffer.dtype, use.layout, memory_.get()};
  }
  View weight(std::size_t entry) override { return parameter(weights, entry, plan_->options.wide_dtype()); }
  View kept_copy(std::size_t entry) override { return parameter(copies, entry, plan_->options.dtype); }
  View gradient(std::size_t entry) override { return parameter(gradients, entry, plan_->options.wide_dtype()); }

  View trained(std::uintptr_t base) const {
    return {at(base, 0), Shape{parameters_.trained_elements}, DType::f32, Layout::nchw, memory_.get()};
  }

  // Far enough apart for any plan, and nowhere near a null pointer.
  static constexpr std::uintptr_t arena = std::uintptr_t{1} << 56, weights = std::uintptr_t{2} << 56,
                                  gradients = std::uintptr_t{3} << 56, momenta = std::uintptr_t{4} << 56,
                                  copies = std::uintptr_t{5} << 56;

 private:
  static void* at(std::uintptr_t base, std::size_t offset) { return reinterpret_cast<void*>(base + offset); }
  View parameter(std::uintptr_t base, std::size_t entry, DType dtype) const {
    const ParameterLayout::Entry& e = parameters_.entries[entry];
    return {at(base, static_cast<std::size_t>(e.offset) * size_of(dtype)), e.spec.shape, dtype, Layout::nchw,
            memory_.get()};
  }

  const ParameterLayout& parameters_;
  const Plan* plan_;
  std::shared_ptr<Memory> memory_;
};

}  // namespace

std::vector<std::int64_t> count_launches(const Graph& graph, const ParameterLayout& parameters, const Plan& plan,
                                         Backend& dry) {
  NoMemory memory(parameters, &plan, dry);
  std::vector<std::int64_t> launches;
  for (const PlanStep& step : plan.steps) {
    const std::uint64_t before = dry.executed();
    call_step(graph, plan, step, memory, {});
    launches.push_back(static_cast<std::int64_t>(dry.executed() - before));
  }
  return launches;
}

std::int64_t count_sgd_launches(const ParameterLayout& parameters, Backend& dry) {
  const NoMemory memory(parameters, nullptr, dry);
  const std::uint64_t before = dry.executed();
  dry.choose("sgd", Direction::forward, {})
      .ops->sgd_step({.momentum = 0.9f}, memory.trained(NoMemory::weights), memory.trained(NoMemory::gradients),
                     memory.trained(NoMemory::momenta), {});
  return static_cast<std::int64_t>(dry.executed() - before);
}

}  // namespace fovea
