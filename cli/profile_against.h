// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fovea::cli {

// What an earlier `fovea profile --json` said.
struct EarlierProfile {
  struct Row {
    std::string layer, direction;
    double milliseconds = 0;
  };
  std::string device, engine, precision;
  double step_milliseconds = 0;
  std::vector<Row> rows;

  // Nothing where that plan had no such layer and direction.
  std::optional<double> milliseconds(const std::string& layer, const std::string& direction) const;
};

// Throws InputError naming the file: it is no such output, or of another net, batch or mode.
EarlierProfile read_earlier_profile(const std::string& path, const std::string& net, std::int64_t batch,
                                    const std::string& mode);

}  // namespace fovea::cli
