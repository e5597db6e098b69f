// SPDX-License-Identifier: Apache-2.0
//
// What can go wrong on a device, as types. They are the same classes for both targets, so that a caller need not know
// which one threw. All are header-only and derive from fovea::DeviceError.
#pragma once
#include <cstddef>
#include <string>
#include <utility>

#include "core/support/error.h"

namespace fovea {

// A call of the device's runtime failed. what() holds everything below.
class DeviceCallError : public DeviceError {
 public:
  DeviceCallError(const std::string& message, int code, std::string name, std::string expression, const char* file,
                  int line, bool sticky)
      : DeviceError(message),
        code_(code),
        name_(std::move(name)),
        expression_(std::move(expression)),
        file_(file),
        line_(line),
        sticky_(sticky) {}

  int code() const { return code_; }                             // the runtime's own number
  const std::string& name() const { return name_; }              // and name: "cudaErrorInvalidValue"
  const std::string& expression() const { return expression_; }  // the call as written
  const char* file() const { return file_; }
  int line() const { return line_; }
  bool sticky() const { return sticky_; }  // the device is lost to this process

 private:
  int code_;
  std::string name_, expression_;
  const char* file_;
  int line_;
  bool sticky_;
};

// The device has no room. Nothing was changed: smaller requests may succeed.
class OutOfMemoryError : public DeviceError {
 public:
  OutOfMemoryError(const std::string& message, std::size_t asked, std::size_t free)
      : DeviceError(message), bytes_asked_(asked), bytes_free_(free) {}
  std::size_t bytes_asked() const { return bytes_asked_; }
  std::size_t bytes_free() const { return bytes_free_; }

 private:
  std::size_t bytes_asked_, bytes_free_;
};

// A launch configuration that the device does not accept; nothing ran.
class LaunchError : public DeviceError {
 public:
  LaunchError(const std::string& message, std::string kernel) : DeviceError(message), kernel_(std::move(kernel)) {}
  const std::string& kernel() const { return kernel_; }

 private:
  std::string kernel_;
};

// Every rule whose breach the emulator reports by name.
enum class KernelFault {
  barrier_site_mismatch,   // threads of a block wait at different __syncthreads
  barrier_exited_thread,   // some threads wait at __syncthreads, others have returned
  barrier_divergent,       // some threads wait at __syncthreads, others inside a warp collective
  warp_self_not_named,     // the calling lane is not in its own mask
  warp_missing_lane,       // the mask names a lane that does not exist
  warp_exited_lane,        // the mask names a lane that has returned
  warp_mismatch,           // lanes of one mask arrive at different calls, or with different masks
  warp_bad_source,         // a shuffle reads a lane outside the mask
  warp_bad_width,          // a shuffle width that is not a power of two up to 32
  shared_too_large,        // more shared memory than the launch may use
  shared_overrun,          // bytes next to a shared array were overwritten
  shared_unwritten,        // a shared_cell was read before anyone wrote it
  shared_outside,          // ldmatrix or cp_async names bytes that are not within a shared array
  shared_misaligned,       // ... or that are not aligned
  copy_misaligned_source,  // cp_async from an address that is not aligned
  copy_shared_source,      // cp_async from shared memory
  copy_bad_size,           // cp_async reads more than it copies, or less than nothing
  copy_unfinished,         // a thread returned without waiting for a copy of its own
  copy_too_many,           // more copies under way than the emulator keeps
  wide_misaligned,         // several elements in one access, from an address that is not aligned to it
  memory_overrun,          // bytes next to a device allocation were overwritten
  memory_use_after_free,   // a freed device allocation was overwritten
  memory_unknown_pointer,  // freed, but not allocated here
};

// A kernel broke a rule (emulator), or the device reported a fault inside one. The device is lost: later calls fail
// fast with this first message.
class KernelFaultError : public DeviceError {
 public:
  KernelFaultError(const std::string& message, KernelFault fault, std::string kernel)
      : DeviceError(message), fault_(fault), kernel_(std::move(kernel)) {}
  KernelFault fault() const { return fault_; }
  const std::string& kernel() const { return kernel_; }

 private:
  KernelFault fault_;
  std::string kernel_;
};

// An earlier fault has made the device unusable; what() repeats the first message.
class DeviceLostError : public DeviceError {
 public:
  using DeviceError::DeviceError;
};

}  // namespace fovea
