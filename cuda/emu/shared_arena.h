// SPDX-License-Identifier: Apache-2.0
//
// The shared memory of the block that is running: slots between gaps, in one mapping. Each block renews it for the
// thread sanitizer, to which two blocks would else seem to race for it.
#pragma once
#include <cstddef>

namespace fovea::emu {

struct SharedSlot {
  const void* site = nullptr;  // identifies the declaration; null for dynamic shared memory
  unsigned char* data = nullptr;
  std::size_t bytes = 0;
  std::size_t alignment = 1;  // as declared; here it may lie better, by luck
  const char* name = "";
  const char* file = "";
  int line = 0;
};

class SharedArena {
 public:
  static constexpr std::size_t max_bytes = 64 * 1024;
  static constexpr int max_slots = 64;

  SharedArena() = default;
  SharedArena(const SharedArena&) = delete;
  SharedArena& operator=(const SharedArena&) = delete;
  ~SharedArena();

  // On the host fiber. `limit`: most bytes of all slots together.
  void begin_block(std::size_t dynamic_bytes, std::size_t limit);

  const SharedSlot* find(const void* site) const {
    for (int i = 0; i < slot_count_; ++i) {
      if (slots_[i].site == site) return &slots_[i];
    }
    return nullptr;
  }
  // The slot that all of these bytes lie in, or nullptr.
  const SharedSlot* containing(const void* address, std::size_t bytes) const;
  // nullptr when the limit is passed.
  const SharedSlot* add(const SharedSlot& slot);
  // The first slot (or the start of the arena) whose neighbouring bytes were overwritten, or nullptr.
  const SharedSlot* find_overrun() const;
  std::size_t used_bytes() const { return used_bytes_; }
  std::size_t limit() const { return limit_; }

  void mark_written(const void* cell, std::size_t bytes);
  void mark_all_written(const void* cells, std::size_t bytes);  // of whatever size
  bool is_written(const void* cell) const;

  // Addresses for the thread sanitizer's barrier tags, as short-lived as the block.
  void* barrier_tag(int parity) { return base_ + 8 * parity; }
  void* warp_tag(int warp, int lowest_lane, int parity) {
    return base_ + 16 + 8 * ((warp * 32 + lowest_lane) * 2 + parity);
  }

 private:
  void map();

  static constexpr std::size_t gap_bytes = 128;
  static constexpr std::size_t tag_bytes = 20 * 1024;
  static constexpr std::size_t data_bytes = max_bytes + (max_slots + 1) * (gap_bytes + 128);
  static constexpr std::size_t mapping_bytes = tag_bytes + data_bytes;

  unsigned char* base_ = nullptr;
  SharedSlot slots_[max_slots];
  int slot_count_ = 0;
  std::size_t next_ = tag_bytes;  // offset from base_
  std::size_t used_bytes_ = 0, limit_ = 0;
  unsigned char written_[data_bytes] = {};
};

}  // namespace fovea::emu
