// SPDX-License-Identifier: Apache-2.0
//
// Matrix products by a warp on the tensor cores (sm_80 and later; sm80.cuh says what older devices get):
//
//   sums += A * B        A 16 x depth, B depth x 8, sums 16 x 8 of float
//
//   T        depth   PTX
//   bf16_t   16      mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32
//   f16_t    16      mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32
//   tf32_t   8       mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32
//
// All 32 lanes of the warp call it together, each with its part of the three matrices: mma_lanes.h says which. It orders
// no memory.
//
// Numbers. A product of two inputs is exact. In which order the sum is formed, and what is cut off on the way, PTX does
// not say, and generations of hardware differ. emu adds the products in float64 by rising depth, then the old sum, and
// rounds once: no order that hardware is known to use would be more right, and this one is closest to the exact result,
// so that sums which fit into a float are exact. Tests on real numbers compare within a bound, never bit by bit with emu.
// Of a tf32 input the low 13 bits are ignored on both targets: a float that nobody converted is cut off, not rounded.
#pragma once
#include <cstdint>
#include <type_traits>

#include "cuda/runtime/mma_lanes.h"
#include "cuda/runtime/sm80.cuh"

#if FOVEA_EMU
#include "cuda/emu/matrix_functions.h"
#endif

namespace fovea::FOVEA_TARGET {

// 1 sign bit, 8 exponent bits, 10 fraction bits, in the upper bits of a 32-bit word. Made by to_tf32.
struct tf32_t {
  std::uint32_t bits;
};

template <class T>
inline constexpr int mma_depth = 16;
template <>
inline constexpr int mma_depth<tf32_t> = 8;

// A lane's part of each matrix. Two elements of 16 bits share a register.
template <class T>
struct FragmentA {
  std::uint32_t registers[4];
};
template <class T>
struct FragmentB {
  std::uint32_t registers[2];
};
struct FragmentSums {
  float values[4];
};

#if FOVEA_EMU

template <class T>
inline void mma(FragmentSums& sums, const FragmentA<T>& a, const FragmentB<T>& b, const char* file = __builtin_FILE(),
                int line = __builtin_LINE()) {
  constexpr bool is_bf16 = std::is_same_v<T, bf16_t>, is_f16 = std::is_same_v<T, f16_t>;
  static_assert(is_bf16 || is_f16 || std::is_same_v<T, tf32_t>);
  warp_mma(is_bf16  ? WarpCall::mma_bf16
           : is_f16 ? WarpCall::mma_f16
                    : WarpCall::mma_tf32,
           {a.registers, b.registers, sums.values}, file, line);
}

// To nearest, ties away from zero, low 13 bits zero: cvt.rna.tf32.f32. NaN stays NaN.
inline tf32_t to_tf32(float value) {
  const auto word = __builtin_bit_cast(std::uint32_t, value);
  if ((word & 0x7fffffffu) > 0x7f800000u) return {0x7fffe000u};
  return {(word + 0x1000u) & 0xffffe000u};
}

// Two numbers in a register, `low` in the low half; each to nearest, ties to even: cvt.rn.bf16x2.f32, cvt.rn.f16x2.f32.
template <class T>
inline std::uint32_t pack_pair(float low, float high) {
  return T(low).bits | std::uint32_t{T(high).bits} << 16;
}

#else

__device__ __forceinline__ void mma([[maybe_unused]] FragmentSums& sums, [[maybe_unused]] const FragmentA<bf16_t>& a,
                                    [[maybe_unused]] const FragmentB<bf16_t>& b) {
#if FOVEA_SM80
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(sums.values[0]), "+f"(sums.values[1]), "+f"(sums.values[2]), "+f"(sums.values[3])
      : "r"(a.registers[0]), "r"(a.registers[1]), "r"(a.registers[2]), "r"(a.registers[3]), "r"(b.registers[0]),
        "r"(b.registers[1]));
#else
  needs_sm80();
#endif
}

__device__ __forceinline__ void mma([[maybe_unused]] FragmentSums& sums, [[maybe_unused]] const FragmentA<f16_t>& a,
                                    [[maybe_unused]] const FragmentB<f16_t>& b) {
#if FOVEA_SM80
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
               : "+f"(sums.values[0]), "+f"(sums.values[1]), "+f"(sums.values[2]), "+f"(sums.values[3])
               : "r"(a.registers[0]), "r"(a.registers[1]), "r"(a.registers[2]), "r"(a.registers[3]),
                 "r"(b.registers[0]), "r"(b.registers[1]));
#else
  needs_sm80();
#endif
}

__device__ __forceinline__ void mma([[maybe_unused]] FragmentSums& sums, [[maybe_unused]] const FragmentA<tf32_t>& a,
                                    [[maybe_unused]] const FragmentB<tf32_t>& b) {
#if FOVEA_SM80
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(sums.values[0]), "+f"(sums.values[1]), "+f"(sums.values[2]), "+f"(sums.values[3])
      : "r"(a.registers[0]), "r"(a.registers[1]), "r"(a.registers[2]), "r"(a.registers[3]), "r"(b.registers[0]),
        "r"(b.registers[1]));
#else
  needs_sm80();
#endif
}

__device__ __forceinline__ tf32_t to_tf32([[maybe_unused]] float value) {
  tf32_t result{};
#if FOVEA_SM80
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(result.bits) : "f"(value));
#else
  needs_sm80();
#endif
  return result;
}

template <class T>
__device__ __forceinline__ std::uint32_t pack_pair([[maybe_unused]] float low, [[maybe_unused]] float high) {
  static_assert(std::is_same_v<T, bf16_t> || std::is_same_v<T, f16_t>);
  std::uint32_t pair = 0;
#if FOVEA_SM80
  if constexpr (std::is_same_v<T, bf16_t>) {
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  } else {
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  }
#else
  needs_sm80();
#endif
  return pair;
}

#endif

}  // namespace fovea::FOVEA_TARGET
