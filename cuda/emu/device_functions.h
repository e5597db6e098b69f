// SPDX-License-Identifier: Apache-2.0
//
// The emulator's side of cuda/runtime/dialect.cuh: CUDA's keywords, built-in variables and functions for a kernel
// that the host compiler compiles. Barriers and warp functions record where they were called.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include "cuda/emu/shared_memory.h"
#include "cuda/emu/vector_types.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __grid_constant__
#define __align__(n) alignas(n)

namespace fovea::emu {

// Set by the engine whenever another thread of the block takes its turn.
extern constinit thread_local uint3 threadIdx;
extern constinit thread_local uint3 blockIdx;
extern constinit thread_local dim3 blockDim;
extern constinit thread_local dim3 gridDim;
inline constexpr int warpSize = 32;

enum class WarpCall : std::uint8_t {
  syncwarp,
  shfl,
  shfl_up,
  shfl_down,
  shfl_xor,
  ballot,
  any,
  all,
  // matrix_functions.h; all lanes of the warp
  mma_bf16,
  mma_f16,
  mma_tf32,
  ldmatrix_x1,
  ldmatrix_x2,
  ldmatrix_x4,
  ldmatrix_x1_trans,
  ldmatrix_x2_trans,
  ldmatrix_x4_trans,
};

// The calls that can suspend the calling thread (engine.cpp).
void block_barrier(const char* file, int line);
std::uint64_t warp_collective(WarpCall call, unsigned mask, std::uint64_t value, unsigned argument, int width,
                              const char* file, int line);

inline void __syncthreads(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  block_barrier(file, line);
}
inline void __syncwarp(unsigned mask = 0xffffffffu, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  warp_collective(WarpCall::syncwarp, mask, 0, 0, 32, file, line);
}

[[noreturn]] void fail_misaligned(std::size_t bytes, std::size_t alignment, const char* file, int line);
template <class Wide, class T>
Wide* wide(T* p, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  if (reinterpret_cast<std::uintptr_t>(p) % alignof(Wide) != 0)
    fail_misaligned(sizeof(Wide), alignof(Wide), file, line);
  return reinterpret_cast<Wide*>(p);
}

template <class T>
T shuffle(WarpCall call, unsigned mask, T value, unsigned argument, int width, const char* file, int line) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8, "shuffles move 4 or 8 bytes");
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(T));
  bits = warp_collective(call, mask, bits, argument, width, file, line);
  std::memcpy(&value, &bits, sizeof(T));
  return value;
}
template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32, const char* file = __builtin_FILE(),
              int line = __builtin_LINE()) {
  return shuffle(WarpCall::shfl, mask, value, static_cast<unsigned>(source), width, file, line);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32, const char* file = __builtin_FILE(),
                 int line = __builtin_LINE()) {
  return shuffle(WarpCall::shfl_up, mask, value, delta, width, file, line);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32, const char* file = __builtin_FILE(),
                   int line = __builtin_LINE()) {
  return shuffle(WarpCall::shfl_down, mask, value, delta, width, file, line);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int lane_mask, int width = 32, const char* file = __builtin_FILE(),
                  int line = __builtin_LINE()) {
  return shuffle(WarpCall::shfl_xor, mask, value, static_cast<unsigned>(lane_mask), width, file, line);
}
inline unsigned __ballot_sync(unsigned mask, int predicate, const char* file = __builtin_FILE(),
                              int line = __builtin_LINE()) {
  return static_cast<unsigned>(warp_collective(WarpCall::ballot, mask, predicate != 0, 0, 32, file, line));
}
inline int __any_sync(unsigned mask, int predicate, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  return static_cast<int>(warp_collective(WarpCall::any, mask, predicate != 0, 0, 32, file, line));
}
inline int __all_sync(unsigned mask, int predicate, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  return static_cast<int>(warp_collective(WarpCall::all, mask, predicate != 0, 0, 32, file, line));
}

// Atomics are real atomic operations, so that the thread sanitizer knows them; relaxed, as on the device.
template <class T, class Combine>
T atomic_update(T* address, Combine combine) {
  T old;
  __atomic_load(address, &old, __ATOMIC_RELAXED);
  T desired = combine(old);
  while (!__atomic_compare_exchange(address, &old, &desired, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    desired = combine(old);
  }
  return old;
}
inline int atomicAdd(int* address, int value) { return __atomic_fetch_add(address, value, __ATOMIC_RELAXED); }
inline unsigned atomicAdd(unsigned* address, unsigned value) {
  return __atomic_fetch_add(address, value, __ATOMIC_RELAXED);
}
inline unsigned long long atomicAdd(unsigned long long* address, unsigned long long value) {
  return __atomic_fetch_add(address, value, __ATOMIC_RELAXED);
}
inline float atomicAdd(float* address, float value) {
  return atomic_update(address, [=](float old) { return old + value; });
}
inline double atomicAdd(double* address, double value) {
  return atomic_update(address, [=](double old) { return old + value; });
}
inline int atomicMax(int* address, int value) {
  return atomic_update(address, [=](int old) { return old > value ? old : value; });
}
inline int atomicMin(int* address, int value) {
  return atomic_update(address, [=](int old) { return old < value ? old : value; });
}
inline unsigned atomicMax(unsigned* address, unsigned value) {
  return atomic_update(address, [=](unsigned old) { return old > value ? old : value; });
}
inline unsigned atomicMin(unsigned* address, unsigned value) {
  return atomic_update(address, [=](unsigned old) { return old < value ? old : value; });
}
inline int atomicExch(int* address, int value) { return __atomic_exchange_n(address, value, __ATOMIC_RELAXED); }
inline unsigned atomicCAS(unsigned* address, unsigned expected, unsigned desired) {
  __atomic_compare_exchange_n(address, &expected, desired, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
  return expected;
}

// Arithmetic. Fast intrinsics are computed exactly here: their device rounding is not emulated.
// The _rn forms are rounded one by one, never fused into a multiply-add (both targets).
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fsub_rn(float a, float b) { return a - b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline float __fsqrt_rn(float x) { return std::sqrt(x); }
inline float __fmaf_rn(float a, float b, float c) { return std::fmaf(a, b, c); }
inline float __fdividef(float a, float b) { return a / b; }
inline float __expf(float x) { return std::exp(x); }
inline float __logf(float x) { return std::log(x); }
inline float rsqrtf(float x) { return 1.0f / std::sqrt(x); }
inline float __saturatef(float x) { return x < 0 ? 0.0f : x > 1 ? 1.0f : x == x ? x : 0.0f; }
inline int __float_as_int(float x) { return __builtin_bit_cast(int, x); }
inline float __int_as_float(int x) { return __builtin_bit_cast(float, x); }
inline unsigned __float_as_uint(float x) { return __builtin_bit_cast(unsigned, x); }
inline float __uint_as_float(unsigned x) { return __builtin_bit_cast(float, x); }
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __clz(int x) { return x == 0 ? 32 : __builtin_clz(static_cast<unsigned>(x)); }
inline int __mul24(int a, int b) { return a * b; }
template <class T>
T __ldg(const T* address) {
  return *address;
}

template <class T>
constexpr T min(T a, T b) {
  return b < a ? b : a;
}
template <class T>
constexpr T max(T a, T b) {
  return a < b ? b : a;
}

}  // namespace fovea::emu
