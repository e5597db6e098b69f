// SPDX-License-Identifier: Apache-2.0
#include "cli/data_options.h"

#include <utility>

namespace fovea::cli {

void declare(Arguments& arguments, DataFlags& flags) {
  arguments.text("--holdout", flags.holdout, "N", "Every Nth sample of a class, from its first, is for testing");
  arguments.text("--size", flags.size, "SIZE", "Of the samples of folders and lists: S (3xSxS), HxW or CxHxW");
  arguments.text("--fit", flags.fit, "crop|stretch",
                 "Images of other proportions: cut off what is too long, or distort");
  arguments.text("--classes", flags.classes, "A,B,...", "Keep these classes only, labelled 0, 1, ... in this order");
  arguments.text("--per-class", flags.per_class, "N", "Keep the first N training samples of each class");
  arguments.text("--unreadable", flags.unreadable, "fail|skip", "What to do about samples that cannot be read");
}

std::string with_flags(const std::string& spec, const DataFlags& flags) {
  std::string result = spec;
  for (const auto& [key, value] : {std::pair{"holdout", &flags.holdout},
                                   {"size", &flags.size},
                                   {"fit", &flags.fit},
                                   {"classes", &flags.classes},
                                   {"per-class", &flags.per_class},
                                   {"unreadable", &flags.unreadable}}) {
    if (!value->empty()) result += std::string("#") + key + "=" + *value;
  }
  return result;
}

}  // namespace fovea::cli
