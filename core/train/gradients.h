// SPDX-License-Identifier: Apache-2.0
//
// What may happen to gradients between the backward pass and the step: added up over micro-batches, looked through for
// NaN, clipped. All of it where they lie, and nobody waits: what a search has found the host may read when it likes, and
// the device stops the step by itself (core/ops/halt.h).
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/backend/backend.h"
#include "core/executor/parameters.h"
#include "core/train/parameter_groups.h"

namespace fovea {

class Gradients {
 public:
  // `runs` are the trained parts; what is frozen is neither counted nor changed. The backend must outlive this object.
  Gradients(Backend& backend, std::shared_ptr<ParameterArena> arena, const std::vector<ParameterRun>& runs);

  // The device memory that an object takes beside the arena; `norms`: norm() or clip_norm() will be called.
  static std::size_t scratch_bytes(Backend& backend, const std::vector<ParameterRun>& runs, bool norms);

  ParameterArena& arena() { return *arena_; }
  // arena = share * g at first, later arena += share * g. Changes g.
  void accumulate(ParameterArena& g, double share, bool first);
  // Looks for values that are not finite: in the gradients, and in a loss [1] as soon as there is one. What is found halts.
  void search_loss(ConstView loss);
  void search();
  // What the last searches found, i64, and what they halt, [1] i64: while it is negative, as at first, steps are made.
  const Tensor& found() const { return found_; }
  View halt() { return halt_.view(); }
  void go_on();  // after a halt
  // Of found(), on the host: the name of the first parameter whose gradient is not finite; none: all are finite.
  std::optional<std::string> first_nonfinite(const Tensor& found) const;
  // The root of the sum of all squares. Waits for it.
  double norm();
  // Each element times `factor`: a number, or one in the backend's memory, [1] f32.
  void scale(double factor);
  void scale(ConstView factor);
  // torch.nn.utils.clip_grad_norm_: times limit / (norm + 1e-6), where that is below 1.
  void clip_norm(double limit);
  // torch.nn.utils.clip_grad_value_: each element into [-limit, limit].
  void clip_value(double limit);

 private:
  static Ops& ops(Backend& backend, std::string_view op) { return *backend.choose(op, Direction::forward, {}).ops; }
  Ops& ops(std::string_view op) { return ops(backend_, op); }
  Workspace workspace(std::size_t bytes);
  void sum_squares();

  Backend& backend_;
  std::shared_ptr<ParameterArena> arena_;
  std::vector<ParameterRun> runs_;  // merged
  Tensor found_, halt_;             // of each run, and behind them of the loss
  Tensor squares_, factor_;         // of each run; for clip_norm()
  Tensor workspace_;
};

}  // namespace fovea
