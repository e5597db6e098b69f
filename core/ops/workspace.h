// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>

namespace fovea {

enum class Direction { forward, backward };

// Scratch memory that an operation may overwrite; its size was asked for when the plan was made.
struct Workspace {
  void* data = nullptr;
  std::size_t bytes = 0;
};

}  // namespace fovea
