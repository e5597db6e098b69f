// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>

#include "core/compare/net_run.h"

namespace fovea {

// Follows the tolerance of every value through a net, step by step beside the float64 truth. In isolated comparisons
// inputs are exact, so forget() is called before each step.
class ToleranceFollower {
 public:
  // `dtype`: what the devices store values as.
  explicit ToleranceFollower(NetRun& truth, DType dtype = DType::f32) : truth_(truth), dtype_(dtype) {}

  // Tolerances of results_of(truth, step), in that order; the step has just been run on the truth.
  // `accumulated` is the sum's value before an accumulate step, which overwrites it.
  std::vector<Uncertain> after(const PlanStep& step, const Uncertain& accumulated);
  Uncertain value(const BufferUse& use);
  void forget() { tolerances_.clear(); }

  std::int64_t undecided = 0, decisions = 0;

 private:
  std::vector<Uncertain> inputs_of(const PlanStep& step);
  std::vector<Uncertain> parameters_of(const PlanStep& step);
  std::vector<Uncertain> after_forward(const PlanStep& step);
  std::vector<Uncertain> after_backward(const PlanStep& step);
  void remember(const BufferUse& use, const Uncertain& value) { tolerances_[use.buffer] = value.tolerance; }

  NetRun& truth_;
  DType dtype_;
  std::map<BufferId, Tensor> tolerances_;
};

}  // namespace fovea
