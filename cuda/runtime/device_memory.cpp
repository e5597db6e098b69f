// SPDX-License-Identifier: Apache-2.0
#include "cuda/runtime/device_memory.h"

#include <cstdlib>
#include <cstring>
#include <string_view>

#include "cuda/runtime/recording.h"

namespace fovea::FOVEA_TARGET {

DeviceMemoryOptions DeviceMemoryOptions::from_environment() {
  DeviceMemoryOptions options;
  if (const char* text = std::getenv("FOVEA_POOL"); text != nullptr && *text != '\0') {
    const std::string_view value = text;
    require(value == "on" || value == "off",
            [&] { return "FOVEA_POOL: expected on or off, got '" + std::string(value) + "'"; });
    options.pooled = value == "on";
  }
  return options;
}

namespace {

std::string device_name([[maybe_unused]] int device) {
#if FOVEA_EMU
  return "emu";
#else
  return "cuda:" + std::to_string(device);
#endif
}

const Stream& checked(int device, const Stream& stream) {
  require(device == stream.device(), [&] {
    return "DeviceMemory: expected the stream's device " + std::to_string(stream.device()) + ", got " +
           std::to_string(device);
  });
  return stream;
}

}  // namespace

DeviceMemory::DeviceMemory(int device, Stream& stream, const DeviceMemoryOptions& options)
    : DeviceMemory(stream, make_raw_memory(checked(device, stream), options.capacity_bytes), options) {}

DeviceMemory::DeviceMemory(Stream& stream, std::unique_ptr<RawMemory> raw, const DeviceMemoryOptions& options)
    : stream_(stream.share()),
      name_(device_name(stream.device())),
      pool_(std::move(raw), options.pooled),
      host_copies_(stream),
      fail_in_(options.fail_allocation) {
  stream_.state().add_observer(this);
}

DeviceMemory::~DeviceMemory() { stream_.state().remove_observer(this); }

void* DeviceMemory::allocate(std::size_t bytes) {
  stream_.state().require_usable();
  refuse_in_recording(stream_, "allocate memory");
  const std::lock_guard lock(mutex_);
  const bool injected = fail_in_ > 0 && --fail_in_ == 0;
  const Pool::Allocation allocation = injected ? Pool::Allocation{} : pool_.allocate(bytes);
  if (allocation.data == nullptr) {
    const std::size_t free = pool_.free_bytes();
    const PoolStatistics& used = pool_.statistics();
    throw OutOfMemoryError(name_ + ": out of memory: " + std::to_string(bytes) + " bytes asked, " +
                               std::to_string(free) + " free, " + std::to_string(used.used_bytes) + " used in " +
                               std::to_string(used.live_blocks) + " allocations" +
                               (injected ? " (injected failure)" : ""),
                           bytes, free);
  }
  if (allocation.written_while_free) {
    pool_.deallocate(allocation.data);
    const std::string message = name_ + ": freed device memory was written to" + where_last();
    stream_.state().mark_lost(message.c_str());
    throw KernelFaultError(message, KernelFault::memory_use_after_free, stream_.state().last_kernel());
  }
  stream_.counters().allocations.add_one();
  return allocation.data;
}

void DeviceMemory::deallocate(void* data) noexcept {
  if (data == nullptr) return;
  note_in_recording(stream_, "free memory");  // others would get it, and the replays go on writing it
  stream_.counters().frees.add_one();
  const std::lock_guard lock(mutex_);
  const Pool::Freed freed = pool_.deallocate(data);
  if (freed == Pool::Freed::overrun) {
    stream_.state().mark_lost("bytes outside a device allocation were overwritten (found when it was freed)");
  } else if (freed == Pool::Freed::unknown) {
    stream_.state().mark_lost("device memory was freed twice, or never allocated here");
  }
}

std::size_t DeviceMemory::free_bytes() const {
  stream_.state().require_usable();
  const std::lock_guard lock(mutex_);
  return pool_.free_bytes();
}

// Names no more than the last kernel: with FOVEA_SYNC=1 that is the one.
std::string DeviceMemory::where_last() const {
  const std::string kernel = stream_.state().last_kernel();
  return kernel.empty() ? std::string() : "; the last kernel was '" + kernel + "'";
}

void DeviceMemory::on_synchronize() {
  const std::lock_guard lock(mutex_);
  const auto [start, bytes] = pool_.find_overrun();
  if (start == nullptr) return;
  const std::string message = name_ + ": bytes outside a device allocation of " + std::to_string(bytes) +
                              " bytes were overwritten" + where_last();
  stream_.state().mark_lost(message.c_str());
  throw KernelFaultError(message, KernelFault::memory_overrun, stream_.state().last_kernel());
}

void DeviceMemory::require_inside(const char* call, const void* data, std::size_t bytes) const {
  stream_.state().require_usable();
  if (bytes == 0) return;
  const std::lock_guard lock(mutex_);
  const auto [start, size] = pool_.find(data);
  const auto offset = static_cast<std::size_t>(static_cast<const char*>(data) - static_cast<const char*>(start));
  if (start == nullptr) {
    throw DeviceError(name_ + ": " + call + " of " + std::to_string(bytes) +
                      " bytes: the address lies in no allocation of this memory");
  }
  if (bytes > size - offset) {
    throw DeviceError(name_ + ": " + call + " of " + std::to_string(bytes) + " bytes at offset " +
                      std::to_string(offset) + " leaves its allocation of " + std::to_string(size) + " bytes");
  }
}

void DeviceMemory::copy_from_host(void* device_dst, const void* host_src, std::size_t bytes) {
  require_inside("copy_from_host", device_dst, bytes);
  if (bytes == 0) return;
  refuse_in_recording(stream_, "copy from the host");
  stream_.counters().copies_from_host.add_one();
  stream_.counters().synchronisations.add_one();
  if (!stream_.dry()) FOVEA_TARGET::copy_from_host(stream_, device_dst, host_src, bytes);
}

void DeviceMemory::copy_to_host(void* host_dst, const void* device_src, std::size_t bytes) {
  require_inside("copy_to_host", device_src, bytes);
  refuse_in_recording(stream_, "copy to the host");
  if (bytes > 0) {
    stream_.counters().copies_to_host.add_one();
    stream_.counters().synchronisations.add_one();
    if (stream_.dry())
      std::memset(host_dst, 0, bytes);
    else
      FOVEA_TARGET::copy_to_host(stream_, host_dst, device_src, bytes);
  }
  stream_.state().notify_synchronized();
}

void DeviceMemory::copy(void* device_dst, const void* device_src, std::size_t bytes) {
  require_inside("copy", device_dst, bytes);
  require_inside("copy", device_src, bytes);
  if (bytes == 0) return;
  stream_.counters().copies_on_device.add_one();
  if (!stream_.dry()) copy_on_device(stream_, device_dst, device_src, bytes);
}

void DeviceMemory::fill(void* device_dst, unsigned char value, std::size_t bytes) {
  require_inside("fill", device_dst, bytes);
  if (bytes == 0) return;
  stream_.counters().fills.add_one();
  if (!stream_.dry()) fill_on_device(stream_, device_dst, value, bytes);
}

void DeviceMemory::synchronize() { stream_.synchronize(); }

void DeviceMemory::send_from_host(void* device_dst, const void* host_src, std::size_t bytes) {
  require_inside("send_from_host", device_dst, bytes);
  if (bytes == 0) return;
  refuse_in_recording(stream_, "copy from the host");
  stream_.counters().copies_from_host.add_one();
  if (!stream_.dry()) host_copies_.send(device_dst, host_src, bytes);
}

std::unique_ptr<Arrival> DeviceMemory::fetch_to_host(std::span<const ConstView> values) {
  for (const ConstView& value : values) require_inside("fetch_to_host", value.data, value.bytes());
  refuse_in_recording(stream_, "copy to the host");
  stream_.counters().copies_to_host.add(values.size());
  return host_copies_.fetch(values);
}

void DeviceMemory::inject_allocation_failure(std::uint64_t nth) {
  const std::lock_guard lock(mutex_);
  fail_in_ = nth;
}

void DeviceMemory::release_unused() {
  stream_.synchronize();  // the blocks are free in stream order; the device wants them idle
  const std::lock_guard lock(mutex_);
  pool_.release_unused();
}

PoolStatistics DeviceMemory::statistics() const {
  const std::lock_guard lock(mutex_);
  return pool_.statistics();
}

}  // namespace fovea::FOVEA_TARGET
