// SPDX-License-Identifier: Apache-2.0
//
// Fibers: a stack and a context each, known to the sanitizers. One fiber carries one CUDA thread at a time.
#pragma once
#include <cstddef>
#include <memory>
#include <vector>

#include "cuda/emu/context.h"
#include "cuda/emu/sanitizers.h"

namespace fovea::emu {

struct Fiber {
  Context context;
  const void* stack = nullptr;  // lowest address
  std::size_t stack_bytes = 0;
  void* fake_stack = nullptr;  // address sanitizer
  void* tsan_fiber = nullptr;
  std::size_t touched_bytes = 0;  // thread sanitizer: of the stack, from its top
  int index = -1;                 // in its pool
  bool started = false;           // `context` is inside its entry function
};

// Continues `to`; returns when `from` is continued.
#if FOVEA_EMU_ASAN || FOVEA_EMU_TSAN
void switch_fiber(Fiber& from, Fiber& to);
#else
inline void switch_fiber(Fiber& from, Fiber& to) { switch_context(from.context, to.context); }
#endif
// First call of a fiber's entry function: tells the address sanitizer that the switch is over.
void fiber_entered();

// The fibers of one OS thread, at most one per CUDA thread of a block. Stacks lie between guard pages: an overflow is
// a segmentation fault, never silent.
class FiberPool {
 public:
  FiberPool() = default;
  FiberPool(const FiberPool&) = delete;
  FiberPool& operator=(const FiberPool&) = delete;
  ~FiberPool();

  // Grows to at least `count` fibers. Throws DeviceError when the system gives no stacks.
  void reserve(int count);
  Fiber& operator[](int i) { return *fibers_[static_cast<std::size_t>(i)]; }
  int size() const { return static_cast<int>(fibers_.size()); }

  // Puts a fiber at the start of `entry`, whatever it was doing.
  void prepare(int i, void (*entry)());
  // Thread sanitizer: the fiber is a new thread from here on, and nobody has touched its stack.
  void begin_thread(int i);
  void end_thread(int i);

 private:
  static constexpr int fibers_per_mapping = 64;
  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<void*> mappings_;
};

// The fiber of the OS thread's own stack.
Fiber& host_fiber();

}  // namespace fovea::emu
