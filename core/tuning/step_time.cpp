// SPDX-License-Identifier: Apache-2.0
#include "core/tuning/step_time.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/executor/step_call.h"
#include "core/support/philox.h"

namespace fovea {
namespace {

constexpr int repeats = 5;
constexpr double least_seconds = 1e-3;  // of a repeat
constexpr int most_calls = 100;         // in a repeat

// A step's tensors, each made when it is first asked for.
class StepTensors final : public StepMemory {
 public:
  StepTensors(const ParameterLayout& parameters, const Plan& plan, Backend& backend)
      : parameters_(parameters), plan_(plan), memory_(backend.memory()) {}

  View view(const BufferUse& use) override {
    if (use.buffer == no_buffer) return {.shape = use.shape};
    const PlanBuffer& buffer = plan_.buffers[static_cast<std::size_t>(use.buffer)];
    const auto [found, missing] = buffers_.try_emplace(use.buffer);
    if (missing) found->second = make(buffer.bytes, buffer.dtype, buffer.role == BufferRole::saved);
    return {found->second.view().data, use.shape, buffer.dtype, use.layout, memory_.get()};
  }
  View weight(std::size_t entry) override { return parameter(weights_, entry, plan_.options.wide_dtype()); }
  View kept_copy(std::size_t entry) override { return parameter(copies_, entry, plan_.options.dtype); }
  View gradient(std::size_t entry) override { return parameter(gradients_, entry, plan_.options.wide_dtype()); }

 private:
  View parameter(std::map<std::size_t, Tensor>& tensors, std::size_t entry, DType dtype) {
    const ParameterLayout::Entry& e = parameters_.entries[entry];
    const auto [found, missing] = tensors.try_emplace(entry);
    if (missing) {
      const std::size_t bytes = storage_bytes(e.name, e.spec.shape, Layout::nchw, dtype);
      found->second = make(bytes, dtype, !e.trained);
    }
    return {found->second.view().data, e.spec.shape, dtype, Layout::nchw, memory_.get()};
  }

  // Random numbers, since chips draw less power for zeros and run the faster for it; what layers keep, such as
  // deviations, is positive. Whole numbers are 0: a label, or the place of a maximum, of any number of classes and
  // places.
  Tensor make(std::size_t bytes, DType dtype, bool positive) const {
    Tensor tensor(Shape{static_cast<std::int64_t>(bytes)}, DType::u8, memory_);
    const bool floating = dtype == DType::f32 || dtype == DType::f64 || is_16_bit(dtype);
    if (!floating) {
      memory_->fill(tensor.view().data, 0, bytes);
      return tensor;
    }
    constexpr std::size_t most_numbers = 1 << 16;
    const std::size_t numbers = std::min(most_numbers, bytes / size_of(dtype));
    Tensor some(Shape{static_cast<std::int64_t>(numbers)});
    RandomStream random(1, RandomPurpose::initialise, numbers);
    for (float& value : some.span<float>()) value = positive ? random.uniform(0.5f, 1.5f) : random.uniform(-1, 1);
    some = some.converted(dtype);
    char* data = static_cast<char*>(tensor.view().data);
    memory_->copy_from_host(data, some.view().data, some.bytes());
    for (std::size_t done = some.bytes(); done < bytes; done *= 2)
      memory_->copy(data + done, data, std::min(done, bytes - done));
    return tensor;
  }

  const ParameterLayout& parameters_;
  const Plan& plan_;
  std::shared_ptr<Memory> memory_;
  std::map<BufferId, Tensor> buffers_;
  std::map<std::size_t, Tensor> weights_, copies_, gradients_;
};

}  // namespace

double time_step(const Graph& graph, const ParameterLayout& parameters, const Plan& plan, const PlanStep& step,
                 Backend& backend) {
  StepTensors tensors(parameters, plan, backend);
  const std::unique_ptr<WorkTimer> timer = backend.timer();
  const auto run = [&](int calls) {
    timer->start();
    for (int i = 0; i < calls; ++i) call_step(graph, plan, step, tensors, {});
    return timer->seconds() / calls;
  };
  run(1);  // allocates; libraries load what they need
  const double about = run(1);
  const int calls =
      about > 0 ? static_cast<int>(std::clamp(std::ceil(least_seconds / about), 1.0, double{most_calls})) : most_calls;
  double seconds[repeats];
  for (double& each : seconds) each = run(calls);
  std::ranges::sort(seconds);
  return seconds[repeats / 2];
}

}  // namespace fovea
