// SPDX-License-Identifier: Apache-2.0
#include "cuda/emu/shared_arena.h"

#include <sys/mman.h>

#include <cstdint>

#include "core/support/error.h"
#include "cuda/emu/sanitizers.h"

namespace fovea::emu {
namespace {

constexpr unsigned char gap_byte = 0xfb;
constexpr std::size_t slot_alignment = 128;

// Not memset: the thread sanitizer would take that for an access of the CUDA thread that happens to run.
void fill(unsigned char* data, unsigned char byte, std::size_t bytes) {
  volatile unsigned char* p = data;
  volatile unsigned char* const end = data + bytes;
  while (p < end && reinterpret_cast<std::uintptr_t>(p) % 8 != 0) *p++ = byte;
  const std::uint64_t word = 0x0101010101010101u * byte;
  for (; p + 8 <= end; p += 8) *reinterpret_cast<volatile std::uint64_t*>(p) = word;
  while (p < end) *p++ = byte;
}

bool all_equal(const unsigned char* data, unsigned char byte, std::size_t bytes) {
  unsigned char difference = 0;
  for (std::size_t i = 0; i < bytes; ++i) difference = static_cast<unsigned char>(difference | (data[i] ^ byte));
  return difference == 0;
}

}  // namespace

SharedArena::~SharedArena() {
  if (base_ != nullptr) {
    unpoison(base_, mapping_bytes);
    munmap(base_, mapping_bytes);
  }
}

void SharedArena::map() {
  void* mapping =
      mmap(nullptr, mapping_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED) throw DeviceError("emu: no memory for the shared memory of a block");
  base_ = static_cast<unsigned char*>(mapping);
}

void SharedArena::begin_block(std::size_t dynamic_bytes, std::size_t limit) {
  if (base_ == nullptr) map();
  renew(base_, next_);
  slot_count_ = 0;
  used_bytes_ = 0;
  limit_ = limit;
  unpoison(base_ + tag_bytes, data_bytes);
  fill(base_ + tag_bytes, gap_byte, gap_bytes);
  poison(base_ + tag_bytes, data_bytes);
  next_ = tag_bytes + gap_bytes;
  if (dynamic_bytes > 0) add({nullptr, nullptr, dynamic_bytes, 16, "dynamic shared memory", "", 0});
}

const SharedSlot* SharedArena::add(const SharedSlot& wanted) {
  if (used_bytes_ + wanted.bytes > limit_ || slot_count_ == max_slots) return nullptr;
  SharedSlot& slot = slots_[slot_count_++];
  slot = wanted;
  slot.data = base_ + next_;
  used_bytes_ += wanted.bytes;
  next_ += wanted.bytes + gap_bytes;
  next_ = (next_ + slot_alignment - 1) / slot_alignment * slot_alignment;
  unpoison(slot.data, wanted.bytes + gap_bytes);
  fill(slot.data, 0xff, wanted.bytes);
  fill(slot.data + wanted.bytes, gap_byte, gap_bytes);
  poison(slot.data + wanted.bytes, gap_bytes);
  const std::size_t offset = static_cast<std::size_t>(slot.data - base_) - tag_bytes;
  fill(written_ + offset, 0, wanted.bytes);
  return &slot;
}

const SharedSlot* SharedArena::find_overrun() const {
  if (under_asan) return nullptr;  // the gaps are poisoned: nobody could have written there
  if (slot_count_ > 0 && !all_equal(base_ + tag_bytes, gap_byte, gap_bytes)) return &slots_[0];
  for (int i = 0; i < slot_count_; ++i) {
    if (!all_equal(slots_[i].data + slots_[i].bytes, gap_byte, gap_bytes)) return &slots_[i];
  }
  return nullptr;
}

void SharedArena::mark_written(const void* cell, std::size_t bytes) {
  const auto offset = static_cast<std::size_t>(static_cast<const unsigned char*>(cell) - base_) - tag_bytes;
  if (offset < data_bytes && bytes > 0) written_[offset] = 1;
}

void SharedArena::mark_all_written(const void* cells, std::size_t bytes) {
  const auto offset = static_cast<std::size_t>(static_cast<const unsigned char*>(cells) - base_) - tag_bytes;
  if (offset < data_bytes && bytes <= data_bytes - offset) fill(written_ + offset, 1, bytes);
}

const SharedSlot* SharedArena::containing(const void* address, std::size_t bytes) const {
  const auto first = reinterpret_cast<std::uintptr_t>(address);
  for (int i = 0; i < slot_count_; ++i) {
    const auto data = reinterpret_cast<std::uintptr_t>(slots_[i].data);
    if (first >= data && first - data < slots_[i].bytes && bytes <= slots_[i].bytes - (first - data)) return &slots_[i];
  }
  return nullptr;
}

bool SharedArena::is_written(const void* cell) const {
  const auto offset = static_cast<std::size_t>(static_cast<const unsigned char*>(cell) - base_) - tag_bytes;
  return offset >= data_bytes || written_[offset] != 0;
}

}  // namespace fovea::emu
