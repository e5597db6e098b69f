// SPDX-License-Identifier: Apache-2.0
#include "cuda/emu/engine.h"

#include <memory>
#include <utility>

#include "cuda/emu/sanitizers.h"

namespace fovea::emu {

constinit thread_local uint3 threadIdx{};
constinit thread_local uint3 blockIdx{};
constinit thread_local dim3 blockDim{};
constinit thread_local dim3 gridDim{};

namespace {

// An order of the blocks without a table: from `first` on, `step` further each time, modulo a count coprime to it.
struct BlockOrder {
  std::uint64_t count, step = 1, first = 0;
};

std::uint64_t greatest_common_divisor(std::uint64_t a, std::uint64_t b) {
  while (b != 0) a = std::exchange(b, a % b);
  return a;
}

}  // namespace

constinit thread_local Engine* Engine::this_thread_ = nullptr;

Engine& Engine::make_for_this_thread() {
  thread_local const auto owner = std::make_unique<Engine>();
  this_thread_ = owner.get();
  return *this_thread_;
}

std::uint64_t Engine::next_random() {  // splitmix64
  random_ += 0x9e3779b97f4a7c15u;
  std::uint64_t z = random_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

void Engine::run(const KernelLaunch& launch) {
  if (running_) throw LaunchError(std::string(launch.name) + ": a kernel cannot launch kernels", launch.name);
  launch_ = launch;
  random_ = launch.seed;
  thread_count_ = static_cast<int>(launch.block.x * launch.block.y * launch.block.z);
  warp_count_ = (thread_count_ + 31) / 32;
  blockDim = launch.block;
  gridDim = launch.grid;
  for (int t = 0; t < thread_count_; ++t) {
    const auto linear = static_cast<unsigned>(t);
    threads_[t].index = {linear % launch.block.x, linear / launch.block.x % launch.block.y,
                         linear / (launch.block.x * launch.block.y)};
  }
  fibers_.reserve(thread_count_);
  fault_ = FaultRecord{};
  exception_ = nullptr;
  failed_ = false;
  running_ = true;

  BlockOrder order{std::uint64_t{launch.grid.x} * launch.grid.y * launch.grid.z};
  if (launch.schedule == EmuSchedule::reverse) {
    order.step = order.count - 1;
    order.first = order.count - 1;
  } else if (launch.schedule == EmuSchedule::shuffled) {
    do order.step = next_random() % order.count + 1;
    while (greatest_common_divisor(order.step, order.count) != 1);
    order.first = next_random() % order.count;
  }
  try {
    std::uint64_t block = order.first;
    for (std::uint64_t i = 0; i < order.count && !failed_; ++i) {
      run_block(block);
      block = (block + order.step) % order.count;
    }
  } catch (...) {  // no memory for a block's shared memory
    failed_ = true;
    exception_ = std::current_exception();
  }
  running_ = false;
  acquire(&kernel_end_tag_);
  if (failed_) discard_fibers();
  if (exception_) std::rethrow_exception(std::exchange(exception_, nullptr));
  if (fault_.set) throw KernelFaultError(describe(fault_), fault_.fault, launch.name);
}

void Engine::run_block(std::uint64_t linear_block) {
  const dim3 grid = launch_.grid;
  blockIdx = {static_cast<unsigned>(linear_block % grid.x), static_cast<unsigned>(linear_block / grid.x % grid.y),
              static_cast<unsigned>(linear_block / grid.x / grid.y)};
  arena_.begin_block(launch_.dynamic_shared_bytes, launch_.shared_limit);
  for (int t = 0; t < thread_count_; ++t) threads_[t].state = State::unstarted;
  for (int w = 0; w < warp_count_; ++w) {
    const int lanes = thread_count_ - w * 32;
    Warp& warp = warps_[w];
    warp.exists = lanes >= 32 ? 0xffffffffu : (1u << lanes) - 1;
    warp.exited = warp.waiting = 0;
    for (Gathering& gathering : warp.gatherings) gathering.arrived = 0;
  }
  copies_.begin_block(thread_count_);
  waiting_at_barrier_ = waiting_in_collective_ = exited_ = 0;
  barrier_parity_ = 0;
  free_count_ = 0;
  for (int i = thread_count_; i-- > 0;) free_fibers_[free_count_++] = i;
  if (under_tsan) {
    for (int i = 0; i < thread_count_; ++i) fibers_.begin_thread(i);
  }

  Fiber& host = host_fiber();
#if FOVEA_EMU_TSAN
  host.tsan_fiber = __tsan_get_current_fiber();
#endif
  begin_round(true);
  while (!failed_ && exited_ < thread_count_) {
    const int first = pick_next();
    if (first >= 0) resume(host, first);  // returns when everyone has had a turn
    if (!failed_) end_round();
  }
  if (!failed_) check_arena();
  if (under_tsan) {
    for (int i = 0; i < thread_count_; ++i) fibers_.end_thread(i);
  }
}

void Engine::begin_round(bool first) {
  cursor_ = 0;
  if (launch_.schedule == EmuSchedule::shuffled) {
    if (first) {
      for (int i = 0; i < thread_count_; ++i) order_[i] = i;
    }
    for (int i = thread_count_ - 1; i > 0; --i) {
      std::swap(order_[i], order_[next_random() % (static_cast<unsigned>(i) + 1)]);
    }
  } else if (first) {
    const bool forward = launch_.schedule == EmuSchedule::forward;
    for (int i = 0; i < thread_count_; ++i) order_[i] = forward ? i : thread_count_ - 1 - i;
  }
}

// Everyone is waiting or has returned, or was released by a warp function during this round.
void Engine::end_round() {
  if (waiting_at_barrier_ > 0 && waiting_at_barrier_ + exited_ == thread_count_) {
    if (exited_ > 0) return diagnose_deadlock();
    for (int t = 0; t < thread_count_; ++t) threads_[t].state = State::runnable;
    waiting_at_barrier_ = 0;
    barrier_parity_ ^= 1;
  } else if (waiting_at_barrier_ + waiting_in_collective_ + exited_ == thread_count_ && exited_ < thread_count_) {
    return diagnose_deadlock();
  }
  begin_round(false);
}

void Engine::resume(Fiber& from, int t) {
  Thread& thread = threads_[t];
  if (thread.state == State::unstarted) {
    // The thread sanitizer knows a fiber as one thread, so there every CUDA thread has its own.
    const int fiber = under_tsan ? t : free_fibers_[--free_count_];
    thread.fiber = &fibers_[fiber];
    thread.state = State::runnable;
    if (!thread.fiber->started) fibers_.prepare(fiber, &Engine::fiber_main);
  }
  become(t);
  switch_fiber(from, *thread.fiber);
}

// The current thread waits: on to whoever is next in this round, or back to the host fiber at its end.
void Engine::suspend() {
  Fiber& self = *threads_[current_].fiber;
  release(&kernel_end_tag_);  // it may never run again, when another thread breaks a rule
  const int next = pick_next();
  if (next >= 0) {
    resume(self, next);
  } else {
    switch_fiber(self, host_fiber());
  }
}

// A fiber's whole life: it runs one CUDA thread after another, and sleeps here between them. A kernel without barriers
// therefore runs on a single fiber without any switch.
void Engine::fiber_main() {
  fiber_entered();
  Engine& engine = of_this_thread();
  for (;;) {
    Fiber& self = *engine.threads_[engine.current_].fiber;
    try {
      engine.launch_.invoke(engine.launch_.context);
    } catch (...) {  // must not cross to another stack
      engine.exception_ = std::current_exception();
      engine.failed_ = true;
    }
    engine.thread_returned();
    if (engine.failed_) {
      switch_fiber(self, host_fiber());
      continue;
    }
    const int next = engine.pick_next();
    Thread* thread = next >= 0 ? &engine.threads_[next] : nullptr;
    if (!under_tsan && thread != nullptr && thread->state == State::unstarted) {
      thread->fiber = &self;
      thread->state = State::runnable;
      engine.become(next);
      continue;
    }
    if (!under_tsan) engine.free_fibers_[engine.free_count_++] = self.index;
    if (thread != nullptr) {
      engine.resume(self, next);
    } else {
      switch_fiber(self, host_fiber());
    }
  }
}

void Engine::thread_returned() {
  const int t = current_;
  if (!failed_) require_copies_finished();
  threads_[t].state = State::exited;
  ++exited_;
  release(&kernel_end_tag_);
  Warp& warp = warps_[t / 32];
  const unsigned bit = 1u << (t % 32);
  warp.exited |= bit;
  if (warp.waiting == 0 || failed_) return;
  for (int lane = 0; lane < 32; ++lane) {
    const int other = t / 32 * 32 + lane;
    if ((warp.waiting >> lane & 1) == 0 || (threads_[other].mask & bit) == 0) continue;
    FaultRecord record;
    record.fault = KernelFault::warp_exited_lane;
    record.thread = other;
    record.site = threads_[other].site;
    record.call = threads_[other].call;
    record.mask = threads_[other].mask;
    record.lane = t % 32;
    fail(record);
  }
}

void Engine::barrier(Site site) {
  Thread& self = threads_[current_];
  if (waiting_at_barrier_ == 0) {
    first_at_barrier_ = current_;
  } else if (!same_site(threads_[first_at_barrier_].site, site)) {
    FaultRecord record;
    record.fault = KernelFault::barrier_site_mismatch;
    record.thread = current_;
    record.site = site;
    record.other_thread = first_at_barrier_;
    record.other_site = threads_[first_at_barrier_].site;
    fail(record);
  }
  self.site = site;
  self.state = State::at_barrier;
  ++waiting_at_barrier_;
  // Two alternating tags: with one, a thread late to leave this barrier would also acquire what early ones released on
  // arriving at the next, and races between the two would be hidden.
  void* tag = arena_.barrier_tag(barrier_parity_);
  release(tag);
  suspend();
  acquire(tag);
}

void* Engine::shared_slot(const SharedSlot& wanted) {
  const SharedSlot* slot = arena_.find(wanted.site);
  if (slot == nullptr && wanted.bytes > 0) slot = arena_.add(wanted);
  if (slot != nullptr) return slot->data;
  FaultRecord record;
  record.fault = KernelFault::shared_too_large;
  record.thread = current_;
  record.site = {wanted.file, wanted.line};
  record.array = wanted.name;
  record.bytes = wanted.bytes;
  record.used = arena_.used_bytes();
  record.limit = arena_.limit();
  fail(record);
}

void Engine::fail(FaultRecord record) {
  if (!failed_) {
    fault_ = record;
    fault_.set = true;
    failed_ = true;
  }
  release(&kernel_end_tag_);
  switch_fiber(*threads_[current_].fiber, host_fiber());
  __builtin_unreachable();  // the engine discards this fiber
}

void Engine::check_arena() {
  const SharedSlot* slot = arena_.find_overrun();
  if (slot == nullptr) return;
  fault_.set = failed_ = true;
  fault_.fault = KernelFault::shared_overrun;
  fault_.array = slot->name;
  fault_.bytes = slot->bytes;
  fault_.site = {slot->file, slot->line};
}

void Engine::discard_fibers() {
  for (int i = 0; i < fibers_.size(); ++i) {
    if (fibers_[i].tsan_fiber != nullptr) fibers_.end_thread(i);
    fibers_[i].started = false;
  }
}

void run_kernel(const KernelLaunch& launch) { Engine::of_this_thread().run(launch); }

void block_barrier(const char* file, int line) { Engine::of_this_thread().barrier({file, line}); }

std::uint64_t warp_collective(WarpCall call, unsigned mask, std::uint64_t value, unsigned argument, int width,
                              const char* file, int line) {
  return Engine::of_this_thread().collective(call, mask, value, argument, width, {file, line});
}

void* shared_slot(const void* site, std::size_t bytes, std::size_t alignment, const char* name, const char* file,
                  int line) {
  return Engine::of_this_thread().shared_slot({site, nullptr, bytes, alignment, name, file, line});
}

void* dynamic_shared_slot() {
  return Engine::of_this_thread().shared_slot({nullptr, nullptr, 0, 16, "dynamic_shared<T>()", "", 0});
}

void mark_shared_written(const void* cell, std::size_t bytes) {
  Engine::of_this_thread().arena().mark_written(cell, bytes);
}

void fail_misaligned(std::size_t bytes, std::size_t alignment, const char* file, int line) {
  Engine& engine = Engine::of_this_thread();
  FaultRecord record;
  record.fault = KernelFault::wide_misaligned;
  record.thread = engine.current_thread();
  record.site = {file, line};
  record.bytes = bytes;
  record.limit = alignment;
  engine.fail(record);
}

void require_shared_written(const void* cell, const char* file, int line) {
  Engine& engine = Engine::of_this_thread();
  if (!engine.running() || engine.arena().is_written(cell)) return;
  FaultRecord record;
  record.fault = KernelFault::shared_unwritten;
  record.thread = engine.current_thread();
  record.site = {file, line};
  engine.fail(record);
}

}  // namespace fovea::emu
