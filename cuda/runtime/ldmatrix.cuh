// SPDX-License-Identifier: Apache-2.0
//
// Loads 8 x 8 matrices of 16-bit elements from shared memory into the registers of a warp, spread as mma wants them
// (sm_75 has the instruction, but Fovea uses it with mma only: sm80.cuh).
//
//   ldmatrix<n>(registers, row)         ldmatrix.sync.aligned.m8n8.xn.shared.b16, n = 1, 2 or 4
//   ldmatrix<n, true>(registers, row)   ldmatrix.sync.aligned.m8n8.xn.trans.shared.b16
//
// Lanes 8m to 8m+7 name the 8 rows of matrix m: `row` is the address of 16 bytes of shared memory, aligned to 16. The
// other lanes' addresses are not used. registers[m] gets this lane's two elements of matrix m, the first in the low
// half; mma_lanes.h says which two, and which rows to name for a fragment of mma. A pair of 16-bit elements may as well
// be one element of tf32, as long as nothing is transposed.
//
// All 32 lanes call it together. It orders no memory: between what other threads wrote and this there is a barrier, and
// another before anyone, of this warp too, writes there again.
//
// An array that rows are read from must be declared with elements aligned to 16 bytes, FOVEA_SHARED(uint4, a, [64][9]),
// or be dynamic shared memory: one of 16-bit elements lies at any even address on the device. emu demands that.
#pragma once
#include <cstdint>

#include "cuda/runtime/mma_lanes.h"
#include "cuda/runtime/sm80.cuh"

#if FOVEA_EMU
#include "cuda/emu/matrix_functions.h"
#endif

namespace fovea::FOVEA_TARGET {

#if FOVEA_EMU

// The lane itself reads what it gets, so that the sanitizers see who read what, and when.
template <int matrices, bool transposed = false>
inline void ldmatrix(std::uint32_t (&registers)[matrices], const void* row, const char* file = __builtin_FILE(),
                     int line = __builtin_LINE()) {
  static_assert(matrices == 1 || matrices == 2 || matrices == 4);
  MatrixRead read{row, matrices, transposed, {}};
  warp_ldmatrix(read, file, line);
  for (int m = 0; m < matrices; ++m) {
    std::uint16_t low, high;
    __builtin_memcpy(&low, read.elements[m][0], 2);
    __builtin_memcpy(&high, read.elements[m][1], 2);
    registers[m] = low | std::uint32_t{high} << 16;
  }
}

#else

template <int matrices, bool transposed = false>
__device__ __forceinline__ void ldmatrix(std::uint32_t (&registers)[matrices], [[maybe_unused]] const void* row) {
  static_assert(matrices == 1 || matrices == 2 || matrices == 4);
#if FOVEA_SM80
  const auto address = static_cast<std::uint32_t>(__cvta_generic_to_shared(row));
  std::uint32_t* r = registers;
  if constexpr (matrices == 1 && !transposed) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%0}, [%1];" : "=r"(r[0]) : "r"(address) : "memory");
  } else if constexpr (matrices == 1) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x1.trans.shared.b16 {%0}, [%1];" : "=r"(r[0]) : "r"(address) : "memory");
  } else if constexpr (matrices == 2 && !transposed) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0,%1}, [%2];"
                 : "=r"(r[0]), "=r"(r[1])
                 : "r"(address)
                 : "memory");
  } else if constexpr (matrices == 2) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0,%1}, [%2];"
                 : "=r"(r[0]), "=r"(r[1])
                 : "r"(address)
                 : "memory");
  } else if constexpr (!transposed) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(address)
                 : "memory");
  } else {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(address)
                 : "memory");
  }
#else
  for (std::uint32_t& value : registers) value = 0;
  needs_sm80();
#endif
}

#endif

}  // namespace fovea::FOVEA_TARGET
