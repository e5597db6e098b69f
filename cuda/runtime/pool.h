// SPDX-License-Identifier: Apache-2.0
//
// Divides large segments of device memory into blocks: best fit, split, and merged with free neighbours when given
// back. All its users work on one stream, so a freed block can be handed out at once: what used it before has been
// enqueued before. Not thread-safe (DeviceMemory locks).
#pragma once
#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "cuda/runtime/raw_memory.h"

namespace fovea::FOVEA_TARGET {

struct PoolStatistics {
  std::size_t reserved_bytes = 0;  // taken from the device
  std::size_t used_bytes = 0;      // asked for by live blocks
  std::size_t peak_used_bytes = 0;
  std::size_t live_blocks = 0;
};

class Pool {
 public:
  static constexpr std::size_t alignment = 256;
  static constexpr std::size_t segment_bytes = std::size_t{2} << 20;

  // `pooled` false: every block is its own segment and goes back to the device when freed.
  Pool(std::unique_ptr<RawMemory> raw, bool pooled);
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool();

  struct Allocation {
    void* data = nullptr;  // nullptr: no room, and nothing changed
    bool written_while_free = false;
  };
  Allocation allocate(std::size_t bytes);

  enum class Freed { ok, overrun, unknown };
  Freed deallocate(void* data) noexcept;

  // The live block that contains the address, as (start, bytes); (nullptr, 0) when there is none.
  std::pair<const void*, std::size_t> find(const void* address) const;
  // The first live block with an overwritten neighbourhood, or (nullptr, 0).
  std::pair<const void*, std::size_t> find_overrun() const;
  void release_unused() noexcept;  // gives wholly free segments back to the device
  const PoolStatistics& statistics() const { return statistics_; }
  std::size_t free_bytes() const;  // what the device has left, and what lies free in segments

 private:
  struct Block {
    std::size_t capacity = 0;  // up to the next block
    std::size_t bytes = 0;     // asked for; 0 when free
    char* segment = nullptr;
    bool used = false;
  };
  using Blocks = std::map<char*, Block>;

  bool add_segment(std::size_t capacity);
  Blocks::iterator merge_with_next(Blocks::iterator block) noexcept;
  void drop_segment(Blocks::iterator block) noexcept;

  std::unique_ptr<RawMemory> raw_;
  const bool pooled_;
  const std::size_t guard_;
  Blocks blocks_;                                 // by address, live and free
  std::set<std::pair<std::size_t, char*>> free_;  // by capacity
  std::map<char*, std::size_t> segments_;         // start of the first block -> bytes for blocks
  PoolStatistics statistics_;
};

}  // namespace fovea::FOVEA_TARGET
