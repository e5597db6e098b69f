// SPDX-License-Identifier: Apache-2.0
#include "cli/bench_bytes.h"

namespace fovea::cli {
namespace {

class ByteCount {
 public:
  ByteCount(const Plan& plan, const ParameterLayout& layout) : plan_(plan), layout_(layout) {}

  std::int64_t of(const PlanStep& step) const {
    switch (step.kind) {
      case StepKind::seed:
        return of(step.output);
      case StepKind::accumulate:  // the sum is read and written
        return of(step.inputs) + 2 * of(step.output);
      case StepKind::convert:
        return of(step.inputs) + of(step.output);
      case StepKind::cast:
        return wide(step.parameters) + of(step.output);
      case StepKind::forward: {
        const int state_passes = plan_.options.training ? 2 : 1;  // training writes it too
        return of(step.inputs) + read_parameters(step) + state_passes * wide(step.state) + of(step.output) +
               of(step.saved) + 2 * of(step.workspace);
      }
      case StepKind::backward:  // parameters are read and their gradients written
        return of(step.inputs) + of(step.output) + of(step.output_gradient) + of(step.saved) + read_parameters(step) +
               wide(step.parameters) + wide(step.state) + of(step.input_gradients) + 2 * of(step.workspace);
    }
    return 0;
  }

 private:
  std::int64_t of(const BufferUse& use) const {
    if (use.buffer == no_buffer) return 0;
    const PlanBuffer& buffer = plan_.buffers[static_cast<std::size_t>(use.buffer)];
    return storage_elements(use.shape, use.layout) * static_cast<std::int64_t>(size_of(buffer.dtype));
  }
  std::int64_t of(const std::vector<BufferUse>& uses) const {
    std::int64_t sum = 0;
    for (const BufferUse& use : uses) sum += of(use);
    return sum;
  }
  // Parameters, their gradients and state.
  std::int64_t wide(const std::vector<std::size_t>& entries) const {
    return elements(entries) * static_cast<std::int64_t>(size_of(plan_.options.wide_dtype()));
  }
  std::int64_t elements(const std::vector<std::size_t>& entries) const {
    std::int64_t sum = 0;
    for (const std::size_t i : entries) sum += layout_.entries[i].spec.shape.elements();
    return sum;
  }
  // Of parameters with a 16-bit copy, the copy, wherever it lies.
  std::int64_t read_parameters(const PlanStep& step) const {
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < step.parameters.size(); ++i) {
      if (step.kept[i])
        sum += elements({step.parameters[i]}) * static_cast<std::int64_t>(size_of(plan_.options.dtype));
      else
        sum += step.narrow[i].buffer == no_buffer ? wide({step.parameters[i]}) : of(step.narrow[i]);
    }
    return sum;
  }

  const Plan& plan_;
  const ParameterLayout& layout_;
};

}  // namespace

std::int64_t bytes_of(const Plan& plan, const ParameterLayout& layout) {
  const ByteCount count(plan, layout);
  std::int64_t sum = 0;
  for (const PlanStep& step : plan.steps) sum += count.of(step);
  return sum;
}

std::int64_t bytes_of(const Plan& plan, const ParameterLayout& layout, const PlanStep& step) {
  return ByteCount(plan, layout).of(step);
}

std::int64_t bytes_of_sgd(const ParameterLayout& layout, const PlanOptions& options) {
  constexpr std::int64_t reads = 3, writes = 2;
  const std::int64_t copy = options.kept_copies ? static_cast<std::int64_t>(size_of(options.dtype)) : 0;
  return ((reads + writes) * static_cast<std::int64_t>(sizeof(float)) + copy) * layout.parameters;
}

}  // namespace fovea::cli
