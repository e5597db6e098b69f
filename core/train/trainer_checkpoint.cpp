// SPDX-License-Identifier: Apache-2.0
//
// What a trainer saves, and how it goes on from there.
#include <fmt/core.h>

#include <map>

#include "core/graph/net_file.h"
#include "core/support/error.h"
#include "core/train/trainer.h"

namespace fovea {

Checkpoint Trainer::checkpoint() const {
  Checkpoint c;
  c.net = write_net(model_.graph);
  c.sample_shape = data_.sample_shape();
  c.class_names = data_.class_names();
  c.normalization = normalization_;
  c.step = step_;
  c.epoch = step_ / steps_per_epoch();
  const bool mid_epoch = step_ % steps_per_epoch() != 0;
  c.epoch_samples = mid_epoch ? epoch_samples_ : 0;
  c.epoch_correct = mid_epoch ? epoch_correct_ : 0;
  c.epoch_loss = mid_epoch ? epoch_loss_ : 0;
  c.options = options_;
  c.options.max_steps = -1;
  c.data = data_identity_;
  c.device = backend_.name();
  c.engines = backend_.picked_engines();
  if (options_.schedule.kind == ScheduleKind::plateau) c.plateau = plateau_;
  if (scaler_) c.loss_scale = scaler_->state();
  const auto& entries = weights_->layout().entries;
  for (std::size_t i = 0; i < entries.size(); ++i)
    (entries[i].trained ? c.weights : c.state).emplace_back(entries[i].name, weights_->get(i));
  for (const Optimizer::Slot& slot : optimizer_->slots()) {
    c.slots.emplace_back(slot.name, Checkpoint::Tensors{});
    for (std::size_t i = 0; i < c.weights.size(); ++i)
      c.slots.back().second.emplace_back(entries[i].name, slot.arena->get(i));
  }
  for (std::size_t i = 0; average_ && i < entries.size(); ++i)
    c.average.emplace_back(entries[i].name, average_->get(i));
  return c;
}

void Trainer::resume(const Checkpoint& c, const std::string& path) {
  const auto same = [&](bool equal, const std::string& what, const auto& expected, const auto& got) {
    require(equal, [&] {
      return fmt::format("{}: cannot resume: {} was {} in the checkpoint and is {} now", path, what, expected, got);
    });
  };
  const std::string net = write_net(model_.graph);
  require(c.net == net, [&] {
    return fmt::format("{}: cannot resume: it holds another net:\n{}--- expected:\n{}", path, c.net, net);
  });
  same(c.data == data_identity_, "the data set", c.data, data_identity_);
  same(c.normalization == normalization_, "the data's normalization", fmt::format("{}", c.normalization.mean.at(0)),
       fmt::format("{}", normalization_.mean.at(0)));
  require_same_run(c.options, options_, path);
  // The executors' plans were made with what the backend had picked; elsewhere a run ends in other bits anyway.
  require(c.device != backend_.name() || c.engines == backend_.picked_engines(), [&] {
    return fmt::format(
        "{}: cannot resume: the engines of its layers are others than those that were picked on {}; "
        "use_engines_of() picks them before the trainer is made",
        path, backend_.name());
  });
  bool whole = c.slots.size() == optimizer_->slots().size() && c.average.empty() == !average_;
  for (std::size_t i = 0; whole && i < c.slots.size(); ++i) whole = c.slots[i].first == optimizer_->slots()[i].name;
  require(whole || c.weights.empty(), [&] {
    return fmt::format("{}: cannot resume: what the optimizer or the average remembers is missing", path);
  });
  require(c.loss_scale.has_value() == scaler_.has_value(),
          [&] { return fmt::format("{}: cannot resume: the loss scale is missing, or one too many", path); });

  load_weights(c, path, *weights_);  // which says what is wrong where names are
  std::map<std::string_view, std::size_t> numbers;
  for (const ParameterLayout::Entry& entry : weights_->layout().entries) numbers.emplace(entry.name, numbers.size());
  const auto restore = [&](const Checkpoint::Tensors& from, ParameterArena& to) {
    for (const auto& [name, tensor] : from) to.set(numbers.at(name), tensor);
  };
  for (std::size_t i = 0; i < c.slots.size(); ++i) restore(c.slots[i].second, *optimizer_->slots()[i].arena);
  if (average_) restore(c.average, *average_);
  if (c.plateau) plateau_ = *c.plateau;
  if (c.loss_scale) scaler_.emplace(*c.loss_scale);
  step_ = c.step;
  epoch_samples_ = c.epoch_samples;
  epoch_correct_ = c.epoch_correct;
  epoch_loss_ = c.epoch_loss;
}

}  // namespace fovea
