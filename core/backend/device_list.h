// SPDX-License-Identifier: Apache-2.0
//
// The list of devices. A new backend is one folder and one entry in device_list.cpp.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/backend/backend.h"
#include "core/tensor/precision.h"

namespace fovea {

struct EngineInfo {
  std::string name;
  bool available = false;
  std::string detail;                      // version, or why not
  std::vector<Precision> precisions = {};  // what it computes whole nets in
};

struct DeviceInfo {
  std::string name;  // what --device takes: "reference", "emu", ...
  bool available = false;
  std::string detail;  // hardware and versions, or why not and what to do
  std::vector<EngineInfo> engines;
};

// The one engine that computes in TF32, and the one that computes float32 as three products of it.
inline constexpr std::string_view tf32_engine = "library-tf32", fp32x3_engine = "native-fp32x3";
// The one engine that computes in this precision; empty where there are several.
constexpr std::string_view only_engine(Precision precision) {
  return precision == Precision::tf32 ? tf32_engine : precision == Precision::fp32x3 ? fp32x3_engine : "";
}
// The precision of an engine that has no other; fp32 for all that have it.
constexpr Precision only_precision(std::string_view engine) {
  return engine == tf32_engine ? Precision::tf32 : engine == fp32x3_engine ? Precision::fp32x3 : Precision::fp32;
}
// Who computes in a precision that not everybody has, for messages.
constexpr std::string_view devices_with(Precision precision) {
  return precision == Precision::fp32     ? "every device"
         : precision == Precision::tf32   ? "device cuda with its engine library-tf32"
         : precision == Precision::fp32x3 ? "device cuda or emu with its engine native-fp32x3"
                                          : "the devices reference, emu and cuda (its own kernels)";
}

// Every device known to Fovea, built or not, available or not.
std::vector<DeviceInfo> list_devices();

// Opens NAME[INDEX][:ENGINE], e.g. "reference", "emu:direct". "auto" is the fastest usable device, never emu.
// Throws InputError for an unknown name (with a did-you-mean) and DeviceError with the reason for an unavailable one.
std::unique_ptr<Backend> open_device(std::string_view spec);

// The same device to plan for, not to compute on: its operations are checked and counted as there, but nothing is run and
// no tensor is touched, so that they may be given tensors at any address. Where the device has a runtime (Backend::counts),
// its memory can be allocated too; copies and fills of it are counted and not done, and what is read back is zeros.
std::unique_ptr<Backend> open_dry_device(std::string_view spec);

}  // namespace fovea
