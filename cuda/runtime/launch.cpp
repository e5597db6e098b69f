// SPDX-License-Identifier: Apache-2.0
#include "cuda/runtime/launch_check.h"

#include <cstdlib>
#include <string>
#include <string_view>

namespace fovea::FOVEA_TARGET::detail {
namespace {

std::string to_string(dim3 v) {
  return "(" + std::to_string(v.x) + "," + std::to_string(v.y) + "," + std::to_string(v.z) + ")";
}

}  // namespace

void check_configuration(const char* name, dim3 grid, dim3 block, std::size_t dynamic_shared_bytes,
                         std::size_t shared_limit, const LaunchLimits& limits) {
  const auto fail = [&](const std::string& what) {
    throw LaunchError(
        "kernel '" + std::string(name) + "', grid " + to_string(grid) + ", block " + to_string(block) + ": " + what,
        name);
  };
  if (grid.x == 0 || grid.y == 0 || grid.z == 0) fail("the grid is empty");
  if (block.x == 0 || block.y == 0 || block.z == 0) fail("the block is empty");
  if (block.x > limits.block_x || block.y > limits.block_y || block.z > limits.block_z) {
    fail("a block extends at most " + to_string(dim3(limits.block_x, limits.block_y, limits.block_z)));
  }
  if (std::size_t{block.x} * block.y * block.z > limits.threads_per_block) {
    fail("a block has at most " + std::to_string(limits.threads_per_block) + " threads");
  }
  if (grid.x > limits.grid_x || grid.y > limits.grid_y || grid.z > limits.grid_z) {
    fail("a grid extends at most " + to_string(dim3(limits.grid_x, limits.grid_y, limits.grid_z)));
  }
  if (dynamic_shared_bytes > shared_limit) {
    fail(std::to_string(dynamic_shared_bytes) + " bytes of dynamic shared memory, allowed are " +
         std::to_string(shared_limit) + " (see allow_dynamic_shared)");
  }
}

bool synchronous_from_environment() {
  const char* text = std::getenv("FOVEA_SYNC");
  if (text == nullptr) return false;
  const std::string_view value = text;
  require(value.empty() || value == "0" || value == "1",
          [&] { return "FOVEA_SYNC: expected 0 or 1, got '" + std::string(value) + "'"; });
  return value == "1";
}

}  // namespace fovea::FOVEA_TARGET::detail
