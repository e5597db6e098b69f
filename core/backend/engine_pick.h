// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

#include "core/ops/workspace.h"

namespace fovea {

// Which engine computes a layer of a net in a direction.
struct EnginePick {
  std::string layer;
  Direction direction = Direction::forward;
  std::string engine;

  bool operator==(const EnginePick&) const = default;
};
using EnginePicks = std::vector<EnginePick>;

}  // namespace fovea
