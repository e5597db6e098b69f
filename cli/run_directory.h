// SPDX-License-Identifier: Apache-2.0
//
// A training run's directory: last.safetensors and metrics.jsonl, each replaced whole or not at all.
#pragma once
#include <string>

#include "core/train/trainer.h"

namespace fovea::cli {

class RunDirectory {
 public:
  // Nothing is touched before create().
  explicit RunDirectory(std::string path) : path_(std::move(path)) {}
  // runs/NET-K with the first K from 1 on that is free; claimed by create().
  static RunDirectory next_free(const std::string& net);

  const std::string& path() const { return path_; }
  std::string checkpoint_path() const { return path_ + "/last.safetensors"; }
  std::string metrics_path() const { return path_ + "/metrics.jsonl"; }
  bool holds_a_run() const;

  // Makes the directory and its parents; throws InputError when that is impossible or it cannot be written to.
  void create();
  // Metrics first: a cut between the two leaves metrics that reach further than the checkpoint, and a resumed run drops
  // what is beyond it.
  void save(const Trainer& trainer, const std::string& earlier_metrics) const;
  // The first `steps` lines of the metrics; throws InputError when the file has fewer.
  std::string read_metrics(std::int64_t steps) const;

 private:
  std::string path_;
  std::string net_;  // not empty: the number is still to be chosen
};

}  // namespace fovea::cli
