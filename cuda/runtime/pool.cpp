// SPDX-License-Identifier: Apache-2.0
#include "cuda/runtime/pool.h"

#include <algorithm>
#include <iterator>
#include <limits>

namespace fovea::FOVEA_TARGET {

Pool::Pool(std::unique_ptr<RawMemory> raw, bool pooled)
    : raw_(std::move(raw)), pooled_(pooled), guard_(raw_->guard_bytes()) {}

Pool::~Pool() {
  for (const auto& [start, bytes] : segments_) raw_->deallocate(start - guard_, bytes + guard_);
}

// A segment begins with a guard of its own; each block brings the one behind it.
bool Pool::add_segment(std::size_t capacity) {
  char* base = static_cast<char*>(raw_->allocate(capacity + guard_));
  if (base == nullptr) return false;
  char* start = base + guard_;
  try {
    segments_.emplace(start, capacity);
    blocks_.emplace(start, Block{capacity, 0, start, false});
    free_.emplace(capacity, start);
  } catch (...) {
    free_.erase({capacity, start});
    blocks_.erase(start);
    segments_.erase(start);
    raw_->deallocate(base, capacity + guard_);
    throw;
  }
  statistics_.reserved_bytes += capacity + guard_;
  raw_->on_reserve(base, capacity + guard_);
  return true;
}

Pool::Allocation Pool::allocate(std::size_t bytes) {
  if (bytes == 0) bytes = 1;
  if (bytes > std::numeric_limits<std::size_t>::max() / 4) return {};
  const std::size_t wanted = (bytes + guard_ + alignment - 1) / alignment * alignment;
  auto fit = pooled_ ? free_.lower_bound({wanted, nullptr}) : free_.end();
  if (fit == free_.end()) {
    const std::size_t capacity = pooled_ ? (wanted + segment_bytes - 1) / segment_bytes * segment_bytes : wanted;
    if (!add_segment(capacity)) {
      release_unused();
      // Without the rounding, too: the device may be nearly full.
      if (!add_segment(capacity) && !add_segment(wanted)) return {};
    }
    fit = free_.lower_bound({wanted, nullptr});
  }
  auto block = blocks_.find(fit->second);
  if (block->second.capacity - wanted >= alignment + guard_) {
    // Both containers grow before anything changes, so that running out of host memory leaves the pool whole.
    const std::size_t rest = block->second.capacity - wanted;
    char* rest_start = block->first + wanted;
    blocks_.emplace(rest_start, Block{rest, 0, block->second.segment, false});
    try {
      free_.emplace(rest, rest_start);
    } catch (...) {
      blocks_.erase(rest_start);
      throw;
    }
    block->second.capacity = wanted;
  }
  free_.erase(fit);
  block->second.bytes = bytes;
  block->second.used = true;
  statistics_.used_bytes += bytes;
  statistics_.peak_used_bytes = std::max(statistics_.peak_used_bytes, statistics_.used_bytes);
  ++statistics_.live_blocks;
  return {block->first, !raw_->on_acquire(block->first, bytes, block->second.capacity)};
}

Pool::Freed Pool::deallocate(void* data) noexcept {
  auto block = blocks_.find(static_cast<char*>(data));
  if (block == blocks_.end() || !block->second.used) return Freed::unknown;
  const std::size_t bytes = block->second.bytes;
  const bool intact = raw_->guards_intact(data, bytes, block->second.capacity);
  raw_->on_release(data, bytes, block->second.capacity);
  statistics_.used_bytes -= bytes;
  --statistics_.live_blocks;
  block->second.used = false;
  block->second.bytes = 0;
  if (!pooled_) {
    drop_segment(block);
    return intact ? Freed::ok : Freed::overrun;
  }
  const auto next = std::next(block);
  if (next != blocks_.end() && !next->second.used && next->second.segment == block->second.segment) {
    block = merge_with_next(block);
  }
  if (block != blocks_.begin()) {
    const auto before = std::prev(block);
    if (!before->second.used && before->second.segment == block->second.segment) {
      block = merge_with_next(before);
    }
  }
  try {
    free_.emplace(block->second.capacity, block->first);
  } catch (...) {
    // Out of host memory: the block is lost to the pool until its segment goes, nothing worse.
  }
  return intact ? Freed::ok : Freed::overrun;
}

Pool::Blocks::iterator Pool::merge_with_next(Blocks::iterator block) noexcept {
  const auto next = std::next(block);
  free_.erase({block->second.capacity, block->first});
  free_.erase({next->second.capacity, next->first});
  block->second.capacity += next->second.capacity;
  blocks_.erase(next);
  return block;
}

void Pool::drop_segment(Blocks::iterator block) noexcept {
  char* start = block->first;
  const std::size_t bytes = block->second.capacity;
  free_.erase({bytes, start});
  blocks_.erase(block);
  segments_.erase(start);
  statistics_.reserved_bytes -= bytes + guard_;
  raw_->deallocate(start - guard_, bytes + guard_);
}

void Pool::release_unused() noexcept {
  for (auto segment = segments_.begin(); segment != segments_.end();) {
    const auto current = segment++;
    const auto block = blocks_.find(current->first);
    if (!block->second.used && block->second.capacity == current->second) drop_segment(block);
  }
}

std::pair<const void*, std::size_t> Pool::find(const void* address) const {
  char* key = const_cast<char*>(static_cast<const char*>(address));
  auto block = blocks_.upper_bound(key);
  if (block == blocks_.begin()) return {nullptr, 0};
  --block;
  if (!block->second.used || key >= block->first + block->second.bytes) return {nullptr, 0};
  return {block->first, block->second.bytes};
}

std::pair<const void*, std::size_t> Pool::find_overrun() const {
  if (guard_ == 0) return {nullptr, 0};
  for (const auto& [start, block] : blocks_) {
    if (block.used && !raw_->guards_intact(start, block.bytes, block.capacity)) return {start, block.bytes};
  }
  return {nullptr, 0};
}

std::size_t Pool::free_bytes() const {
  std::size_t bytes = raw_->free_bytes();
  for (const auto& [capacity, start] : free_) bytes += capacity;
  return bytes;
}

}  // namespace fovea::FOVEA_TARGET
