// SPDX-License-Identifier: Apache-2.0
//
// What lets a device decide whether a step is made, where the host would have to wait for it to find out:
//
//   halt [1] i64: negative: go on. Else an operation that takes it does nothing at all; an empty view means go on.
//
//   halt_if_found:      where halt is negative and some found[i] is not: halt = the smallest such i       found [n] i64
//   restore_if_halted:  where halt is not negative: to = from                        from, to f32 of one shape
//
// A halt stays until somebody writes -1: whatever is enqueued behind it, replays of captured steps among it, changes
// nothing. `found` is what searches (nonfinite.h) have left, so the halt tells which of them found something first.
#pragma once
#include <cstdint>

#include "core/tensor/tensor.h"

namespace fovea {

class HaltOps {
 public:
  virtual ~HaltOps() = default;
  virtual void halt_if_found(ConstView found, View halt) = 0;
  virtual void restore_if_halted(ConstView halt, ConstView from, View to) = 0;
};

// For engines on host memory.
inline bool is_halted(const ConstView& halt) { return halt && *data_as<std::int64_t>(halt) >= 0; }

}  // namespace fovea
