// SPDX-License-Identifier: Apache-2.0
#include "core/train/trainer.h"

#include <fmt/core.h>

#include <algorithm>
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
  weights_ = std::make_shared<ParameterArena>(layout, backend.memory(), DType::f32, copies_of(options_));
  if (options_.ema > 0) average_ = std::make_shared<ParameterArena>(layout, backend.memory());
  optimizer_ = std::make_unique<Optimizer>(options_.optimizer, backend, layout, runs);
  initialise(*weights_, options_.seed, options_.init.empty() ? Initialization{} : Initialization::parse(options_.init));

  const auto gradients = std::make_shared<ParameterArena>(layout, backend.memory());
  arena_ = Tensor(Shape{static_cast<std::int64_t>(memory_.arena)}, DType::u8, backend.memory());
  for (const std::int64_t images : piece_sizes(data.size(), options_)) {
    const PlanOptions plan = pass_options(trained_, options_.precision, images, true, options_.passes);
    executors_[images] = std::make_unique<Executor>(trained_.graph, backend, weights_, plan, gradients, arena_);
  }
  // One piece a step: its gradients are the step's. Otherwise they are added up in an arena of their own.
  gradients_ = std::make_unique<Gradients>(
      backend, options_.adds_up_gradients() ? std::make_shared<ParameterArena>(layout, backend.memory()) : gradients,
      runs);
  values_ = std::make_unique<StepValues>(
      backend, Optimizer::factors_per_run(options_.optimizer.kind) * static_cast<std::int64_t>(runs.size()));
  if (const View state = weights_->state()) state_before_ = Tensor(state.shape, state.dtype, backend.memory());
  if (options_.precision == Precision::fp16) scaler_.emplace();
}

std::int64_t Trainer::steps_per_epoch() const { return (data_.size() + samples_per_step() - 1) / samples_per_step(); }

// Of the net's random numbers: each piece of each batch draws its own.
std::int64_t Trainer::random_step() const {
  const std::int64_t pieces = (options_.batch + options_.piece() - 1) / options_.piece();
  return (next_step() * options_.accumulate + batch_of_step_) * pieces + piece_of_batch_;
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
  const std::int64_t step = next_step();
  return loader_->batch(step / steps_per_epoch(), step % steps_per_epoch() * options_.accumulate + batch_of_step_);
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
                .layouts = options_.passes.layouts,
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
  const ScheduleClock clock{next_step(), options_.epochs * steps_per_epoch(), steps_per_epoch()};
  return learning_rate_at(options_.schedule, options_.optimizer.learning_rate, clock, plateau_);
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
                    const Normalization& normalization, std::int64_t batch, const Tensor& arena, Precision precision,
                    PlanPasses passes) {
  require_fit(model, data);
  Evaluation result{.images = data.size()};
  std::unique_ptr<Executor> executor;
  result.confusion = Confusion(model.classes());
  for (std::int64_t first = 0; first < data.size(); first += batch) {
    const std::int64_t samples = std::min(batch, data.size() - first);
    if (!executor || executor->plan().options.batch != samples) {
      executor.reset();  // before the next one asks for memory
      PlanOptions plan = pass_options(model, precision, samples, false, passes);
      if (const View copy = weights->copy()) plan.kept_copies = copy.dtype == plan.dtype;
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
