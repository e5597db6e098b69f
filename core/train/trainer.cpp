// SPDX-License-Identifier: Apache-2.0
#include "core/train/trainer.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "core/graph/net_file.h"
#include "core/support/error.h"

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

std::int64_t labels_per_sample(const Model& model) { return model.graph.node(model.label).sample_shape.elements(); }

}  // namespace

Trainer::Trainer(const Model& model, Backend& backend, const Dataset& data, std::string data_identity,
                 TrainOptions options)
    : model_(model), backend_(backend), data_(data), data_identity_(std::move(data_identity)), options_(options) {
  require_fit(model, data);
  require(options_.batch >= 1 && options_.batch <= data.size(), [&] {
    return fmt::format("batch: expected 1 to {} (the training images), got {}", data.size(), options_.batch);
  });
  require(options_.epochs >= 1, [&] { return fmt::format("epochs: expected at least 1, got {}", options_.epochs); });
  normalization_ = measure_normalization(data);

  const ParameterLayout layout = ParameterLayout::of(model.graph);
  weights_ = std::make_shared<ParameterArena>(layout, backend.memory());
  momenta_ = std::make_shared<ParameterArena>(layout, backend.memory());
  initialise(*weights_, options_.seed);

  PlanOptions plan{.batch = options_.batch, .training = true, .target = model.loss, .keep = {model.logits}};
  full_ = std::make_unique<Executor>(model.graph, backend, weights_, plan);
  plan.batch = data.size() % options_.batch;
  if (plan.batch > 0) {
    try {
      tail_ = std::make_unique<Executor>(model.graph, backend, weights_, plan, full_->gradients());
    } catch (const InputError& e) {
      throw InputError(
          fmt::format("batch: of {} images, batches of {} leave {} for the last step of an epoch: {}; choose "
                      "another --batch",
                      data.size(), options_.batch, plan.batch, e.what()));
    }
  }
  if (const View state = weights_->state()) state_before_ = Tensor(state.shape, state.dtype, backend.memory());
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
  same(c.seed == options_.seed, "seed", c.seed, options_.seed);
  same(c.batch == options_.batch, "batch", c.batch, options_.batch);
  const SgdOptions& sgd = options_.sgd;
  same(c.learning_rate == sgd.learning_rate, "learning rate", c.learning_rate, sgd.learning_rate);
  same(c.momentum == sgd.momentum, "momentum", c.momentum, sgd.momentum);
  same(c.weight_decay == sgd.weight_decay, "weight decay", c.weight_decay, sgd.weight_decay);
  same(c.nesterov == sgd.nesterov, "nesterov", c.nesterov, sgd.nesterov);

  load_weights(c, path, *weights_);
  for (std::size_t i = 0; i < c.momenta.size(); ++i) momenta_->set(i, c.momenta[i].second);  // trained ones come first
  step_ = c.step;
  epoch_samples_ = c.epoch_samples;
  epoch_correct_ = c.epoch_correct;
  epoch_loss_ = c.epoch_loss;
}

std::int64_t Trainer::steps_per_epoch() const { return (data_.size() + options_.batch - 1) / options_.batch; }

Executor& Trainer::executor_for(std::int64_t samples) { return samples == options_.batch ? *full_ : *tail_; }

std::span<const std::int64_t> Trainer::next_samples() {
  const std::int64_t epoch = step_ / steps_per_epoch(), first = step_ % steps_per_epoch() * options_.batch;
  if (order_epoch_ != epoch) {
    order_ = epoch_order(data_.size(), options_.seed, epoch);
    order_epoch_ = epoch;
  }
  const std::int64_t samples = std::min(options_.batch, data_.size() - first);
  return std::span(order_).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(samples));
}

void Trainer::inject(const std::string& layer) {
  for (Executor* executor : {full_.get(), tail_.get()})
    if (executor != nullptr) executor->inject(model_.graph.find(layer));
  inject_ = layer;
}

Replay Trainer::replay() {
  Replay replay{
      .net = write_net(model_.graph), .data = data_identity_, .seed = options_.seed, .step = step_, .inject = inject_};
  const std::span<const std::int64_t> samples = next_samples();
  replay.samples.assign(samples.begin(), samples.end());
  replay.batch = make_batch(data_, samples, normalization_);
  for (std::size_t i = 0; i < weights_->layout().entries.size(); ++i)
    replay.weights.emplace_back(weights_->layout().entries[i].name, weights_->get(i));
  return replay;
}

bool Trainer::step() {
  const std::int64_t epoch = step_ / steps_per_epoch(), position = step_ % steps_per_epoch();
  if (epoch >= options_.epochs || (options_.max_steps >= 0 && step_ >= options_.max_steps)) return false;
  const auto start = std::chrono::steady_clock::now();
  const std::span<const std::int64_t> indices = next_samples();
  const auto samples = static_cast<std::int64_t>(indices.size());
  const Batch batch = make_batch(data_, indices, normalization_);

  Executor& executor = executor_for(samples);
  executor.set_input(model_.image, batch.images);
  executor.set_input(model_.label, batch.labels);
  executor.set_random(options_.seed, step_);
  Memory& memory = *backend_.memory();
  const View state = weights_->state();  // forward updates it
  if (state) memory.copy(state_before_.view().data, state.data, state.bytes());
  executor.forward();
  const double loss = executor.read(model_.loss).span<float>()[0];
  if (!std::isfinite(loss)) {
    if (state) memory.copy(state.data, state_before_.view().data, state.bytes());
    throw NonFiniteError(
        fmt::format("training diverged: the loss is {} at step {} (epoch {}); the weights are those of step {}. "
                    "Try a smaller learning rate than {}",
                    loss, step_ + 1, epoch + 1, step_, options_.sgd.learning_rate));
  }
  const std::int64_t correct = count_correct(executor.read(model_.logits), batch.labels.span<std::int32_t>());
  executor.backward();
  backend_.choose("sgd", Direction::forward, {})
      .ops->sgd_step(options_.sgd, weights_->trained(), executor.gradients()->trained(), momenta_->trained());
  backend_.synchronize();

  if (position == 0) epoch_samples_ = epoch_correct_ = 0, epoch_loss_ = 0;
  epoch_samples_ += samples;
  epoch_correct_ += correct;
  epoch_loss_ += loss * static_cast<double>(samples);
  ++step_;
  if (position + 1 == steps_per_epoch()) finished_epoch_loss_ = epoch_loss_ / static_cast<double>(epoch_samples_);
  seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  timed_images_ += samples;
  metrics_ += fmt::format("{{\"step\": {}, \"epoch\": {}, \"loss\": {}, \"accuracy\": {}}}\n", step_, epoch + 1,
                          static_cast<float>(loss),
                          static_cast<double>(correct) / static_cast<double>(batch.labels.elements()));
  return true;
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
      .epoch_finished = step_ > 0 && step_ % steps_per_epoch() == 0};
}

void Trainer::run(const std::function<void(const Progress&)>& progress) {
  while (step()) progress(this->progress());
}

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
  c.seed = options_.seed;
  c.batch = options_.batch;
  c.learning_rate = options_.sgd.learning_rate;
  c.momentum = options_.sgd.momentum;
  c.weight_decay = options_.sgd.weight_decay;
  c.nesterov = options_.sgd.nesterov;
  c.data = data_identity_;
  for (std::size_t i = 0; i < weights_->layout().entries.size(); ++i) {
    const auto& [name, node, spec, offset, trained] = weights_->layout().entries[i];
    (trained ? c.weights : c.state).emplace_back(name, weights_->get(i));
    if (trained) c.momenta.emplace_back(name, momenta_->get(i));
  }
  return c;
}

double Trainer::epoch_mean_loss() const {
  if (!std::isnan(finished_epoch_loss_)) return finished_epoch_loss_;
  return epoch_samples_ ? epoch_loss_ / static_cast<double>(epoch_samples_) : finished_epoch_loss_;
}

double Trainer::images_per_second() const { return seconds_ > 0 ? static_cast<double>(timed_images_) / seconds_ : 0; }

std::size_t Trainer::planned_bytes() const {
  const std::size_t arena = static_cast<std::size_t>(weights_->layout().elements) * size_of(DType::f32);
  return 3 * arena + full_->plan().arena_bytes + (tail_ ? tail_->plan().arena_bytes : 0);
}

Evaluation evaluate(const Model& model, Backend& backend, std::shared_ptr<ParameterArena> weights, const Dataset& data,
                    const Normalization& normalization, std::int64_t batch) {
  require_fit(model, data);
  Evaluation result{.images = data.size()};
  std::unique_ptr<Executor> executor;
  result.confusion = Confusion(model.classes());
  for (std::int64_t first = 0; first < data.size(); first += batch) {
    const std::int64_t samples = std::min(batch, data.size() - first);
    if (!executor || executor->plan().options.batch != samples)
      executor = std::make_unique<Executor>(
          model.graph, backend, weights, PlanOptions{.batch = samples, .target = model.loss, .keep = {model.logits}});
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
