// SPDX-License-Identifier: Apache-2.0
#include "cli/net_step.h"

#include <fmt/core.h>

#include <cmath>

#include "cli/random_batch.h"
#include "core/support/error.h"

namespace fovea::cli {
namespace {

constexpr std::uint64_t step_seed = 1;
// So small that weights hardly move and no number overflows, however long the same batch is trained on.
constexpr SgdOptions step_sgd{.learning_rate = 1e-4f, .momentum = 0.9f};

}  // namespace

PlanOptions plan_options(const Model& model, Phase phase, std::int64_t batch, DType dtype, PlanPasses passes) {
  const bool training = phase == Phase::training;
  return {.batch = batch,
          .training = training,
          .target = training ? model.loss : model.logits,
          .dtype = dtype,
          .passes = passes,
          .kept_copies = passes.keep_copies(training, dtype)};
}

NetStep::NetStep(const Model& model, Backend& backend, const PlanOptions& options)
    : model_(model),
      backend_(backend),
      weights_(std::make_shared<ParameterArena>(ParameterLayout::of(model.graph), backend.memory(), DType::f32,
                                                options.kept_copies ? options.dtype : DType::f32)),
      optimizer_(*backend.choose("sgd", Direction::forward, {}).ops),
      values_(backend, 0) {
  initialise(*weights_, step_seed);
  executor_ = std::make_unique<Executor>(model.graph, backend, weights_, options);
  const std::vector<Shape> shapes = model.graph.shapes(options.batch);
  executor_->set_input(model.image, random_values(shapes[static_cast<std::size_t>(model.image)]));
  if (!options.training) return;
  executor_->set_input(model.label, random_labels(shapes[static_cast<std::size_t>(model.label)], model.classes()));
  momenta_.emplace(layout(), backend.memory());
}

void NetStep::run() {
  forward();
  if (!training()) return;
  backward();
  update();
}

void NetStep::forward() {
  executor_->set_random(step_seed, steps_++);
  executor_->forward();
}

void NetStep::capture() {
  run();                                                            // plans and scratch memory of the engines
  executor_->set_random(step_seed, steps_, values_.random_step());  // of each step as it is replayed
  captured_ = backend_.capture([this] {
    executor_->forward();
    if (!training()) return;
    backward();
    update();
  });
}

void NetStep::replay() {
  values_.send(steps_++, 1, {});
  captured_->replay();
}

void NetStep::backward() { executor_->backward(); }

void NetStep::update() {
  optimizer_.sgd_step(step_sgd, weights_->trained(), executor_->gradients()->trained(), momenta_->trained(),
                      weights_->copy());
}

std::optional<RuntimeCounts> NetStep::counted_run() {
  const std::optional<RuntimeCounts> before = backend_.counts();
  if (!before) return std::nullopt;
  run();
  return *backend_.counts() - *before;
}

void NetStep::require_finite_loss() {
  if (!training()) return;
  const float loss = executor_->read(model_.loss).span<float>()[0];
  if (!std::isfinite(loss))
    throw Error(fmt::format("net '{}': the loss is {} after {} steps; times of such numbers mean nothing",
                            model_.graph.name(), loss, steps_));
}

}  // namespace fovea::cli
