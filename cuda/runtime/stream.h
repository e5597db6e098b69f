// SPDX-License-Identifier: Apache-2.0
//
// An ordered queue of work on one device.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "cuda/runtime/counters.h"
#include "cuda/runtime/device_state.h"
#include "cuda/runtime/target.h"
#if FOVEA_EMU
#include "cuda/emu/options.h"
#endif

namespace fovea::FOVEA_TARGET {

struct Tape;

struct LaunchLimits {
  unsigned threads_per_block = 1024;
  unsigned block_x = 1024, block_y = 1024, block_z = 64;
  unsigned grid_x = 2147483647u, grid_y = 65535, grid_z = 65535;
  std::size_t shared_bytes = 48 * 1024;         // static and dynamic together, by default
  std::size_t shared_bytes_opt_in = 64 * 1024;  // after allow_dynamic_shared
};

// Move-only; used by one thread at a time. What was made from a stream (DeviceMemory, Event) stays valid when the
// stream is moved or destroyed.
class Stream {
 public:
#if FOVEA_EMU
  // device is 0. Throws InputError for another.
  explicit Stream(int device = 0, const EmuOptions& options = EmuOptions::from_environment());
#else
  // Throws DeviceError when there is no such device.
  explicit Stream(int device = 0);
#endif
  Stream(Stream&&) noexcept = default;
  Stream& operator=(Stream&&) noexcept = default;
  ~Stream() = default;  // does not wait

  // Waits for all work. Throws the first fault of that work, and DeviceLostError ever after.
  void synchronize();
  void* native_handle() const;  // cudaStream_t; nullptr on emu
  int device() const;
  DeviceState& state() const;
  const LaunchLimits& limits() const;
  std::uint64_t launches() const { return counters().launches.value(); }  // kernels launched so far
  // What was done on this stream; who uses it counts there (DeviceMemory, Event, launch). While it is recorded: what was
  // noted.
  Counters& counters() const;
  // Launches, copies and fills are checked and counted only (dry.h).
  bool dry() const;
  // FOVEA_SYNC=1 in the environment: every launch waits, so that a fault is reported by the launch that caused it.
  bool synchronous() const;
  Tape* tape() const;  // while a Recording of this stream is made, else null

  struct Impl;
  Impl& impl() const { return *impl_; }
  // A second handle on the same queue, for what must outlive the first.
  Stream share() const { return Stream(impl_); }

 private:
  explicit Stream(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<Impl> impl_;
};

}  // namespace fovea::FOVEA_TARGET
