// SPDX-License-Identifier: Apache-2.0
//
// The emulator's side of cuda/runtime/mma.cuh and ldmatrix.cuh: warp functions that all 32 lanes must call. Each lane
// gives the address of what it brings and gets back; both stay where they are until the last lane has arrived.
#pragma once
#include <cstdint>

#include "cuda/emu/device_functions.h"

namespace fovea::emu {

struct MmaOperands {
  const std::uint32_t* a;
  const std::uint32_t* b;
  float* sums;
};

struct MatrixRead {
  const void* row;
  int matrices;
  bool transposed;
  const unsigned char* elements[4][2];  // result: where the two elements of each matrix lie that this lane gets
};

inline void warp_mma(WarpCall call, const MmaOperands& operands, const char* file, int line) {
  warp_collective(call, 0xffffffffu, reinterpret_cast<std::uintptr_t>(&operands), 0, 32, file, line);
}
inline void warp_ldmatrix(MatrixRead& read, const char* file, int line) {
  static constexpr WarpCall calls[2][3] = {
      {WarpCall::ldmatrix_x1, WarpCall::ldmatrix_x2, WarpCall::ldmatrix_x4},
      {WarpCall::ldmatrix_x1_trans, WarpCall::ldmatrix_x2_trans, WarpCall::ldmatrix_x4_trans}};
  const WarpCall call = calls[read.transposed ? 1 : 0][read.matrices / 2];
  warp_collective(call, 0xffffffffu, reinterpret_cast<std::uintptr_t>(&read), 0, 32, file, line);
}

}  // namespace fovea::emu
