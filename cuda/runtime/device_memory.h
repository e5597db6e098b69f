// SPDX-License-Identifier: Apache-2.0
//
// A device's memory: a pool whose blocks and copies are ordered with the work of one stream.
#pragma once
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "core/tensor/tensor.h"
#include "cuda/runtime/host_copies.h"
#include "cuda/runtime/pool.h"
#include "cuda/runtime/stream.h"

namespace fovea::FOVEA_TARGET {

struct DeviceMemoryOptions {
  // FOVEA_POOL=off: every allocation by itself and given back at once, so that the sanitizers and the driver see each.
  bool pooled = true;
  std::size_t capacity_bytes = 0;  // most that is taken from the device; 0: all it has (4 GiB on emu)
  std::uint64_t fail_allocation =
      0;  // injected: the n-th allocation from now fails as if the device were full; 0: none

  // FOVEA_POOL: "on" (also when unset) or "off"; throws InputError for anything else.
  static DeviceMemoryOptions from_environment();
};

// Thread-safe. Throws OutOfMemoryError when there is no room, DeviceError for a copy that leaves its allocation, and
// DeviceLostError after a fault. On emu, a write next to an allocation (guard zones) or into a freed one is found when
// it is freed, at every synchronisation and when its bytes are handed out again; deallocate() only notes it, and the
// next call throws. What is done is counted on the stream (counters.h); on a dry one (dry.h) copies and fills only are.
class DeviceMemory final : public Memory, private SynchronizeObserver {
 public:
  // Throws InputError when `device` is not the stream's.
  DeviceMemory(int device, Stream& stream,
               const DeviceMemoryOptions& options = DeviceMemoryOptions::from_environment());
  // For tests: on top of a raw allocator of their own.
  DeviceMemory(Stream& stream, std::unique_ptr<RawMemory> raw, const DeviceMemoryOptions& options);
  ~DeviceMemory() override;

  std::string_view device() const override { return name_; }
  void* allocate(std::size_t bytes) override;
  void deallocate(void* data) noexcept override;
  std::size_t free_bytes() const override;
  void copy_from_host(void* device_dst, const void* host_src, std::size_t bytes) override;
  void copy_to_host(void* host_dst, const void* device_src, std::size_t bytes) override;
  void copy(void* device_dst, const void* device_src, std::size_t bytes) override;
  void fill(void* device_dst, unsigned char value, std::size_t bytes) override;
  void synchronize() override;
  void send_from_host(void* device_dst, const void* host_src, std::size_t bytes) override;
  std::unique_ptr<Arrival> fetch_to_host(std::span<const ConstView> values) override;

  void inject_allocation_failure(std::uint64_t nth);  // the nth allocation from now, 1 is the next; 0: none
  void release_unused();                              // free segments go back to the device
  PoolStatistics statistics() const;

 private:
  void on_synchronize() override;
  void require_inside(const char* call, const void* data, std::size_t bytes) const;
  std::string where_last() const;

  Stream stream_;
  std::string name_;
  mutable std::mutex mutex_;
  Pool pool_;
  HostCopies host_copies_;
  std::uint64_t fail_in_ = 0;
};

}  // namespace fovea::FOVEA_TARGET
