// SPDX-License-Identifier: Apache-2.0
#include "cli/bench_net.h"

#include <fmt/core.h>

#include <cmath>

#include "cli/bench_bytes.h"
#include "cli/peak_memory.h"
#include "cli/random_batch.h"
#include "core/executor/executor.h"
#include "core/support/error.h"

namespace fovea::cli {
namespace {

constexpr std::uint64_t seed = 1;
// So small that weights hardly move and no number overflows, however long the same batch is trained on.
constexpr SgdOptions sgd{.learning_rate = 1e-4f, .momentum = 0.9f};

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

PlanOptions plan_options(const Model& model, Phase phase, std::int64_t batch) {
  const bool training = phase == Phase::training;
  return {.batch = batch, .training = training, .target = training ? model.loss : model.logits};
}

NetTiming time_net(const Model& model, Backend& backend, Phase phase, std::int64_t batch,
                   const TimingOptions& options) {
  const bool training = phase == Phase::training;
  forget_peak_memory();
  const ParameterLayout layout = ParameterLayout::of(model.graph);
  const auto weights = std::make_shared<ParameterArena>(layout, backend.memory());
  initialise(*weights, seed);
  Executor executor(model.graph, backend, weights, plan_options(model, phase, batch));
  const std::vector<Shape> shapes = model.graph.shapes(batch);
  executor.set_input(model.image, random_values(shapes[static_cast<std::size_t>(model.image)]));
  std::optional<ParameterArena> momenta;
  if (training) {
    executor.set_input(model.label, random_labels(shapes[static_cast<std::size_t>(model.label)], model.classes()));
    momenta.emplace(layout, backend.memory());
  }

  Ops& optimizer = *backend.choose("sgd", Direction::forward, {}).ops;
  std::int64_t steps = 0;
  const auto step = [&] {
    executor.set_random(seed, steps++);
    executor.forward();
    if (!training) return;
    executor.backward();
    optimizer.sgd_step(sgd, weights->trained(), executor.gradients()->trained(), momenta->trained());
  };
  NetTiming result;
  const std::uint64_t executed = backend.executed();
  result.step = measure(backend, options, step);
  result.operations = static_cast<std::int64_t>(backend.executed() - executed) / steps;
  result.peak_bytes = peak_memory();
  if (training) {
    const float loss = executor.read(model.loss).span<float>()[0];
    if (!std::isfinite(loss))
      throw Error(fmt::format("net '{}': the loss is {} after {} steps; times of such numbers mean nothing",
                              model.graph.name(), loss, steps));
  }

  const std::size_t arenas = training ? 3 : 1;  // weights; gradients and momenta
  result.batch = batch;
  result.flops = (training ? 3 : 1) * 2 * macs_of(model) * batch;
  result.bytes = bytes_of(executor.plan(), layout) + (training ? bytes_of_sgd(layout) : 0);
  result.planned_bytes =
      executor.plan().arena_bytes + arenas * static_cast<std::size_t>(layout.elements) * sizeof(float);
  return result;
}

}  // namespace fovea::cli
