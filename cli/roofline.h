// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>

#include "cli/arguments.h"
#include "core/tensor/precision.h"

namespace fovea::cli {

// The least time that work can take on a device that computes and moves bytes at the same time, as far as is known.
struct Roofline {
  std::optional<double> flops_per_second{}, bytes_per_second{};

  bool known() const { return flops_per_second || bytes_per_second; }
  // Nothing where nothing is known about this work.
  std::optional<double> seconds(std::int64_t flops, std::int64_t bytes) const;
};

// --ceiling-flops, --ceiling-bandwidth, --hardware.
struct RooflineOptions {
  std::string hardware;
  std::optional<double> flops{}, bandwidth{};

  bool given() const { return !hardware.empty() || flops || bandwidth; }
};
void declare(Arguments& arguments, RooflineOptions& options);

// Ceilings that are given go before those that the hardware is published with.
Roofline roofline_of(const RooflineOptions& options, Precision precision);

}  // namespace fovea::cli
