// SPDX-License-Identifier: Apache-2.0
//
// GPUs in the words of cuDNN's device properties, so that its choice of engines can be seen without having them. Written
// from NVIDIA's published specifications; clock rates matter to no choice seen so far.
#pragma once
#include <fmt/core.h>

#include <string>

namespace fovea::test {

struct DescribedDevice {
  const char* name;
  int compute_capability;  // 90 for sm_90
  int multiprocessors, shared_kib_opt_in, l2_mib, memory_gib, blocks_per_multiprocessor, threads_per_multiprocessor;
};

inline constexpr DescribedDevice h200{"H200", 90, 132, 227, 50, 141, 32, 2048};
inline constexpr DescribedDevice described_devices[] = {
    {"T4", 75, 40, 64, 4, 16, 16, 1024},
    {"A100", 80, 108, 163, 40, 80, 32, 2048},
    {"RTX3090", 86, 82, 99, 6, 24, 16, 1536},
    {"RTX4090", 89, 128, 99, 72, 24, 24, 1536},
    h200,
    {"B200", 100, 148, 227, 126, 180, 32, 2048},
    {"RTX5090", 120, 170, 99, 96, 32, 24, 1536},
};

inline std::string describe(const DescribedDevice& d) {
  return fmt::format(
      R"({{"deviceVer": {}, "driverVer": 13000, "deviceName": "{}", "cudaDeviceId": 0, "pciDeviceId": 0,
"multiProcessorCount": {}, "maxSharedMemoryPerBlock": 49152, "maxSharedMemoryPerBlockOptin": {},
"reservedSharedMemoryPerBlock": 1024, "l2CacheSize": {}, "totalGlobalMem": {}, "maxCtasPerSM": {}, "maxThreadsPerSM": {},
"maxGridSize": [2147483647, 65535, 65535], "maxBlockSize": [1024, 1024, 64], "regsPerBlock": 65536, "warpSize": 32,
"maxRegistersPerSM": 65536, "maxThreadsPerBlock": 1024, "isTccDriver": 0, "supportCoopLaunch": 1,
"smClockRateKHz": 1700000, "memClockRateKHz": 3000000}})",
      d.compute_capability * 10, d.name, d.multiprocessors, d.shared_kib_opt_in * 1024, std::int64_t{d.l2_mib} << 20,
      std::int64_t{d.memory_gib} << 30, d.blocks_per_multiprocessor, d.threads_per_multiprocessor);
}

}  // namespace fovea::test
