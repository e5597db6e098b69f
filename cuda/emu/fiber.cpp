// SPDX-License-Identifier: Apache-2.0
#include "cuda/emu/fiber.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "core/support/error.h"
#include "cuda/emu/sanitizers.h"

namespace fovea::emu {
namespace {

constexpr std::size_t stack_bytes = (under_asan ? 256 : 64) * 1024;

// One page. The stacks are then an odd number of pages apart, and spread over the sets of the address translation
// cache; at a power of two apart, switching was half as fast again.
std::size_t guard_bytes() {
  static const auto bytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

[[maybe_unused]] constinit thread_local Fiber* previous = nullptr;  // the fiber that was left by the last switch

// After a switch, on the new stack.
void arrived([[maybe_unused]] Fiber& self) {
#if FOVEA_EMU_ASAN
  const void* bottom = nullptr;
  std::size_t bytes = 0;
  __sanitizer_finish_switch_fiber(self.fake_stack, &bottom, &bytes);
  // Only the sanitizer knows the bounds of the OS thread's stack.
  if (previous == &host_fiber()) {
    previous->stack = bottom;
    previous->stack_bytes = bytes;
  }
#endif
}

}  // namespace

Fiber& host_fiber() {
  thread_local Fiber host;
  return host;
}

#if FOVEA_EMU_ASAN || FOVEA_EMU_TSAN
void switch_fiber(Fiber& from, Fiber& to) {
#if FOVEA_EMU_ASAN
  __sanitizer_start_switch_fiber(&from.fake_stack, to.stack, to.stack_bytes);
#endif
#if FOVEA_EMU_TSAN
  // Flag 1: a switch is no synchronisation, or every race would be hidden.
  __tsan_switch_to_fiber(to.tsan_fiber, 1);
#endif
  previous = &from;
  switch_context(from.context, to.context);
  arrived(from);
}
#endif

void fiber_entered() {
  Fiber fresh;
  arrived(fresh);
}

void FiberPool::reserve(int count) {
  while (size() < count) {
    const std::size_t step = stack_bytes + guard_bytes();
    void* base = mmap(nullptr, step * fibers_per_mapping, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (base == MAP_FAILED) {
      throw DeviceError(std::string("emu: no memory for the stacks of the emulated threads: ") + std::strerror(errno));
    }
    mappings_.push_back(base);
    for (int i = 0; i < fibers_per_mapping; ++i) {
      char* low = static_cast<char*>(base) + static_cast<std::size_t>(i) * step;
      if (mprotect(low, guard_bytes(), PROT_NONE) != 0) {
        throw DeviceError(std::string("emu: cannot guard the stacks of the emulated threads: ") + std::strerror(errno));
      }
      auto fiber = std::make_unique<Fiber>();
      fiber->stack = low + guard_bytes();
      fiber->stack_bytes = stack_bytes;
      fiber->index = size();
      fibers_.push_back(std::move(fiber));
    }
  }
}

FiberPool::~FiberPool() {
  for (void* mapping : mappings_) munmap(mapping, (stack_bytes + guard_bytes()) * fibers_per_mapping);
}

void FiberPool::prepare(int i, void (*entry)()) {
  Fiber& fiber = (*this)[i];
  unpoison(fiber.stack, fiber.stack_bytes);  // frames of a faulted kernel were never left
  fiber.fake_stack = nullptr;
  // Start at different offsets within the page, or all stacks would compete for the same few cache sets.
  const std::size_t colour = static_cast<std::size_t>(i % 32) * 256;
  prepare_context(fiber.context, const_cast<void*>(fiber.stack), fiber.stack_bytes - colour, entry);
  fiber.started = true;
}

void FiberPool::begin_thread([[maybe_unused]] int i) {
#if FOVEA_EMU_TSAN
  // To the sanitizer the accesses of the block that used this stack before would race with those of this one. Only pages
  // that were ever touched have any; one that is swapped out now was touched before.
  Fiber& fiber = (*this)[i];
  char* low = const_cast<char*>(static_cast<const char*>(fiber.stack));
  unsigned char resident[stack_bytes / 4096] = {};
  const bool known = mincore(low, fiber.stack_bytes, resident) == 0;
  std::size_t unused = 0;
  while (known && unused < fiber.stack_bytes && (resident[unused / guard_bytes()] & 1) == 0) unused += guard_bytes();
  fiber.touched_bytes = std::max(fiber.touched_bytes, fiber.stack_bytes - unused);
  if (fiber.touched_bytes > 0) renew(low + fiber.stack_bytes - fiber.touched_bytes, fiber.touched_bytes);
  fiber.tsan_fiber = __tsan_create_fiber(0);
#endif
}

void FiberPool::end_thread([[maybe_unused]] int i) {
#if FOVEA_EMU_TSAN
  Fiber& fiber = (*this)[i];
  __tsan_destroy_fiber(fiber.tsan_fiber);
  fiber.tsan_fiber = nullptr;
  fiber.started = false;
#endif
}

}  // namespace fovea::emu
