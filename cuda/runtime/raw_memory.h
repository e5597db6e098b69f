// SPDX-License-Identifier: Apache-2.0
//
// The thin layer under the pool: whole pieces of device memory, taken from and given back to the device. Tests put a
// fault-injecting one here.
#pragma once
#include <cstddef>
#include <memory>

#include "cuda/runtime/stream.h"
#include "cuda/runtime/target.h"

namespace fovea::FOVEA_TARGET {

class RawMemory {
 public:
  virtual ~RawMemory() = default;
  virtual void* allocate(std::size_t bytes) = 0;  // 256-byte aligned; nullptr when the device has no room
  virtual void deallocate(void* data, std::size_t bytes) noexcept = 0;
  virtual std::size_t free_bytes() const = 0;

  // Bytes kept between a block and its neighbours. A block is `bytes` for the user, then padding and guard up to
  // `capacity`. The emulator fills and guards; on a GPU there is nothing to do.
  virtual std::size_t guard_bytes() const { return 0; }
  virtual void on_reserve(void*, std::size_t) {}                             // fresh from allocate(), nobody's yet
  virtual bool on_acquire(void*, std::size_t, std::size_t) { return true; }  // false: was written while free
  virtual bool guards_intact(const void*, std::size_t, std::size_t) const { return true; }
  virtual void on_release(void*, std::size_t, std::size_t) noexcept {}
};

// Of a dry stream (dry.h) it need hold no bytes.
std::unique_ptr<RawMemory> make_raw_memory(const Stream& stream, std::size_t capacity_bytes);

// In stream order; those from and to the host wait for the stream. Not counted here: DeviceMemory does that.
void copy_from_host(const Stream& stream, void* device_dst, const void* host_src, std::size_t bytes);
void copy_to_host(const Stream& stream, void* host_dst, const void* device_src, std::size_t bytes);
void copy_on_device(const Stream& stream, void* device_dst, const void* device_src, std::size_t bytes);
void fill_on_device(const Stream& stream, void* device_dst, unsigned char value, std::size_t bytes);

}  // namespace fovea::FOVEA_TARGET
