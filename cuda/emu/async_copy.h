// SPDX-License-Identifier: Apache-2.0
//
// The copies that a CUDA thread has started with cp_async and not yet waited for.
#pragma once
#include <cstddef>

namespace fovea::emu {

struct AsyncCopy {
  unsigned char* to;
  const unsigned char* from;
  int bytes, from_bytes;
};

inline constexpr int all_async_copies = -1;  // in place of how many groups a wait leaves

// Called on the fiber of a CUDA thread. The first two check; the last takes out the next copy that a wait demands, in
// the order in which they were started.
void start_async_copy(const AsyncCopy& copy, const char* file, int line);
void commit_async_copies();
bool take_async_copy(int groups_left, AsyncCopy& copy);

// Queues for all threads of a block, each a ring. Memory comes from the system when the first copy starts: a kernel's
// fiber must not call malloc (the thread sanitizer would see its memory change hands).
class AsyncCopies {
 public:
  static constexpr unsigned most_per_thread = 512;

  struct Entry {
    AsyncCopy copy;
    unsigned group;
    const char* file;
    int line;
  };
  struct Queue {
    unsigned first = 0, count = 0;
    unsigned group = 0;  // the one that is open
  };

  AsyncCopies() = default;
  AsyncCopies(const AsyncCopies&) = delete;
  AsyncCopies& operator=(const AsyncCopies&) = delete;
  ~AsyncCopies();

  void begin_block(int threads);
  Queue& queue(int thread) { return queues_[thread]; }
  // Entry i of the queue, counted from the oldest. nullptr when there is no memory.
  Entry* entry(int thread, unsigned i);

 private:
  Queue queues_[1024];
  Entry* entries_ = nullptr;
};

}  // namespace fovea::emu
