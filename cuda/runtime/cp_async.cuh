// SPDX-License-Identifier: Apache-2.0
//
// Copies from global to shared memory that go on while the thread computes (sm_80 and later: sm80.cuh).
//
//   cp_async<bytes>(to, from)               cp.async: starts a copy of 4, 8 or 16 bytes
//   cp_async<bytes>(to, from, from_bytes)   reads only that many, 0 to bytes, and writes zeros for the rest
//   cp_async_or_zeros<16>(to, from, i, exists)   copies from element i of `from` on, or writes zeros where that does not
//                                           exist: i, below 2^31 else, may be any number then, and wrap on its way there
//   cp_async_commit()                       cp.async.commit_group: what this thread started since the last is a group
//   cp_async_wait<n>()                      cp.async.wait_group n: all of this thread's groups but the newest n are done
//   cp_async_wait_all()                     cp.async.wait_all: all it ever started is done, committed or not
//
// `to` is in shared memory, `from` in global memory, both aligned to `bytes` (from too where nothing is read of it,
// but for an element that does not exist).
// Groups belong to the thread that started them. A wait makes the copies visible to this thread; other threads see them
// after a barrier that comes after the wait. From the start to the end of a copy nobody may read or write `to`: threads
// that still read what was there before need a barrier before the copy starts. Nor may anyone write `from`.
//
// `level` says which caches keep the bytes: CacheLevel::all (.ca), or CacheLevel::l2 (.cg, 16 bytes only), which is the
// default for 16 bytes, since a tile is read once.
//
// emu is as slow as the rules allow: it copies at the wait that demands it, so that whoever reads early gets the old
// bytes; and it tells the thread sanitizer of accesses both at the start and at the end, so that a read of the old
// bytes while the copy may already be on its way is a race. A copy that nobody waits for is a fault. An array that is
// copied to must be declared with elements aligned to `bytes`, as for ldmatrix.
#pragma once
#include <cstdint>

#include "cuda/runtime/sm80.cuh"

#if FOVEA_EMU
#include "cuda/emu/async_functions.h"
#endif

namespace fovea::FOVEA_TARGET {

enum class CacheLevel { all, l2 };

#if FOVEA_EMU

template <int bytes, CacheLevel level = bytes == 16 ? CacheLevel::l2 : CacheLevel::all>
inline void cp_async(void* to, const void* from, int from_bytes = bytes, const char* file = __builtin_FILE(),
                     int line = __builtin_LINE()) {
  static_assert(bytes == 4 || bytes == 8 || bytes == 16);
  static_assert(level == CacheLevel::all || bytes == 16, ".cg copies 16 bytes");
  const AsyncCopy copy{static_cast<unsigned char*>(to), static_cast<const unsigned char*>(from), bytes, from_bytes};
  start_async_copy(copy, file, line);
  touch_async_copy(copy);
}
template <int bytes, class T>
inline void cp_async_or_zeros(void* to, const T* from, unsigned i, bool exists, const char* file = __builtin_FILE(),
                              int line = __builtin_LINE()) {
  static_assert(bytes == 16);
  cp_async<bytes>(to, exists ? from + i : from, exists ? bytes : 0, file, line);
}
inline void cp_async_commit() { commit_async_copies(); }
template <int groups>
inline void cp_async_wait() {
  static_assert(groups >= 0);
  finish_async_copies(groups);
}
inline void cp_async_wait_all() { finish_async_copies(all_async_copies); }

#else

template <int bytes, CacheLevel level = bytes == 16 ? CacheLevel::l2 : CacheLevel::all>
__device__ __forceinline__ void cp_async([[maybe_unused]] void* to, [[maybe_unused]] const void* from,
                                         [[maybe_unused]] int from_bytes = bytes) {
  static_assert(bytes == 4 || bytes == 8 || bytes == 16);
  static_assert(level == CacheLevel::all || bytes == 16, ".cg copies 16 bytes");
#if FOVEA_SM80
  const auto shared = static_cast<unsigned>(__cvta_generic_to_shared(to));
  const auto global = __cvta_generic_to_global(from);
  if constexpr (level == CacheLevel::l2) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], %2, %3;" ::"r"(shared), "l"(global), "n"(bytes), "r"(from_bytes)
                 : "memory");
  } else {
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(shared), "l"(global), "n"(bytes), "r"(from_bytes)
                 : "memory");
  }
#else
  needs_sm80();
#endif
}

// A predicate, since a number of bytes would be turned into one; and the address as a number, so that one of nothing, which
// is not used, need not be replaced.
template <int bytes, class T>
__device__ __forceinline__ void cp_async_or_zeros([[maybe_unused]] void* to, [[maybe_unused]] const T* from,
                                                  [[maybe_unused]] unsigned i, [[maybe_unused]] bool exists) {
  static_assert(bytes == 16);
#if FOVEA_SM80
  const auto shared = static_cast<unsigned>(__cvta_generic_to_shared(to));
  const std::int64_t global = static_cast<std::int64_t>(__cvta_generic_to_global(from)) +
                              static_cast<int>(i) * static_cast<std::int64_t>(sizeof(T));
  asm volatile(
      "{.reg .pred ignored; setp.eq.s32 ignored, %2, 0; cp.async.cg.shared.global [%0], [%1], 16, ignored;}" ::"r"(
          shared),
      "l"(global), "r"(static_cast<int>(exists))
      : "memory");
#else
  needs_sm80();
#endif
}

__device__ __forceinline__ void cp_async_commit() {
#if FOVEA_SM80
  asm volatile("cp.async.commit_group;" ::: "memory");
#else
  needs_sm80();
#endif
}

template <int groups>
__device__ __forceinline__ void cp_async_wait() {
  static_assert(groups >= 0);
#if FOVEA_SM80
  asm volatile("cp.async.wait_group %0;" ::"n"(groups) : "memory");
#else
  needs_sm80();
#endif
}

__device__ __forceinline__ void cp_async_wait_all() {
#if FOVEA_SM80
  asm volatile("cp.async.wait_all;" ::: "memory");
#else
  needs_sm80();
#endif
}

#endif

}  // namespace fovea::FOVEA_TARGET
