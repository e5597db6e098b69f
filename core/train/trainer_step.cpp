// SPDX-License-Identifier: Apache-2.0
//
// A step on the device, and what becomes of its results on the host.
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "core/train/trainer.h"

namespace fovea {
namespace {

// Adds the seconds that it lives.
class Stopwatch {
 public:
  explicit Stopwatch(double& seconds) : seconds_(seconds) {}
  ~Stopwatch() { seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  double& seconds_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace

std::string Trainer::not_captured() const {
  if (!options_.capture) return "it was not asked for";
  if (std::string why = backend_.no_capture(); !why.empty()) return why;
  if (options_.adds_up_gradients()) return "a step is computed in pieces";
  if (!inject_.empty()) return "a fault is put into every step";
  return "";
}

bool Trainer::step() {
  if (!enqueue()) return false;
  settle();
  return true;
}

bool Trainer::enqueue() {
  const std::int64_t step = next_step(), position = step % steps_per_epoch();
  if (step / steps_per_epoch() >= options_.epochs || (options_.max_steps >= 0 && step >= options_.max_steps)) {
    settle();
    return false;
  }
  const Stopwatch watch(seconds_);
  const std::int64_t samples = std::min(samples_per_step(), data_.size() - position * samples_per_step());
  under_way_.push_back(options_.adds_up_gradients() ? enqueue_in_pieces(samples) : enqueue_at_once(samples));
  // The next scale of the loss, and the next epoch's learning rate, may depend on what this step has found.
  const bool goes_on = under_way_.back().replayed && !scaler_ && position + 1 < steps_per_epoch();
  while (under_way_.size() > (goes_on ? steps_ahead : 0)) settle_first();
  return true;
}

void Trainer::settle() {
  const Stopwatch watch(seconds_);
  while (!under_way_.empty()) settle_first();
}

// What the device is told before it computes a piece.
Executor& Trainer::send(const Batch& piece) {
  Executor& executor = *executors_.at(piece.images.shape()[0]);
  executor.set_input(trained_.image, piece.images);
  executor.set_input(trained_.label, piece.labels);
  executor.set_random(options_.seed, random_step(), values_->random_step());
  executor.set_loss_scale(loss_scale());
  values_->send(random_step(), 1 / loss_scale(), optimizer_->factors(learning_rate(), steps_made() + 1));
  return executor;
}

// Forward updates it.
void Trainer::keep_state() {
  if (const View state = weights_->state())
    backend_.memory()->copy(state_before_.view().data, state.data, state.bytes());
}

void Trainer::compute_gradients(Executor& executor) {
  executor.forward();
  gradients_->search_loss(executor.value(trained_.loss));
  executor.backward();
}

// What a halt leaves as it was before the step: weights, state, and what the optimizer and the average remember.
void Trainer::update_weights() {
  gradients_->search();
  const View halt = gradients_->halt();
  if (scaler_) gradients_->scale(values_->unscale());
  if (options_.clip_norm > 0) gradients_->clip_norm(options_.clip_norm);
  if (options_.clip_value > 0) gradients_->clip_value(options_.clip_value);
  optimizer_->step(*weights_, gradients_->arena(), learning_rate(), steps_made() + 1,
                   {.factors = values_->factors(), .halt = halt});
  if (const View state = weights_->state())
    backend_.choose("halt", Direction::forward, {}).ops->restore_if_halted(halt, state_before_.view(), state);
  if (!average_) return;
  const View average = average_->all();
  if (steps_made() == 0)  // the average of one; or of none, where it is halted
    backend_.memory()->copy(average.data, weights_->all().data, average.bytes());
  else
    backend_.choose("average", Direction::forward, {}).ops->average_step(options_.ema, average, weights_->all(), halt);
}

// A step of one piece: told to the device call by call at first, when engines make their plans and scratch memory, then
// captured and replayed. The very first step of an average is another one.
Trainer::UnderWay Trainer::enqueue_at_once(std::int64_t samples) {
  batch_of_step_ = piece_of_batch_ = 0;
  Batch batch = load();
  const Batch piece = piece_of(batch, 0);
  UnderWay step{.samples = samples, .learning_rate = learning_rate()};
  Executor& executor = send(piece);
  const auto work = [&] {
    keep_state();
    compute_gradients(executor);
    update_weights();
  };
  step.replayed = warm_.contains(samples) && !(average_ && steps_made() == 0) && not_captured().empty();
  if (step.replayed) {
    std::unique_ptr<Captured>& captured = captured_[samples];
    if (!captured) captured = backend_.capture(work);
    captured->replay();
  } else {
    work();
    warm_.insert(samples);
  }
  step.pieces.push_back(fetch(executor, piece, true));
  loader_->recycle(std::move(batch));
  return step;
}

Trainer::UnderWay Trainer::enqueue_in_pieces(std::int64_t samples) {
  UnderWay step{.samples = samples, .learning_rate = learning_rate()};
  keep_state();
  for (std::int64_t done = 0; done < samples; done += options_.batch) {
    const std::int64_t count = std::min(options_.batch, samples - done);
    batch_of_step_ = done / options_.batch;
    Batch batch = load();
    for (std::int64_t first = 0; first < count; first += options_.piece()) {
      piece_of_batch_ = first / options_.piece();
      const Batch piece = piece_of(batch, first);
      const std::int64_t images = piece.images.shape()[0];
      Executor& executor = send(piece);
      compute_gradients(executor);
      // Each piece's gradient is the mean over its samples; the step's is the mean over all of them.
      gradients_->accumulate(*executor.gradients(), static_cast<double>(images) / static_cast<double>(samples),
                             step.pieces.empty());
      const bool last = done + first + images == samples;
      if (last) update_weights();
      step.pieces.push_back(fetch(executor, piece, last));
    }
    loader_->recycle(std::move(batch));
  }
  return step;
}

Trainer::Piece Trainer::fetch(Executor& executor, const Batch& piece, bool last) {
  std::vector<ConstView> values{executor.value(trained_.loss), executor.value(trained_.logits)};
  if (last) values.push_back(gradients_->found().view());
  // The labels' memory goes back to the loader.
  return {batch_of_step_, piece_of_batch_, piece.labels.to_host(), backend_.memory()->fetch_to_host(values)};
}

void Trainer::settle_first() {
  const UnderWay step = std::move(under_way_.front());
  under_way_.erase(under_way_.begin());
  Sums sums;
  for (const Piece& piece : step.pieces) {
    const std::vector<Tensor>& values = piece.arrival->wait();
    batch_of_step_ = piece.batch, piece_of_batch_ = piece.piece;  // the one that has failed, where one has
    const double loss = values[0].span<float>()[0];
    if (!std::isfinite(loss)) fail_step(fmt::format("the loss is {}", loss));
    sums.loss += loss * static_cast<double>(piece.labels.shape()[0]);
    const bool targets = piece.labels.dtype() == DType::f32;
    const std::vector<std::int32_t> largest = targets ? labels_of_targets(piece.labels) : std::vector<std::int32_t>();
    const auto labels = targets ? std::span<const std::int32_t>(largest) : piece.labels.span<std::int32_t>();
    const Tensor logits = values[1].layout() == Layout::nchw ? values[1] : values[1].in_layout(Layout::nchw);
    sums.correct += count_correct(logits, labels);
    sums.labels += static_cast<std::int64_t>(labels.size());
  }
  const std::optional<std::string> name = gradients_->first_nonfinite(step.pieces.back().arrival->wait().back());
  if (name) skip_step(*name);
  count_step(step, sums, name.has_value());
}

// The gradient of `name` is not finite. Where it was scaled it may have overflowed for that reason alone: the device has
// left everything as it was before the step, and only the scale changes.
void Trainer::skip_step(const std::string& name) {
  if (!scaler_) fail_step(fmt::format("the gradient of '{}' is not finite", name));
  if (!scaler_->can_fall())
    fail_step(fmt::format("the gradient of '{}' is not finite with a loss scale of {}, which cannot fall below 1", name,
                          scaler_->scale()));
  gradients_->go_on();
}

void Trainer::count_step(const UnderWay& step, const Sums& sums, bool skipped) {
  const std::int64_t epoch = step_ / steps_per_epoch(), position = step_ % steps_per_epoch();
  const std::string scaling =
      scaler_ ? fmt::format(", \"loss_scale\": {}, \"skipped\": {}", scaler_->scale(), skipped) : "";
  metrics_ +=
      fmt::format("{{\"step\": {}, \"epoch\": {}, \"loss\": {}, \"accuracy\": {}, \"learning_rate\": {}{}}}\n",
                  step_ + 1, epoch + 1, static_cast<float>(sums.loss / static_cast<double>(step.samples)),
                  static_cast<double>(sums.correct) / static_cast<double>(sums.labels), step.learning_rate, scaling);
  if (scaler_) scaler_->update(!skipped);
  if (position == 0) epoch_samples_ = epoch_correct_ = 0, epoch_loss_ = 0;
  epoch_samples_ += step.samples;
  epoch_correct_ += sums.correct;
  epoch_loss_ += sums.loss;
  last_learning_rate_ = step.learning_rate;
  timed_images_ += step.samples;
  ++step_;
  batch_of_step_ = piece_of_batch_ = 0;
  if (position + 1 < steps_per_epoch()) return;
  finished_epoch_loss_ = epoch_loss_ / static_cast<double>(epoch_samples_);
  plateau_ = after_epoch(options_.schedule, plateau_, finished_epoch_loss_);
}

// Steps behind the failed one found the device halted and changed nothing: they are taken back by forgetting them.
void Trainer::fail_step(const std::string& what) {
  under_way_.clear();
  gradients_->go_on();
  throw NonFiniteError(
      fmt::format("training diverged: {} at step {} (epoch {}); the weights are those of step {}. Try a smaller "
                  "learning rate than {}",
                  what, step_ + 1, step_ / steps_per_epoch() + 1, step_, learning_rate()));
}

}  // namespace fovea
