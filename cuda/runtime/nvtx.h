// SPDX-License-Identifier: Apache-2.0
//
// Named ranges in NVIDIA's profilers; nothing on emu. Without a profiler attached a range costs a few nanoseconds.
#pragma once
#include "cuda/runtime/target.h"

namespace fovea::FOVEA_TARGET {

void push_range(const char* name);
void pop_range();

class ProfilerRange {
 public:
  explicit ProfilerRange(const char* name) { push_range(name); }
  ProfilerRange(const ProfilerRange&) = delete;
  ProfilerRange& operator=(const ProfilerRange&) = delete;
  ~ProfilerRange() { pop_range(); }
};

}  // namespace fovea::FOVEA_TARGET
