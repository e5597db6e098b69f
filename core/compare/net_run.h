// SPDX-License-Identifier: Apache-2.0
//
// A model on one backend with every buffer kept, driven step by step: what compare and gradcheck are made of.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/data/dataset.h"
#include "core/executor/executor.h"
#include "core/tolerance/uncertain.h"

namespace fovea {

class NetRun {
 public:
  // `weights` are host tensors in ParameterLayout order. The backend must outlive the run. `layouts`: PlanPasses::layouts.
  NetRun(const Model& model, Backend& backend, const std::vector<Tensor>& weights, const Batch& batch, DType dtype,
         bool input_gradient = false, bool layouts = true);

  Executor& executor() { return *executor_; }
  ParameterArena& weights() { return *weights_; }
  const Plan& plan() const { return executor_->plan(); }
  // The steps that layers take, in order: the same on every device. Conversions of layout and type, which are not, come
  // with the step that they precede.
  std::size_t steps() const { return steps_.size(); }
  const PlanStep& step(std::size_t i) const { return plan().steps[steps_[i]]; }
  // Makes what step `i` reads, then (run) does it.
  void prepare(std::size_t i);
  void run(std::size_t i);
  // State entry `i` as it was before the last step that was run.
  const Tensor& previous_state(std::size_t i) const { return previous_state_.at(i); }
  // The random numbers that a step draws.
  RandomKey random(const PlanStep& step) const { return {.layer = static_cast<std::uint16_t>(step.node)}; }

 private:
  std::shared_ptr<ParameterArena> weights_;
  std::unique_ptr<Executor> executor_;
  std::vector<std::size_t> steps_;  // indices into plan().steps
  std::map<std::size_t, Tensor> previous_state_;
};

// A tensor that a step produced, and how to find it again on another run of the same graph.
struct StepResult {
  std::string tensor;                    // "output", "index", "running_mean", "input_gradient", "weight_gradient"
  BufferUse use;                         // of this run, or
  std::size_t parameter = no_parameter;  // the gradient of this parameter, or
  std::size_t state = no_parameter;      // this state
  static constexpr std::size_t no_parameter = static_cast<std::size_t>(-1);
};
std::vector<StepResult> results_of(NetRun& run, const PlanStep& step);
Tensor read(NetRun& run, const StepResult& result);

// The buffers that a step reads.
std::vector<BufferUse> reads_of(const PlanStep& step);

}  // namespace fovea
