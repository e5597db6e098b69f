// SPDX-License-Identifier: Apache-2.0
//
// Checking calls of the CUDA runtime (target cuda only).
//
//   FOVEA_CUDA_CHECK(cudaMemcpyAsync(...));
//
// throws DeviceCallError with the call as written, its place, and CUDA's own name and text. An error that only
// concerns the call is cleared; one that has ended the context marks the device lost, so that later calls fail fast
// with this first message.
#pragma once
#include <cuda_runtime_api.h>

#include <memory>

#include "cuda/runtime/device_state.h"

namespace fovea::FOVEA_TARGET {

#define FOVEA_CUDA_CHECK(call) ::fovea::FOVEA_TARGET::check_cuda((call), #call, __FILE__, __LINE__)

[[noreturn]] void throw_cuda_error(cudaError_t code, const char* expression, const char* file, int line);

inline void check_cuda(cudaError_t code, const char* expression, const char* file, int line) {
  if (code != cudaSuccess) throw_cuda_error(code, expression, file, line);
}

// For destructors: never throws; a fault that has ended the context is noted in the device's state.
void note_cuda_error(cudaError_t code, const char* expression) noexcept;

// True for errors after which every call of this process on the device fails.
bool is_sticky(cudaError_t code);

// The state that all streams of a device share.
DeviceState& device_state(int device);

// Makes `device` current for the calling thread while it lives.
class DeviceGuard {
 public:
  explicit DeviceGuard(int device);
  DeviceGuard(const DeviceGuard&) = delete;
  DeviceGuard& operator=(const DeviceGuard&) = delete;
  ~DeviceGuard();

 private:
  int previous_ = 0;
  bool changed_ = false;
};

}  // namespace fovea::FOVEA_TARGET
