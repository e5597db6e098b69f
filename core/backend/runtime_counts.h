// SPDX-License-Identifier: Apache-2.0
//
// What a device's runtime did, counted where it does it. The counts of a piece of work are the difference of two. A step
// that is to be captured once and replayed (Backend::capture) may launch, copy on the device and fill, and nothing else; a
// replay counts as what it does, and as a replay.
#pragma once
#include <cstdint>

namespace fovea {

struct RuntimeCounts {
  std::uint64_t launches = 0;          // of kernels, or of a library in their place: Backend::executed()
  std::uint64_t allocations = 0;       // of device memory, also where a pool has it at hand
  std::uint64_t frees = 0;             // likewise
  std::uint64_t synchronisations = 0;  // waits of the host for the device; each copy_{from,to}_host is one
  std::uint64_t copies_from_host = 0;  // to the device
  std::uint64_t copies_to_host = 0;    // from the device
  std::uint64_t copies_on_device = 0;  // nobody waits for these
  std::uint64_t fills = 0;             // of device memory with one byte; nobody waits for these either
  std::uint64_t replays = 0;           // of captured work

  bool operator==(const RuntimeCounts&) const = default;
};

// What happened from `before` to `after`.
inline RuntimeCounts operator-(const RuntimeCounts& after, const RuntimeCounts& before) {
  return {.launches = after.launches - before.launches,
          .allocations = after.allocations - before.allocations,
          .frees = after.frees - before.frees,
          .synchronisations = after.synchronisations - before.synchronisations,
          .copies_from_host = after.copies_from_host - before.copies_from_host,
          .copies_to_host = after.copies_to_host - before.copies_to_host,
          .copies_on_device = after.copies_on_device - before.copies_on_device,
          .fills = after.fills - before.fills,
          .replays = after.replays - before.replays};
}

}  // namespace fovea
