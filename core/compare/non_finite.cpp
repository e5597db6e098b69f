// SPDX-License-Identifier: Apache-2.0
#include "core/compare/non_finite.h"

#include <fmt/core.h>

#include <cmath>

namespace fovea {
namespace {

// Of a tensor whose first axis has `batch` samples, or 0 where it has no batch axis.
std::optional<NonFinite> look(const std::string& layer, const std::string& name, const Tensor& tensor,
                              std::int64_t batch) {
  if (tensor.dtype() != DType::f32 && !is_16_bit(tensor.dtype())) return std::nullopt;
  NonFinite found{.layer = layer, .tensor = name};
  const Tensor wide = tensor.dtype() == DType::f32 ? tensor : tensor.converted(DType::f32);
  const std::span<const float> values = wide.span<float>();
  const std::int64_t each = batch > 0 ? tensor.shape().elements() / batch : 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) continue;
    ++found.values;
    const std::int64_t sample = each > 0 ? static_cast<std::int64_t>(i) / each : -1;
    if (sample >= 0 && (found.samples.empty() || found.samples.back() != sample)) found.samples.push_back(sample);
  }
  return found.values > 0 ? std::optional(found) : std::nullopt;
}

}  // namespace

std::string NonFinite::to_string() const {
  return fmt::format("layer '{}': {}: {} not finite", layer, tensor,
                     values == 1 ? "1 value is" : fmt::format("{} values are", values));
}

std::optional<NonFinite> find_non_finite(const Model& model, NetRun& run) {
  const std::int64_t batch = run.plan().options.batch;
  if (auto found = look(model.graph.node(model.image).name, "input", run.executor().read(model.image), batch))
    return found;
  for (std::size_t i = 0; i < run.weights().layout().entries.size(); ++i) {
    const ParameterLayout::Entry& entry = run.weights().layout().entries[i];
    if (auto found = look(model.graph.node(entry.node).name, entry.spec.name, run.weights().get(i), 0)) return found;
  }
  for (std::size_t i = 0; i < run.steps(); ++i) {
    run.prepare(i);
    run.run(i);
    for (const StepResult& result : results_of(run, run.step(i))) {
      const bool of_samples = result.parameter == StepResult::no_parameter && result.state == StepResult::no_parameter;
      const Tensor tensor = read(run, result);
      const bool has_batch = of_samples && tensor.shape().rank() > 0 && tensor.shape()[0] == batch;
      if (auto found = look(model.graph.node(run.step(i).node).name, result.tensor, tensor, has_batch ? batch : 0))
        return found;
    }
  }
  return std::nullopt;
}

}  // namespace fovea
