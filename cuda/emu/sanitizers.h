// SPDX-License-Identifier: Apache-2.0
//
// Which sanitizer this build runs under, and the calls by which the engine tells it about fibers. The engine itself is
// compiled without thread-sanitizer instrumentation (switching fibers from an instrumented function corrupts the
// sanitizer's shadow stack), so that one is announced by the build as FOVEA_EMU_TSAN.
#pragma once
#include <cstddef>
#include <cstdint>

#if defined(__SANITIZE_ADDRESS__)
#define FOVEA_EMU_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FOVEA_EMU_ASAN 1
#endif
#endif
#ifndef FOVEA_EMU_ASAN
#define FOVEA_EMU_ASAN 0
#endif
#ifndef FOVEA_EMU_TSAN
#define FOVEA_EMU_TSAN 0
#endif

extern "C" {
#if FOVEA_EMU_ASAN
void __sanitizer_start_switch_fiber(void** fake_stack_save, const void* bottom, std::size_t size);
void __sanitizer_finish_switch_fiber(void* fake_stack_save, const void** bottom_old, std::size_t* size_old);
void __asan_poison_memory_region(const volatile void* address, std::size_t size);
void __asan_unpoison_memory_region(const volatile void* address, std::size_t size);
#endif
#if FOVEA_EMU_TSAN
void* __tsan_get_current_fiber(void);
void* __tsan_create_fiber(unsigned flags);
void __tsan_destroy_fiber(void* fiber);
void __tsan_switch_to_fiber(void* fiber, unsigned flags);
void __tsan_acquire(void* address);
void __tsan_release(void* address);
void __tsan_java_alloc(std::uintptr_t address, std::uintptr_t size);
void __tsan_java_free(std::uintptr_t address, std::uintptr_t size);
#endif
}

namespace fovea::emu {

inline constexpr bool under_asan = FOVEA_EMU_ASAN != 0;
inline constexpr bool under_tsan = FOVEA_EMU_TSAN != 0;

inline void poison([[maybe_unused]] const void* address, [[maybe_unused]] std::size_t bytes) {
#if FOVEA_EMU_ASAN
  __asan_poison_memory_region(address, bytes);
#endif
}
inline void unpoison([[maybe_unused]] const void* address, [[maybe_unused]] std::size_t bytes) {
#if FOVEA_EMU_ASAN
  __asan_unpoison_memory_region(address, bytes);
#endif
}

// What one CUDA thread did before release(tag) happened before what another does after acquire(tag).
inline void release([[maybe_unused]] void* tag) {
#if FOVEA_EMU_TSAN
  __tsan_release(tag);
#endif
}
inline void acquire([[maybe_unused]] void* tag) {
#if FOVEA_EMU_TSAN
  __tsan_acquire(tag);
#endif
}
// The thread sanitizer forgets all accesses to the memory so far, and what was synchronised through it. This interface is
// made for the heap of a Java machine; the other way is to map the memory anew, which took half the time of a block.
inline void renew([[maybe_unused]] void* address, [[maybe_unused]] std::size_t bytes) {
#if FOVEA_EMU_TSAN
  __tsan_java_free(reinterpret_cast<std::uintptr_t>(address), bytes);
  __tsan_java_alloc(reinterpret_cast<std::uintptr_t>(address), bytes);
#endif
}

}  // namespace fovea::emu
