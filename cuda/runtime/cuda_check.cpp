// SPDX-License-Identifier: Apache-2.0
#include "cuda/runtime/cuda_check.h"

#include <map>
#include <mutex>
#include <string>

namespace fovea::FOVEA_TARGET {

bool is_sticky(cudaError_t code) {
  switch (code) {
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchTimeout:
    case cudaErrorAssert:
    case cudaErrorHardwareStackError:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorLaunchFailure:
    case cudaErrorECCUncorrectable:
    case cudaErrorNvlinkUncorrectable:
    case cudaErrorSystemDriverMismatch:
    case cudaErrorContextIsDestroyed:
    case cudaErrorUnknown:
      return true;
    default:
      return false;
  }
}

DeviceState& device_state(int device) {
  static std::mutex mutex;
  // Never destroyed: a stream in a static object of the program may outlive every static object made later.
  static auto& states = *new std::map<int, std::unique_ptr<DeviceState>>;
  const std::lock_guard lock(mutex);
  std::unique_ptr<DeviceState>& state = states[device];
  if (state == nullptr) state = std::make_unique<DeviceState>(device);
  return *state;
}

void throw_cuda_error(cudaError_t code, const char* expression, const char* file, int line) {
  (void)cudaGetLastError();  // or the next, innocent call would report it again
  int device = 0;
  (void)cudaGetDevice(&device);
  const bool sticky = is_sticky(code);
  std::string message = std::string("CUDA: ") + expression + " at " + file + ":" + std::to_string(line) + ": " +
                        cudaGetErrorName(code) + " (" + std::to_string(static_cast<int>(code)) +
                        "): " + cudaGetErrorString(code);
  if (sticky) {
    DeviceState& state = device_state(device);
    if (*state.last_kernel() != '\0')
      message += std::string("; the last kernel launched was '") + state.last_kernel() + "'";
    state.mark_lost(message.c_str());
  }
  throw DeviceCallError(message, static_cast<int>(code), cudaGetErrorName(code), expression, file, line, sticky);
}

void note_cuda_error(cudaError_t code, const char* expression) noexcept {
  if (code == cudaSuccess) return;
  (void)cudaGetLastError();
  if (!is_sticky(code)) return;
  try {
    int device = 0;
    (void)cudaGetDevice(&device);
    const std::string message =
        std::string("CUDA: ") + expression + ": " + cudaGetErrorName(code) + ": " + cudaGetErrorString(code);
    device_state(device).mark_lost(message.c_str());
  } catch (...) {
    // Out of host memory in a destructor: the next call meets the same sticky error.
  }
}

DeviceGuard::DeviceGuard(int device) {
  FOVEA_CUDA_CHECK(cudaGetDevice(&previous_));
  if (previous_ == device) return;
  FOVEA_CUDA_CHECK(cudaSetDevice(device));
  changed_ = true;
}

DeviceGuard::~DeviceGuard() {
  if (changed_) note_cuda_error(cudaSetDevice(previous_), "cudaSetDevice");
}

}  // namespace fovea::FOVEA_TARGET
