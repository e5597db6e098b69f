// SPDX-License-Identifier: Apache-2.0
#include "core/train/gradients.h"

#include <algorithm>
#include <cmath>

namespace fovea {

namespace {

// Number i of a flat tensor.
View one_of(Tensor& numbers, std::size_t i) {
  View view = numbers.view();
  view.data = static_cast<char*>(view.data) + i * size_of(view.dtype);
  view.shape = Shape{1};
  return view;
}

}  // namespace

Gradients::Gradients(Backend& backend, std::shared_ptr<ParameterArena> arena, const std::vector<ParameterRun>& runs)
    : backend_(backend), arena_(std::move(arena)), runs_(merged(runs)) {
  const auto count = static_cast<std::int64_t>(runs_.size());
  found_ = Tensor(Shape{count + 1}, DType::i64, backend.memory());
  halt_ = Tensor(Shape{1}, DType::i64, backend.memory());
  go_on();
}

std::size_t Gradients::scratch_bytes(Backend& backend, const std::vector<ParameterRun>& runs, bool norms) {
  const std::vector<ParameterRun> parts = merged(runs);
  std::size_t workspace = std::max<std::size_t>(1, ops(backend, "nonfinite").nonfinite_workspace(1));
  for (const ParameterRun& run : parts) {
    workspace = std::max(workspace, ops(backend, "nonfinite").nonfinite_workspace(run.elements));
    if (norms) workspace = std::max(workspace, ops(backend, "sum_of_squares").sum_of_squares_workspace(run.elements));
  }
  const std::size_t searches = (parts.size() + 2) * size_of(DType::i64);
  return searches + (norms ? parts.size() * size_of(DType::f64) + size_of(DType::f32) : 0) + workspace;
}

Workspace Gradients::workspace(std::size_t bytes) {
  if (workspace_.empty() || workspace_.bytes() < bytes) {
    workspace_ = {};  // before a larger one asks for memory
    workspace_ =
        Tensor(Shape{static_cast<std::int64_t>(std::max<std::size_t>(bytes, 1))}, DType::u8, backend_.memory());
  }
  return {workspace_.view().data, workspace_.bytes()};
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

void Gradients::search_loss(ConstView loss) {
  Ops& searching = ops("nonfinite");
  const View found = one_of(found_, runs_.size());
  searching.nonfinite(loss, found, workspace(searching.nonfinite_workspace(1)));
  ops("halt").halt_if_found(found, halt_.view());
}

void Gradients::search() {
  Ops& searching = ops("nonfinite");
  for (std::size_t i = 0; i < runs_.size(); ++i)
    searching.nonfinite(part_of(arena_->trained(), runs_[i]), one_of(found_, i),
                        workspace(searching.nonfinite_workspace(runs_[i].elements)));
  View found = found_.view();
  found.shape = Shape{static_cast<std::int64_t>(runs_.size())};
  if (!runs_.empty()) ops("halt").halt_if_found(found, halt_.view());
}

void Gradients::go_on() {
  constexpr std::int64_t none = -1;
  backend_.memory()->send_from_host(halt_.view().data, &none, sizeof none);
}

std::optional<std::string> Gradients::first_nonfinite(const Tensor& found) const {
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

void Gradients::scale(ConstView factor) {
  for (const ParameterRun& run : runs_) ops("gradient_clip").gradient_scale_by(factor, part_of(arena_->trained(), run));
}

void Gradients::scale(double factor) {
  for (const ParameterRun& run : runs_) ops("gradient_clip").gradient_scale(factor, part_of(arena_->trained(), run));
}

// One sum for each run, in squares_.
void Gradients::sum_squares() {
  if (squares_.empty()) {
    squares_ = Tensor(Shape{static_cast<std::int64_t>(runs_.size())}, DType::f64, backend_.memory());
    factor_ = Tensor(Shape{1}, DType::f32, backend_.memory());
  }
  Ops& summing = ops("sum_of_squares");
  for (std::size_t i = 0; i < runs_.size(); ++i)
    summing.sum_of_squares(part_of(arena_->trained(), runs_[i]), one_of(squares_, i),
                           workspace(summing.sum_of_squares_workspace(runs_[i].elements)));
}

double Gradients::norm() {
  sum_squares();
  double sum = 0;
  const Tensor squares = squares_.to_host();
  for (const double part : squares.span<double>()) sum += part;
  return std::sqrt(sum);
}

void Gradients::clip_norm(double limit) {
  if (runs_.empty()) return;
  sum_squares();
  ops("gradient_clip").norm_factor(limit, squares_.view(), factor_.view());
  scale(factor_.view());
}

void Gradients::clip_value(double limit) {
  for (const ParameterRun& run : runs_) ops("gradient_clip").gradient_clamp(limit, part_of(arena_->trained(), run));
}

}  // namespace fovea
