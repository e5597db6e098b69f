// SPDX-License-Identifier: Apache-2.0
//
// What 'fovea data' can be asked for.
#pragma once
#include <optional>
#include <string>

#include "cli/data_options.h"
#include "cli/output.h"
#include "core/data/dataset.h"

namespace fovea::cli {

struct DataCommandOptions {
  std::string action, spec;
  DataFlags flags;
  std::string out, augment, split;  // empty: not given
  std::optional<std::int64_t> count, batch, seed;
  std::optional<double> seconds;
};

int check_data_command(const DataCommandOptions& options, const DataSplits& splits, Output& out);
int show_data_command(const DataCommandOptions& options, const DataSplits& splits, Output& out);
int bench_data_command(const DataCommandOptions& options, const DataSplits& splits, Output& out);

}  // namespace fovea::cli
