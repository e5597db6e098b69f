// SPDX-License-Identifier: Apache-2.0
#include "cli/bench_net.h"

#include <algorithm>

#include "cli/bench_bytes.h"
#include "cli/peak_memory.h"

namespace fovea::cli {
namespace {

// Of one image's forward pass.
std::int64_t macs_of(const Model& model) {
  const std::vector<Shape> shapes = model.graph.shapes(1);
  std::int64_t macs = 0;
  for (NodeId id = 0; id <= model.logits; ++id) {
    const Node& node = model.graph.node(id);
    if (!node.layer) continue;
    std::vector<Shape> inputs;
    for (const NodeId input : node.inputs) inputs.push_back(shapes[static_cast<std::size_t>(input)]);
    macs += node.layer->macs(inputs);
  }
  return macs;
}

}  // namespace

double NetTiming::roofline_seconds(const Ceilings& ceilings) const {
  double seconds = 0;
  for (const StepRow& row : rows)
    seconds += std::max(static_cast<double>(row.flops) / ceilings.flops_per_second,
                        static_cast<double>(row.bytes) / ceilings.bytes_per_second);
  return seconds;
}

NetTiming time_net(const Model& model, Backend& backend, const PlanOptions& planned, const TimingOptions& options,
                   bool capture) {
  const bool training = planned.training;
  forget_peak_memory();
  NetStep step(model, backend, planned);
  NetTiming result;
  result.captured = capture && backend.no_capture().empty();
  if (result.captured) step.capture();
  result.step = measure(backend, options, [&] { result.captured ? step.replay() : step.run(); });
  const std::uint64_t executed = backend.executed();
  step.run();
  result.operations = static_cast<std::int64_t>(backend.executed() - executed);
  result.counts = step.counted_run();
  result.peak_bytes = peak_memory();
  step.require_finite_loss();

  const Plan& plan = step.executor().plan();
  const ParameterLayout& layout = step.layout();
  const std::size_t arenas = training ? 3 : 1;  // weights; gradients and momenta
  result.batch = planned.batch;
  result.flops = (training ? 3 : 1) * 2 * macs_of(model) * planned.batch;
  result.bytes = bytes_of(plan, layout) + (training ? bytes_of_sgd(layout, plan.options) : 0);
  result.rows = step_rows(model.graph, layout, plan, backend);
  result.planned_bytes = plan.arena_bytes + arenas * static_cast<std::size_t>(layout.elements) * sizeof(float);
  if (planned.kept_copies) result.planned_bytes += ParameterArena::copy_bytes(layout, planned.dtype);
  return result;
}

}  // namespace fovea::cli
