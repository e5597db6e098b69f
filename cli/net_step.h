// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <optional>

#include "core/executor/executor.h"
#include "core/train/step_values.h"

namespace fovea::cli {

// What is planned for a net: its logits, or the backward pass from its loss.
PlanOptions plan_options(const Model& model, Phase phase, std::int64_t batch, DType dtype = DType::f32,
                         PlanPasses passes = {});

// A net on one random batch, made once and resident on the device, to be measured: a forward pass for inference, or a
// whole training step, which is forward, backward and SGD with momentum 0.9. Nothing waits for the device.
class NetStep {
 public:
  // Throws InputError when the net cannot be planned.
  NetStep(const Model& model, Backend& backend, const PlanOptions& options);

  void run();
  // The parts of run(), in this order.
  void forward();
  void backward();  // training only
  void update();    // likewise

  // Captures run() once, after a run; from then on replay() does the same, with the numbers of a step of its own. Throws
  // DeviceError where Backend::no_capture().
  void capture();
  void replay();

  std::int64_t steps() const { return steps_; }  // so far
  Executor& executor() { return *executor_; }
  const ParameterLayout& layout() const { return weights_->layout(); }
  // Runs once more and tells what the device's runtime did; nullopt, and nothing is run, where it has none.
  std::optional<RuntimeCounts> counted_run();
  // Throws Error when the last step's loss is not finite: times of such numbers mean nothing.
  void require_finite_loss();

 private:
  bool training() { return executor_->plan().options.training; }

  const Model& model_;
  Backend& backend_;
  std::shared_ptr<ParameterArena> weights_;
  std::unique_ptr<Executor> executor_;
  std::optional<ParameterArena> momenta_;
  Ops& optimizer_;
  StepValues values_;
  std::unique_ptr<Captured> captured_;
  std::int64_t steps_ = 0;
};

}  // namespace fovea::cli
