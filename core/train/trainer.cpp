// SPDX-License-Identifier: Apache-2.0
#include "core/train/trainer.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>

#include "core/graph/net_file.h"
#include "core/support/error.h"
#include "core/train/training_model.h"

namespace fovea {
namespace {

void require_fit(const Model& model, const Dataset& data) {
  const std::string& net = model.graph.name();
  require(data.sample_shape() == model.sample_shape(), [&] {
    return fmt::format("net '{}' expects images {} (channels, height, width), the data have {}", net,
                       model.sample_shape().to_string(), data.sample_shape().to_string());
  });
  const Shape& labels = model.graph.node(model.label).sample_shape;
  require(data.label_shape() == labels, [&] {
    return fmt::format("net '{}' expects labels {} for each sample, the data have {}", net, labels.to_string(),
                       data.label_shape().to_string());
  });
  require(data.classes() <= model.classes(), [&] {
    return fmt::format("net '{}' tells {} classes apart, the data have {}", net, model.classes(), data.classes());
  });
}

// The samples first, first + 1, ... of a host tensor.
Tensor samples_of(const Tensor& all, std::int64_t first, std::int64_t count) {
  if (count == all.shape()[0]) return all;
  const std::size_t sample = all.bytes() / static_cast<std::size_t>(all.shape()[0]);
  Tensor part(all.shape().without_batch().with_batch(count), all.dtype());
  const char* from = static_cast<const char*>(all.view().data) + static_cast<std::size_t>(first) * sample;
  host_memory()->copy(part.view().data, from, part.bytes());
  return part;
}

std::int64_t labels_per_sample(const Model& model) { return model.graph.node(model.label).sample_shape.elements(); }

}  // namespace

Trainer::Trainer(const Model& model, Backend& backend, const Dataset& data, std::string data_identity,
                 TrainOptions options, TrainingSets sets)
    : model_(model),
      trained_(training_model(model, options)),
      backend_(backend),
      data_(data),
      data_identity_(std::move(data_identity)),
      options_(std::move(options)),
      plateau_{.learning_rate = options_.optimizer.learning_rate} {
  require_fit(model, data);
  require(options_.batch >= 1 && options_.batch <= data.size(), [&] {
    return fmt::format("batch: expected 1 to {} (the training images), got {}", data.size(), options_.batch);
  });
  validate(options_);
  const std::int64_t warmup = warmup_steps(options_.schedule, steps_per_epoch());
  require(warmup == 0 || warmup < options_.epochs * steps_per_epoch(), [&] {
    return fmt::format("warmup: expected fewer steps than the training's {}, got {}",
                       options_.epochs * steps_per_epoch(), warmup);
  });
  normalization_ = measure_normalization(data, options_.unreadable);
  loader_ = std::make_unique<Loader>(data, normalization_,
                                     LoaderOptions{.batch = options_.batch,
                                                   .seed = options_.seed,
                                                   .augmentation = augmentation_of(options_),
                                                   .classes = model.classes(),
                                                   .augment_on_device = options_.augment_on_device,
                                                   .threads = options_.loader_threads,
                                                   .epochs = options_.epochs,
                                                   .unreadable = options_.unreadable});
  if (options_.augment_on_device)
    device_augmentation_ =
        std::make_unique<DeviceAugmentation>(augmentation_of(options_), normalization_, data.sample_shape(), backend);

  sets.training = data.size();
  memory_ = plan_memory(model, backend, options_, sets);
  const ParameterLayout layout = ParameterLayout::of(model.graph);
  const std::vector<ParameterRun> runs = parameter_runs(layout, options_.groups);
  weights_ = std::make_shared<ParameterArena>(layout, backend.memory());
  if (options_.ema > 0) average_ = std::make_shared<ParameterArena>(layout, backend.memory());
  optimizer_ = std::make_unique<Optimizer>(options_.optimizer, backend, layout, runs);
  initialise(*weights_, options_.seed, options_.init.empty() ? Initialization{} : Initialization::parse(options_.init));

  const auto gradients = std::make_shared<ParameterArena>(layout, backend.memory());
  arena_ = Tensor(Shape{static_cast<std::int64_t>(memory_.arena)}, DType::u8, backend.memory());
  for (const std::int64_t images : piece_sizes(data.size(), options_)) {
    const PlanOptions plan = pass_options(trained_, options_.precision, images, true);
    executors_[images] = std::make_unique<Executor>(trained_.graph, backend, weights_, plan, gradients, arena_);
  }
  // One piece a step: its gradients are the step's. Otherwise they are added up in an arena of their own.
  gradients_ = std::make_unique<Gradients>(
      backend, options_.adds_up_gradients() ? std::make_shared<ParameterArena>(layout, backend.memory()) : gradients,
      runs);
  if (const View state = weights_->state()) state_before_ = Tensor(state.shape, state.dtype, backend.memory());
  if (options_.precision == Precision::fp16) scaler_.emplace();
}

std::int64_t Trainer::steps_per_epoch() const { return (data_.size() + samples_per_step() - 1) / samples_per_step(); }

// Of the net's random numbers: each piece of each batch draws its own.
std::int64_t Trainer::random_step() const {
  const std::int64_t pieces = (options_.batch + options_.piece() - 1) / options_.piece();
  return (step_ * options_.accumulate + batch_of_step_) * pieces + piece_of_batch_;
}

// What the device computes at once of a batch: images as the net wants them, and labels.
Batch Trainer::piece_of(const Batch& batch, std::int64_t first) {
  const std::int64_t count = std::min(options_.piece(), batch.labels.shape()[0] - first);
  return {
      device_augmentation_ ? device_augmentation_->images(batch, first, count) : samples_of(batch.images, first, count),
      samples_of(batch.labels, first, count)};
}

// Where the loader keeps the batch that is computed.
Batch Trainer::load() {
  return loader_->batch(step_ / steps_per_epoch(), step_ % steps_per_epoch() * options_.accumulate + batch_of_step_);
}

void Trainer::inject(const std::string& layer) {
  for (const auto& [images, executor] : executors_) executor->inject(trained_.graph.find(layer));
  inject_ = layer;
}

Replay Trainer::replay() {
  Replay replay{.net = write_net(model_.graph),
                .data = data_identity_,
                .seed = options_.seed,
                .step = step_,
                .random_step = random_step(),
                .precision = options_.precision,
                .loss_scale = loss_scale(),
                .inject = inject_};
  const std::int64_t first = piece_of_batch_ * options_.piece();
  replay.batch = piece_of(load(), first);
  replay.batch.images = replay.batch.images.to_host();
  const std::vector<std::int64_t> samples =
      loader_->samples(step_ / steps_per_epoch(), step_ % steps_per_epoch() * options_.accumulate + batch_of_step_);
  replay.samples.assign(samples.begin() + first, samples.begin() + first + replay.batch.images.shape()[0]);
  for (std::size_t i = 0; i < weights_->layout().entries.size(); ++i)
    replay.weights.emplace_back(weights_->layout().entries[i].name, weights_->get(i));
  return replay;
}

double Trainer::learning_rate() const {
  const ScheduleClock clock{step_, options_.epochs * steps_per_epoch(), steps_per_epoch()};
  return learning_rate_at(options_.schedule, options_.optimizer.learning_rate, clock, plateau_);
}

bool Trainer::step() {
  const std::int64_t epoch = step_ / steps_per_epoch(), position = step_ % steps_per_epoch();
  if (epoch >= options_.epochs || (options_.max_steps >= 0 && step_ >= options_.max_steps)) return false;
  const auto start = std::chrono::steady_clock::now();
  const std::int64_t samples = std::min(samples_per_step(), data_.size() - position * samples_per_step());
  if (const View state = weights_->state())  // forward updates it
    backend_.memory()->copy(state_before_.view().data, state.data, state.bytes());
  const Sums sums = compute_gradients(samples);
  const std::optional<std::string> nonfinite = gradients_->first_nonfinite();
  if (nonfinite)
    skip_step(*nonfinite);
  else
    update_weights();
  backend_.synchronize();
  count_step(sums, samples, nonfinite.has_value());
  seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  timed_images_ += samples;
  return true;
}

Trainer::Sums Trainer::compute_gradients(std::int64_t samples) {
  Sums sums;
  for (std::int64_t done = 0; done < samples; done += options_.batch) {
    const std::int64_t count = std::min(options_.batch, samples - done);
    batch_of_step_ = done / options_.batch;
    Batch batch = load();
    for (std::int64_t first = 0; first < count; first += options_.piece()) {
      piece_of_batch_ = first / options_.piece();
      compute_piece(piece_of(batch, first), samples, sums);
    }
    loader_->recycle(std::move(batch));
  }
  return sums;
}

// Adds what it finds to `sums`, of a step of `samples`.
void Trainer::compute_piece(const Batch& piece, std::int64_t samples, Sums& sums) {
  const std::int64_t count = piece.images.shape()[0];
  Executor& executor = *executors_.at(count);
  executor.set_input(trained_.image, piece.images);
  executor.set_input(trained_.label, piece.labels);
  executor.set_random(options_.seed, random_step());
  executor.set_loss_scale(loss_scale());
  executor.forward();
  const double loss = executor.read(trained_.loss).span<float>()[0];
  if (!std::isfinite(loss)) fail_step(fmt::format("the loss is {}", loss));
  const bool first = sums.labels == 0;
  sums.loss += loss * static_cast<double>(count);
  const bool targets = piece.labels.dtype() == DType::f32;
  const std::vector<std::int32_t> largest = targets ? labels_of_targets(piece.labels) : std::vector<std::int32_t>();
  const auto labels = targets ? std::span<const std::int32_t>(largest) : piece.labels.span<std::int32_t>();
  sums.correct += count_correct(executor.read(trained_.logits), labels);
  sums.labels += static_cast<std::int64_t>(labels.size());
  executor.backward();
  // Each piece's gradient is the mean over its samples; the step's is the mean over all of them.
  if (options_.adds_up_gradients())
    gradients_->accumulate(*executor.gradients(), static_cast<double>(count) / static_cast<double>(samples), first);
}

void Trainer::update_weights() {
  if (scaler_) gradients_->scale(1 / scaler_->scale());
  if (options_.clip_norm > 0) gradients_->clip_norm(options_.clip_norm);
  if (options_.clip_value > 0) gradients_->clip_value(options_.clip_value);
  optimizer_->step(*weights_, gradients_->arena(), learning_rate(), steps_made() + 1);
  if (!average_) return;
  const View average = average_->all();
  if (steps_made() == 0)  // the average of one
    backend_.memory()->copy(average.data, weights_->all().data, average.bytes());
  else
    backend_.choose("average", Direction::forward, {}).ops->average_step(options_.ema, average, weights_->all());
}

// The gradient of `name` is not finite. Where it was scaled it may have overflowed for that reason alone: everything but
// the scale stays as it was before the step.
void Trainer::skip_step(const std::string& name) {
  if (!scaler_) fail_step(fmt::format("the gradient of '{}' is not finite", name));
  if (!scaler_->can_fall())
    fail_step(fmt::format("the gradient of '{}' is not finite with a loss scale of {}, which cannot fall below 1", name,
                          scaler_->scale()));
  restore_state();
  if (average_ && steps_made() == 0) {  // the average of none: evaluations see the weights that are there
    const View average = average_->all();
    backend_.memory()->copy(average.data, weights_->all().data, average.bytes());
  }
}

void Trainer::count_step(const Sums& sums, std::int64_t samples, bool skipped) {
  const std::int64_t epoch = step_ / steps_per_epoch(), position = step_ % steps_per_epoch();
  const std::string scaling =
      scaler_ ? fmt::format(", \"loss_scale\": {}, \"skipped\": {}", scaler_->scale(), skipped) : "";
  metrics_ +=
      fmt::format("{{\"step\": {}, \"epoch\": {}, \"loss\": {}, \"accuracy\": {}, \"learning_rate\": {}{}}}\n",
                  step_ + 1, epoch + 1, static_cast<float>(sums.loss / static_cast<double>(samples)),
                  static_cast<double>(sums.correct) / static_cast<double>(sums.labels), learning_rate(), scaling);
  if (scaler_) scaler_->update(!skipped);
  if (position == 0) epoch_samples_ = epoch_correct_ = 0, epoch_loss_ = 0;
  epoch_samples_ += samples;
  epoch_correct_ += sums.correct;
  epoch_loss_ += sums.loss;
  last_learning_rate_ = learning_rate();
  ++step_;
  batch_of_step_ = piece_of_batch_ = 0;
  if (position + 1 < steps_per_epoch()) return;
  finished_epoch_loss_ = epoch_loss_ / static_cast<double>(epoch_samples_);
  plateau_ = after_epoch(options_.schedule, plateau_, finished_epoch_loss_);
}

void Trainer::restore_state() {
  if (const View state = weights_->state())
    backend_.memory()->copy(state.data, state_before_.view().data, state.bytes());
}

void Trainer::fail_step(const std::string& what) {
  restore_state();
  throw NonFiniteError(
      fmt::format("training diverged: {} at step {} (epoch {}); the weights are those of step {}. Try a smaller "
                  "learning rate than {}",
                  what, step_ + 1, step_ / steps_per_epoch() + 1, step_, learning_rate()));
}

Progress Trainer::progress() const {
  return {
      .step = step_,
      .steps_per_epoch = steps_per_epoch(),
      .epoch = step_ == 0 ? 1 : (step_ - 1) / steps_per_epoch() + 1,
      .epochs = options_.epochs,
      .loss = epoch_loss_ / static_cast<double>(epoch_samples_),
      .accuracy = static_cast<double>(epoch_correct_) / static_cast<double>(epoch_samples_ * labels_per_sample(model_)),
      .images_per_second = images_per_second(),
      .learning_rate = last_learning_rate_,
      .epoch_finished = step_ > 0 && step_ % steps_per_epoch() == 0};
}

void Trainer::run(const std::function<void(const Progress&)>& progress) {
  while (step()) progress(this->progress());
}

double Trainer::epoch_mean_loss() const {
  if (!std::isnan(finished_epoch_loss_)) return finished_epoch_loss_;
  return epoch_samples_ ? epoch_loss_ / static_cast<double>(epoch_samples_) : finished_epoch_loss_;
}

double Trainer::images_per_second() const { return seconds_ > 0 ? static_cast<double>(timed_images_) / seconds_ : 0; }

Evaluation evaluate(const Model& model, Backend& backend, std::shared_ptr<ParameterArena> weights, const Dataset& data,
                    const Normalization& normalization, std::int64_t batch, const Tensor& arena, Precision precision) {
  require_fit(model, data);
  Evaluation result{.images = data.size()};
  std::unique_ptr<Executor> executor;
  result.confusion = Confusion(model.classes());
  for (std::int64_t first = 0; first < data.size(); first += batch) {
    const std::int64_t samples = std::min(batch, data.size() - first);
    if (!executor || executor->plan().options.batch != samples) {
      executor.reset();  // before the next one asks for memory
      const PlanOptions plan = pass_options(model, precision, samples, false);
      executor = std::make_unique<Executor>(model.graph, backend, weights, plan, nullptr, arena);
    }
    std::vector<std::int64_t> indices(static_cast<std::size_t>(samples));
    for (std::size_t i = 0; i < indices.size(); ++i) indices[i] = first + static_cast<std::int64_t>(i);
    const Batch images = make_batch(data, indices, normalization);
    executor->set_input(model.image, images.images);
    executor->set_input(model.label, images.labels);
    executor->forward();
    result.confusion.add(executor->read(model.logits), images.labels.span<std::int32_t>());
    result.loss += static_cast<double>(executor->read(model.loss).span<float>()[0]) * static_cast<double>(samples);
  }
  result.accuracy = result.confusion.accuracy();
  result.loss /= static_cast<double>(data.size());
  return result;
}

}  // namespace fovea
