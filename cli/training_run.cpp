// SPDX-License-Identifier: Apache-2.0
#include "cli/training_run.h"

#include <fmt/core.h>

#include <algorithm>

#include "cli/progress.h"
#include "cli/signals.h"

namespace fovea::cli {

void declare(Arguments& arguments, RunOptions& options) {
  arguments.integer("--save-every", options.save_every, {0}, "Save after every so many steps too; 0: after each epoch");
  arguments.integer("--keep", options.keep, {0}, "Keep the newest so many saves as step-NNNNNNNN.safetensors");
  arguments.integer("--early-stop", options.early_stop, {0},
                    "With --validation: stop after so many epochs without a better accuracy; 0: never");
}

TrainingRun::TrainingRun(const Model& model, Backend& backend, Trainer& trainer, const Dataset* validation,
                         const RunDirectory& directory, std::string earlier_metrics, RunOptions options, Output& out)
    : model_(model),
      backend_(backend),
      trainer_(trainer),
      validation_(validation),
      directory_(directory),
      earlier_metrics_(std::move(earlier_metrics)),
      options_(options),
      out_(out) {
  if (validation_ != nullptr) {
    validations_ = directory_.read_validations(trainer_.steps_done() / trainer_.steps_per_epoch());
  }
}

std::optional<Validation> TrainingRun::best() const {
  const auto found = std::ranges::max_element(validations_, {}, &Validation::accuracy);
  return found == validations_.end() ? std::nullopt : std::optional(*found);
}

bool TrainingRun::no_longer_better() const {
  return options_.early_stop > 0 && !validations_.empty() &&
         validations_.back().epoch - best()->epoch >= options_.early_stop;
}

void TrainingRun::save() {
  if (saved_step_ == trainer_.steps_done()) return;
  directory_.save(trainer_, earlier_metrics_);
  saved_step_ = trainer_.steps_done();
}

void TrainingRun::keep_step() {
  const std::int64_t step = trainer_.steps_done();
  if (options_.save_every > 0 && step > 0 && step % options_.save_every == 0) directory_.keep_step(step, options_.keep);
}

// Weights first, then the best ones, then the line that says so: a run cut in between repeats the validation.
void TrainingRun::finish_epoch() {
  save();
  if (validation_ == nullptr) return;
  const Evaluation result =
      evaluate(model_, backend_, trainer_.evaluation_weights(), *validation_, trainer_.normalization(),
               trainer_.evaluation_batch(), trainer_.arena(), trainer_.precision(), trainer_.passes());
  const Validation line{trainer_.steps_done() / trainer_.steps_per_epoch(), result.loss, result.accuracy};
  const std::optional<Validation> before = best();
  if (!before || line.accuracy > before->accuracy) directory_.keep_best();
  validations_.push_back(line);
  directory_.write_validations(validations_);
  out_.say(fmt::format("epoch {}: validation loss {:.4f}  accuracy {}", line.epoch, line.loss, percent(line.accuracy)));
}

TrainingRun::End TrainingRun::run(std::int64_t last_step) {
  const StopSignals signals;
  ProgressDisplay display(out_, trainer_.steps_done(), last_step);
  const std::int64_t epoch = trainer_.steps_per_epoch(), done = trainer_.steps_done();
  // What a save is followed by, when the process was cut in between: its copy, and the validation of the epoch it ends.
  keep_step();
  if (done > 0 && done % epoch == 0 && static_cast<std::int64_t>(validations_.size()) < done / epoch) finish_epoch();
  End end = no_longer_better() ? End::no_longer_better : End::finished;
  const auto saving_on_failure = [&](auto&& work) {
    try {
      return work();
    } catch (const NonFiniteError&) {
      save();  // the last good weights
      throw;
    }
  };
  while (end == End::finished && saving_on_failure([&] { return trainer_.enqueue(); })) {
    const std::int64_t begun = trainer_.steps_begun();
    const bool saves = options_.save_every > 0 && begun % options_.save_every == 0, stops = signals.requested();
    // Nobody waits for the device unless its results are wanted.
    if (!saves && !stops && begun % epoch != 0 && !display.is_due(begun)) continue;
    saving_on_failure([&] { trainer_.settle(); });
    const Progress progress = trainer_.progress();
    display.step(progress);
    if (saves) save();
    keep_step();
    if (progress.epoch_finished) finish_epoch();
    if (no_longer_better()) end = End::no_longer_better;
    if (stops) end = End::stopped;
  }
  save();
  signal_ = signals.name();
  return end;
}

}  // namespace fovea::cli
