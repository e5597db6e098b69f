// SPDX-License-Identifier: Apache-2.0
//
// The emulator's side of cuda/runtime/cp_async.cuh: the accesses of asynchronous copies. They are compiled with the
// kernel, so that the sanitizers see them, and never with the engine.
#pragma once
#include <cstdint>

#include "cuda/emu/async_copy.h"
#include "cuda/emu/device_functions.h"

namespace fovea::emu {

// Whatever type the arrays have.
using AsyncWord [[gnu::may_alias]] = std::uint32_t;

// At the start the bytes are read, and the old ones written back: whether all of it is there shows at the line of
// cp_async, and a thread that still reads the old bytes has a race.
inline void touch_async_copy(const AsyncCopy& copy) {
  const volatile unsigned char* from = copy.from;
  for (int i = 0; i < copy.from_bytes; ++i) static_cast<void>(from[i]);
  for (int i = 0; i < copy.bytes; i += 4) {
    auto* word = reinterpret_cast<volatile AsyncWord*>(copy.to + i);
    *word = *word;
  }
}

inline void finish_async_copies(int groups_left) {
  AsyncCopy copy;
  while (take_async_copy(groups_left, copy)) {
    for (int i = 0; i < copy.bytes; i += 4) {
      std::uint32_t word = 0;
      for (int byte = 0; byte < 4 && i + byte < copy.from_bytes; ++byte) {
        word |= std::uint32_t{copy.from[i + byte]} << 8 * byte;
      }
      *reinterpret_cast<AsyncWord*>(copy.to + i) = word;
    }
  }
}

}  // namespace fovea::emu
