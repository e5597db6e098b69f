// SPDX-License-Identifier: Apache-2.0
//
// What the emulator's tests share: a device with typed buffers, all schedules, and the expectation of a named fault.
#pragma once
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "cuda/runtime/device_memory.h"
#include "cuda/runtime/dialect.cuh"
#include "cuda/runtime/launch.h"

namespace fovea::emu {

// Some planted faults are for the sanitizer of the build to report: those tests skip there, and emu_planted runs them.
#if defined(__has_feature)
#define FOVEA_TEST_HAS_FEATURE(name) __has_feature(name)
#else
#define FOVEA_TEST_HAS_FEATURE(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || FOVEA_TEST_HAS_FEATURE(address_sanitizer)
inline constexpr bool built_with_asan = true;
#else
inline constexpr bool built_with_asan = false;
#endif
#if defined(__SANITIZE_THREAD__) || FOVEA_TEST_HAS_FEATURE(thread_sanitizer)
inline constexpr bool built_with_tsan = true;
#else
inline constexpr bool built_with_tsan = false;
#endif

class EmuDevice {
 public:
  explicit EmuDevice(const EmuOptions& options = {}, const DeviceMemoryOptions& memory_options = {})
      : stream(0, options), memory(0, stream, memory_options) {}

  template <class T>
  T* upload(const std::vector<T>& values) {
    auto* data = static_cast<T*>(memory.allocate(values.size() * sizeof(T)));
    memory.copy_from_host(data, values.data(), values.size() * sizeof(T));
    return data;
  }
  template <class T>
  T* allocate(std::size_t count) {
    return static_cast<T*>(memory.allocate(count * sizeof(T)));
  }
  template <class T>
  std::vector<T> download(const T* data, std::size_t count) {
    std::vector<T> values(count);
    memory.copy_to_host(values.data(), data, count * sizeof(T));
    return values;
  }

  Stream stream;
  DeviceMemory memory;
};

inline std::vector<EmuOptions> all_schedules() {
  return {{EmuSchedule::forward, 0}, {EmuSchedule::reverse, 0}, {EmuSchedule::shuffled, 1}, {EmuSchedule::shuffled, 2}};
}

inline std::vector<float> counting(std::size_t count, float first = 0) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = first + static_cast<float>(i);
  return values;
}

// Runs `launch_it` on a fresh device in every schedule: each must report `fault`, with all `parts` in the message,
// and leave the device lost.
template <class Launch>
void expect_fault(KernelFault fault, std::initializer_list<std::string> parts, Launch&& launch_it) {
  for (const EmuOptions& options : all_schedules()) {
    EmuDevice device(options);
    try {
      launch_it(device);
      ADD_FAILURE() << "schedule " << static_cast<int>(options.schedule) << ": no fault was reported";
      continue;
    } catch (const KernelFaultError& error) {
      EXPECT_EQ(error.fault(), fault) << error.what();
      for (const std::string& part : parts) {
        EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << "'" << part << "' in: " << error.what();
      }
    }
    EXPECT_THROW(device.stream.synchronize(), DeviceLostError);
  }
}

}  // namespace fovea::emu
