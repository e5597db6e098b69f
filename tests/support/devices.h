// SPDX-License-Identifier: Apache-2.0
//
// The devices that a test runs on. A device that cannot be used skips its tests with the reason;
// FOVEA_REQUIRE_CUDA=1 turns that into a failure for cuda.
#pragma once
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "core/backend/backend.h"

namespace fovea::test {

// FOVEA_TEST_CASES=small: what an emulator under a sanitizer can afford. Throws InputError for any other value.
bool small_cases_only();

struct TestDevice {
  std::string name;  // for test names: "EmuNativeReverse"
  // "emu:native@reverse", "cpu@nhwc", "cuda:native@nhwc": a device spec; for emu the order in which threads are run; and
  // the layout of images (tests/support/nhwc_backend.h, for cpu converted_backend.h). "nhwc16": in nhwc, and 16-bit
  // activations only.
  std::string spec;
  DType dtype = DType::f32;  // that activations are stored as
};
inline bool stores_16_bits_only(std::string_view spec) { return spec.ends_with("@nhwc16"); }
inline std::ostream& operator<<(std::ostream& out, const TestDevice& device) {
  return out << device.spec << ", " << name_of(device.dtype);
}

// Parses a list such as "reference emu:native@reverse cuda:library"; without those for 16-bit activations only.
std::vector<TestDevice> test_devices(std::string_view list);
// Those of the list whose engines store 16-bit activations, in bf16 and again in f16, whose kernels are of the same
// templates and left out with small cases: "EmuNativeReverseBf16".
std::vector<TestDevice> test_devices_in_16_bits(std::string_view list);

// The device, opened once per process; null with the reason when it cannot be used. Throws what is a failure and not
// an absence: an unknown name, or a cuda device that is missing although FOVEA_REQUIRE_CUDA=1.
Backend* open_test_device(const TestDevice& device, std::string& reason);

// The float64 truth.
Backend& truth_backend();
Ops& truth_ops();

}  // namespace fovea::test
