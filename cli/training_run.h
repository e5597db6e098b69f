// SPDX-License-Identifier: Apache-2.0
//
// What happens around the steps of a training: saves, validation, early stopping, orderly stops.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "cli/arguments.h"
#include "cli/run_directory.h"
#include "core/train/trainer.h"

namespace fovea::cli {

struct RunOptions {
  std::int64_t save_every = 0;  // steps; 0: after each epoch only
  std::int64_t keep = 0;        // how many saves stay besides the last one
  std::int64_t early_stop = 0;  // epochs without a better validation accuracy before training ends; 0: never
};
void declare(Arguments& arguments, RunOptions& options);

class TrainingRun {
 public:
  enum class End { finished, no_longer_better, stopped };

  // `validation` may be null. `earlier_metrics`: what a resumed run's directory holds up to the trainer's step. All
  // references must outlive the object.
  TrainingRun(const Model& model, Backend& backend, Trainer& trainer, const Dataset* validation,
              const RunDirectory& directory, std::string earlier_metrics, RunOptions options, Output& out);

  // Trains until `last_step`, until validation no longer gets better, or until a signal asks to stop; saves at the end
  // in any case. Goes on exactly where an earlier process was cut, also between a save and its validation.
  End run(std::int64_t last_step);

  // The epoch with the best validation accuracy so far, the first of equals; its weights are in best_path().
  std::optional<Validation> best() const;
  const std::string& signal() const { return signal_; }  // that stopped the run

 private:
  void save();
  void keep_step();
  void finish_epoch();
  bool no_longer_better() const;

  const Model& model_;
  Backend& backend_;
  Trainer& trainer_;
  const Dataset* validation_;
  const RunDirectory& directory_;
  std::string earlier_metrics_;
  RunOptions options_;
  Output& out_;
  std::vector<Validation> validations_;  // of the epochs 1, 2, ...
  std::int64_t saved_step_ = -1;
  std::string signal_;
};

}  // namespace fovea::cli
