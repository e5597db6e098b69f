// SPDX-License-Identifier: Apache-2.0
//
// A model on one backend with every buffer kept, driven step by step: what compare and gradcheck are made of.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/data/dataset.h"
#include "core/executor/executor.h"
#include "core/tolerance/uncertain.h"

namespace fovea {

class NetRun {
 public:
  // `weights` are host tensors in ParameterLayout order. The backend must outlive the run.
  NetRun(const Model& model, Backend& backend, const std::vector<Tensor>& weights, const Batch& batch, DType dtype,
         bool input_gradient = false);

  Executor& executor() { return *executor_; }
  ParameterArena& weights() { return *weights_; }
  const Plan& plan() const { return executor_->plan(); }
  const PlanStep& step(std::size_t i) const { return plan().steps[i]; }
  void run(std::size_t i) { executor_->run(step(i)); }

 private:
  std::shared_ptr<ParameterArena> weights_;
  std::unique_ptr<Executor> executor_;
};

// A tensor that a step produced, and how to find it again on another run of the same graph.
struct StepResult {
  std::string tensor;                    // "output", "index", "input_gradient", "weight_gradient"
  BufferUse use;                         // of this run, or
  std::size_t parameter = no_parameter;  // the gradient of this parameter
  static constexpr std::size_t no_parameter = static_cast<std::size_t>(-1);
};
std::vector<StepResult> results_of(NetRun& run, const PlanStep& step);
Tensor read(NetRun& run, const StepResult& result);

// The buffers that a step reads.
std::vector<BufferUse> reads_of(const PlanStep& step);

}  // namespace fovea
