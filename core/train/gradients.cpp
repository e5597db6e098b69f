// SPDX-License-Identifier: Apache-2.0
#include "core/train/gradients.h"

#include <algorithm>
#include <cmath>
#include <span>

namespace fovea {

Gradients::Gradients(Backend& backend, std::shared_ptr<ParameterArena> arena, const std::vector<ParameterRun>& runs)
    : backend_(backend), arena_(std::move(arena)), runs_(merged(runs)) {
  results_ = Tensor(Shape{static_cast<std::int64_t>(runs_.size())}, DType::i64, backend.memory());
}

std::size_t Gradients::scratch_bytes(Backend& backend, const std::vector<ParameterRun>& runs, bool norms) {
  const std::vector<ParameterRun> parts = merged(runs);
  std::size_t workspace = 1;
  for (const ParameterRun& run : parts) {
    workspace = std::max(workspace, ops(backend, "nonfinite").nonfinite_workspace(run.elements));
    if (norms) workspace = std::max(workspace, ops(backend, "sum_of_squares").sum_of_squares_workspace(run.elements));
  }
  return parts.size() * size_of(DType::i64) + workspace;
}

Workspace Gradients::workspace(std::size_t bytes) {
  if (workspace_.empty() || workspace_.bytes() < bytes) {
    workspace_ = {};  // before a larger one asks for memory
    workspace_ =
        Tensor(Shape{static_cast<std::int64_t>(std::max<std::size_t>(bytes, 1))}, DType::u8, backend_.memory());
  }
  return {workspace_.view().data, workspace_.bytes()};
}

View Gradients::result(DType dtype, std::size_t i) {
  View view = results_.view();
  view.data = static_cast<char*>(view.data) + i * size_of(dtype);
  view.dtype = dtype;
  view.shape = Shape{1};
  return view;
}

void Gradients::accumulate(ParameterArena& g, double share, bool first) {
  for (const ParameterRun& run : runs_) {
    const View from = part_of(g.trained(), run), to = part_of(arena_->trained(), run);
    if (share != 1) ops("gradient_clip").gradient_scale(share, from);
    if (first)
      backend_.memory()->copy(to.data, from.data, to.bytes());
    else
      ops("add").add_forward(to, from, to);
  }
}

std::optional<std::string> Gradients::first_nonfinite() {
  Ops& searching = ops("nonfinite");
  for (std::size_t i = 0; i < runs_.size(); ++i)
    searching.nonfinite(part_of(arena_->trained(), runs_[i]), result(DType::i64, i),
                        workspace(searching.nonfinite_workspace(runs_[i].elements)));
  const Tensor found = results_.to_host();
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    const std::int64_t at = found.span<std::int64_t>()[i];
    if (at < 0) continue;
    const auto& entries = arena_->layout().entries;
    std::size_t entry = 0;
    while (entry + 1 < entries.size() && entries[entry + 1].offset <= runs_[i].first + at) ++entry;
    return entries[entry].name;
  }
  return std::nullopt;
}

double Gradients::norm() {
  Ops& summing = ops("sum_of_squares");
  for (std::size_t i = 0; i < runs_.size(); ++i)
    summing.sum_of_squares(part_of(arena_->trained(), runs_[i]), result(DType::f64, i),
                           workspace(summing.sum_of_squares_workspace(runs_[i].elements)));
  const Tensor bits = results_.to_host();
  double sum = 0;
  for (const double part : std::span(static_cast<const double*>(bits.view().data), runs_.size())) sum += part;
  return std::sqrt(sum);
}

void Gradients::clip_norm(double limit) {
  const double factor = limit / (norm() + 1e-6);
  if (!(factor >= 1)) scale(factor);
}

void Gradients::scale(double factor) {
  for (const ParameterRun& run : runs_) ops("gradient_clip").gradient_scale(factor, part_of(arena_->trained(), run));
}

void Gradients::clip_value(double limit) {
  for (const ParameterRun& run : runs_) ops("gradient_clip").gradient_clamp(limit, part_of(arena_->trained(), run));
}

}  // namespace fovea
