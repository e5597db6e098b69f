// SPDX-License-Identifier: Apache-2.0
//
// Options of data (core/data/open_data.h) as options of a command.
#pragma once
#include <string>

#include "cli/arguments.h"

namespace fovea::cli {

struct DataFlags {
  std::string holdout, size, fit, classes, per_class, unreadable;  // empty: not given
};
void declare(Arguments& arguments, DataFlags& flags);

// The specification with the options that were given: "folder:photos@128" and --holdout 5 make
// "folder:photos@128#holdout=5". What is given twice is refused where the specification is opened.
std::string with_flags(const std::string& spec, const DataFlags& flags);

}  // namespace fovea::cli
