// SPDX-License-Identifier: Apache-2.0
//
// Runs one kernel launch on the calling OS thread: blocks one after another, the threads of a block as fibers that
// take turns at barriers and warp functions. Each OS thread has an engine of its own.
//
// Include this in the engine's own sources only: they are compiled without thread-sanitizer instrumentation, and an
// inline function shared with an instrumented source could be linked in its instrumented form.
#pragma once
#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <vector>

#include "cuda/emu/async_copy.h"
#include "cuda/emu/device_functions.h"
#include "cuda/emu/fiber.h"
#include "cuda/emu/kernel_launch.h"
#include "cuda/emu/shared_arena.h"
#include "cuda/runtime/error.h"

namespace fovea::emu {

// A place in a kernel's source.
struct Site {
  const char* file = "";
  int line = 0;
};
inline bool same_site(Site a, Site b) {
  return a.line == b.line && (a.file == b.file || __builtin_strcmp(a.file, b.file) == 0);
}

// What broke, as plain data: it is recorded on a fiber that will never run again, so nothing may need destroying.
struct FaultRecord {
  bool set = false;
  KernelFault fault{};
  int thread = -1, other_thread = -1;
  Site site, other_site;
  WarpCall call{}, other_call{};
  unsigned mask = 0, other_mask = 0;
  int lane = 0, width = 0;
  const char* array = "";
  std::size_t bytes = 0, used = 0, limit = 0;
  bool copy = false;  // an asynchronous copy, not `call`
};

class Engine {
 public:
  static Engine& of_this_thread() { return this_thread_ != nullptr ? *this_thread_ : make_for_this_thread(); }

  // On the host fiber. Throws KernelFaultError, or what the kernel threw.
  void run(const KernelLaunch& launch);

  // On the fiber of a CUDA thread.
  void barrier(Site site);
  std::uint64_t collective(WarpCall call, unsigned mask, std::uint64_t value, unsigned argument, int width, Site site);
  void* shared_slot(const SharedSlot& wanted);
  void start_copy(const AsyncCopy& copy, Site site);
  void commit_copies() { ++copies_.queue(current_).group; }
  bool take_copy(int groups_left, AsyncCopy& copy);
  SharedArena& arena() { return arena_; }
  // Ends the kernel: control goes back to the host fiber for good.
  [[noreturn]] void fail(FaultRecord record);
  bool running() const { return running_; }
  int current_thread() const { return current_; }

 private:
  enum class State : std::uint8_t { unstarted, runnable, at_barrier, in_collective, exited };

  struct Thread {
    State state = State::unstarted;
    WarpCall call{};
    int width = 32;
    unsigned mask = 0, argument = 0;
    std::uint64_t value = 0, result = 0;
    Site site;
    Fiber* fiber = nullptr;
    uint3 index{};
  };

  // Lanes waiting for each other in one warp function, found by the lowest lane of their mask.
  struct Gathering {
    unsigned mask = 0, arrived = 0;
    unsigned generation = 0;
    WarpCall call{};
    Site site;
  };
  struct Warp {
    unsigned exists = 0, exited = 0, waiting = 0;
    Gathering gatherings[32];
  };

  static Engine& make_for_this_thread();
  static void fiber_main();
  void run_block(std::uint64_t linear_block);
  void begin_round(bool first);
  void end_round();
  // The next thread of this round that can run, or -1 at its end.
  int pick_next() {
    while (cursor_ < thread_count_) {
      const int thread = order_[cursor_++];
      if (threads_[thread].state <= State::runnable) return thread;
    }
    return -1;
  }
  void become(int thread) {
    current_ = thread;
    threadIdx = threads_[thread].index;
  }
  void resume(Fiber& from, int thread);
  void suspend();
  void thread_returned();
  void complete(Warp& warp, int warp_index, Gathering& gathering);
  void exchange_values(int warp_index, unsigned mask);
  void complete_matrix(int warp_index, WarpCall call);
  void require_shared(const void* address, std::size_t bytes, FaultRecord record);
  void require_copies_finished();
  void diagnose_deadlock();
  void check_arena();
  void discard_fibers();
  std::uint64_t next_random();
  std::string describe(const FaultRecord& record) const;
  std::string describe_thread(int thread) const;

  static constinit thread_local Engine* this_thread_;
  KernelLaunch launch_;
  bool running_ = false, failed_ = false;
  FaultRecord fault_;
  std::exception_ptr exception_;

  int thread_count_ = 0, warp_count_ = 0;
  Thread threads_[1024];
  Warp warps_[32];
  int order_[1024] = {};  // this round's turns
  int cursor_ = 0;        // the next of them
  int current_ = -1;
  int waiting_at_barrier_ = 0, waiting_in_collective_ = 0, exited_ = 0;
  int barrier_parity_ = 0;
  int first_at_barrier_ = -1;
  std::uint64_t random_ = 0;

  FiberPool fibers_;
  int free_fibers_[1024] = {};
  int free_count_ = 0;
  SharedArena arena_;
  AsyncCopies copies_;
  char kernel_end_tag_ = 0;
};

const char* name_of(WarpCall call);

}  // namespace fovea::emu
