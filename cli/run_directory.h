// SPDX-License-Identifier: Apache-2.0
//
// A training run's directory; each file is replaced whole or not at all:
//   last.safetensors, metrics.jsonl      the newest save and a line for each of its steps
//   step-00000200.safetensors            older saves that are kept
//   best.safetensors, validation.jsonl   the save with the best validation accuracy, and a line for each epoch
#pragma once
#include <string>
#include <vector>

#include "core/train/trainer.h"

namespace fovea::cli {

// One epoch's line of validation.jsonl.
struct Validation {
  std::int64_t epoch = 0;  // from 1
  double loss = 0, accuracy = 0;
};

class RunDirectory {
 public:
  // Nothing is touched before create().
  explicit RunDirectory(std::string path) : path_(std::move(path)) {}
  // As --resume names it: the directory, or the last.safetensors in it. Throws InputError for another file.
  static RunDirectory to_resume(const std::string& path);
  // runs/NET-K with the first K from 1 on that is free; claimed by create().
  static RunDirectory next_free(const std::string& net);

  const std::string& path() const { return path_; }
  std::string checkpoint_path() const { return path_ + "/last.safetensors"; }
  std::string best_path() const { return path_ + "/best.safetensors"; }
  std::string replay_path() const { return path_ + "/replay.safetensors"; }  // cli/replay_command.cpp
  std::string metrics_path() const { return path_ + "/metrics.jsonl"; }
  std::string validation_path() const { return path_ + "/validation.jsonl"; }
  bool holds_a_run() const;
  bool is_same_as(const RunDirectory& other) const;  // also under another spelling

  // Makes the directory and its parents; throws InputError when that is impossible or it cannot be written to.
  void create();
  // Removes the files of the run that is here; other files stay.
  void remove_run() const;
  // Metrics first: a cut between the two leaves metrics that reach further than the checkpoint, and a resumed run drops
  // what is beyond it.
  void save(const Trainer& trainer, const std::string& earlier_metrics) const;
  // The newest save under another name besides; the bytes are shared where the file system can. keep_step() leaves the
  // `keep` newest steps and removes older ones.
  void keep_best() const;
  void keep_step(std::int64_t step, std::int64_t keep) const;
  void write_validations(const std::vector<Validation>& lines) const;
  // The lines of the first `epochs` epochs, fewer when the file ends before; throws InputError when it is damaged.
  std::vector<Validation> read_validations(std::int64_t epochs) const;
  // The validations of `run`, which goes on here, and the best weights of their epochs.
  void take_validations(const RunDirectory& run, std::int64_t epochs) const;
  // The first `steps` lines of the metrics; throws InputError when the file has fewer.
  std::string read_metrics(std::int64_t steps) const;

 private:
  std::string path_;
  std::string net_;  // not empty: the number is still to be chosen
};

}  // namespace fovea::cli
