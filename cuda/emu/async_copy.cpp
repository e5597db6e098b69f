// SPDX-License-Identifier: Apache-2.0
#include "cuda/emu/async_copy.h"

#include <sys/mman.h>

#include <cstdint>

#include "cuda/emu/engine.h"

namespace fovea::emu {
namespace {

constexpr std::size_t entries_bytes = std::size_t{1024} * AsyncCopies::most_per_thread * sizeof(AsyncCopies::Entry);

}  // namespace

AsyncCopies::~AsyncCopies() {
  if (entries_ != nullptr) munmap(entries_, entries_bytes);
}

void AsyncCopies::begin_block(int threads) {
  for (int t = 0; t < threads; ++t) queues_[t] = Queue{};
}

AsyncCopies::Entry* AsyncCopies::entry(int thread, unsigned i) {
  if (entries_ == nullptr) {  // pages that no copy uses are never there
    void* mapping =
        mmap(nullptr, entries_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapping == MAP_FAILED) return nullptr;
    entries_ = static_cast<Entry*>(mapping);
  }
  const unsigned place = (queues_[thread].first + i) % most_per_thread;
  return entries_ + static_cast<std::size_t>(thread) * most_per_thread + place;
}

void Engine::start_copy(const AsyncCopy& copy, Site site) {
  FaultRecord record;
  record.thread = current_;
  record.site = site;
  record.copy = true;
  const auto bytes = static_cast<std::size_t>(copy.bytes);
  record.bytes = bytes;
  if (copy.from_bytes < 0 || copy.from_bytes > copy.bytes) {
    record.fault = KernelFault::copy_bad_size;
    record.width = copy.from_bytes;
    fail(record);
  }
  if (reinterpret_cast<std::uintptr_t>(copy.from) % bytes != 0) {
    record.fault = KernelFault::copy_misaligned_source;
    fail(record);
  }
  if (copy.from_bytes > 0 && arena_.containing(copy.from, 1) != nullptr) {
    record.fault = KernelFault::copy_shared_source;
    fail(record);
  }
  require_shared(copy.to, bytes, record);
  AsyncCopies::Queue& queue = copies_.queue(current_);
  AsyncCopies::Entry* entry =
      queue.count < AsyncCopies::most_per_thread ? copies_.entry(current_, queue.count) : nullptr;
  if (entry == nullptr) {
    record.fault = KernelFault::copy_too_many;
    record.limit = AsyncCopies::most_per_thread;
    fail(record);
  }
  *entry = {copy, queue.group, site.file, site.line};
  ++queue.count;
}

bool Engine::take_copy(int groups_left, AsyncCopy& copy) {
  AsyncCopies::Queue& queue = copies_.queue(current_);
  if (queue.count == 0) return false;
  const AsyncCopies::Entry& oldest = *copies_.entry(current_, 0);
  // Of the groups 0 to queue.group - 1, which are committed, the newest groups_left may go on.
  if (groups_left >= 0 && oldest.group + static_cast<unsigned>(groups_left) >= queue.group) return false;
  copy = oldest.copy;
  queue.first = (queue.first + 1) % AsyncCopies::most_per_thread;
  --queue.count;
  arena_.mark_all_written(copy.to, static_cast<std::size_t>(copy.bytes));
  return true;
}

// The current thread returns: what it started must be done.
void Engine::require_copies_finished() {
  if (copies_.queue(current_).count == 0) return;
  const AsyncCopies::Entry& oldest = *copies_.entry(current_, 0);
  FaultRecord record;
  record.fault = KernelFault::copy_unfinished;
  record.thread = current_;
  record.site = {oldest.file, oldest.line};
  record.copy = true;
  record.bytes = static_cast<std::size_t>(oldest.copy.bytes);
  record.used = copies_.queue(current_).count;
  fail(record);
}

void start_async_copy(const AsyncCopy& copy, const char* file, int line) {
  Engine::of_this_thread().start_copy(copy, {file, line});
}
void commit_async_copies() { Engine::of_this_thread().commit_copies(); }
bool take_async_copy(int groups_left, AsyncCopy& copy) { return Engine::of_this_thread().take_copy(groups_left, copy); }

}  // namespace fovea::emu
