// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>

#include "cuda/emu/options.h"
#include "cuda/emu/vector_types.h"

namespace fovea::emu {

struct KernelLaunch {
  const char* name = "";
  dim3 grid, block;
  std::size_t dynamic_shared_bytes = 0;
  std::size_t shared_limit = 48 * 1024;
  EmuSchedule schedule = EmuSchedule::forward;
  std::uint64_t seed = 0;
  void (*invoke)(void*) = nullptr;  // runs the kernel's body once, for the current thread
  void* context = nullptr;
};

// Runs all blocks of a launch on the calling OS thread, which must not be inside a kernel. The configuration has been
// checked. Throws KernelFaultError, or what the kernel threw.
void run_kernel(const KernelLaunch& launch);

}  // namespace fovea::emu
