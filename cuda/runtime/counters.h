// SPDX-License-Identifier: Apache-2.0
//
// A stream's counters, which both targets keep alike.
#pragma once
#include <atomic>
#include <cstdint>

#include "core/backend/runtime_counts.h"
#include "cuda/runtime/target.h"

namespace fovea::FOVEA_TARGET {

// Counting orders nothing: whoever wants the counts of a piece of work reads them on the thread that issues it.
class Counter {
 public:
  std::uint64_t add_one() { return value_.fetch_add(1, std::memory_order_relaxed); }  // returns what it was before
  void add(std::uint64_t count) { value_.fetch_add(count, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

struct Counters {
  Counter launches, allocations, frees, synchronisations, copies_from_host, copies_to_host, copies_on_device, fills,
      replays;

  RuntimeCounts read() const {
    return {.launches = launches.value(),
            .allocations = allocations.value(),
            .frees = frees.value(),
            .synchronisations = synchronisations.value(),
            .copies_from_host = copies_from_host.value(),
            .copies_to_host = copies_to_host.value(),
            .copies_on_device = copies_on_device.value(),
            .fills = fills.value(),
            .replays = replays.value()};
  }
  // What captured work may hold, done once more.
  void add_replay(const RuntimeCounts& captured) {
    launches.add(captured.launches);
    copies_on_device.add(captured.copies_on_device);
    fills.add(captured.fills);
    replays.add_one();
  }
};

}  // namespace fovea::FOVEA_TARGET
