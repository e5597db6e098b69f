// SPDX-License-Identifier: Apache-2.0
#include "tests/support/devices.h"

#include <cctype>
#include <cstdlib>
#include <map>
#include <sstream>

#include "core/backend/device_list.h"
#include "core/support/error.h"
#include "cuda/emu_backend.h"
#include "tests/support/converted_backend.h"
#include "tests/support/nhwc_backend.h"

namespace fovea::test {
namespace {

std::string camel_case(std::string_view spec) {
  std::string name;
  bool start = true;
  for (const char c : spec) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) {
      start = true;
      continue;
    }
    name += start ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    start = false;
  }
  return name;
}

// All of a list.
std::vector<TestDevice> listed(std::string_view list) {
  std::vector<TestDevice> devices;
  std::istringstream words{std::string(list)};
  for (std::string spec; words >> spec;) devices.push_back({camel_case(spec), spec});
  return devices;
}

// The cpu device, with images in one layout: nchw, nhwc, nchw8c or nchw16c.
std::unique_ptr<Backend> in_layout(const std::string& name) {
  static const std::unique_ptr<Backend> cpu = open_device("cpu");
  for (const Layout layout : {Layout::nchw, Layout::nhwc, Layout::nchw8c, Layout::nchw16c})
    if (name_of(layout) == name) return make_converted_backend(*cpu, {.inside = layout});
  throw InputError("test device 'cpu@" + name + "': expected nchw, nhwc, nchw8c or nchw16c");
}

std::unique_ptr<Backend> open(const std::string& spec) {
  const std::size_t at = spec.find('@');
  if (at == std::string::npos) return open_device(spec);
  const std::string order = spec.substr(at + 1), device = spec.substr(0, at);
  if (device == "cpu") return in_layout(order);
  if (spec.ends_with("@nhwc") || stores_16_bits_only(spec))
    return make_nhwc_backend(open(spec.substr(0, spec.rfind('@'))));
  require(device.starts_with("emu:"), [&] { return "test device '" + spec + "': only emu has schedules"; });
  return make_emu_backend(device.substr(4), EmuOptions::parse(order));
}

bool cuda_required() {
  const char* value = std::getenv("FOVEA_REQUIRE_CUDA");
  return value != nullptr && std::string_view(value) == "1";
}

}  // namespace

bool small_cases_only() {
  const char* which = std::getenv("FOVEA_TEST_CASES");
  if (which == nullptr || *which == '\0') return false;
  require(std::string_view(which) == "small",
          [&] { return std::string("FOVEA_TEST_CASES: expected small or nothing, got '") + which + "'"; });
  return true;
}

std::vector<TestDevice> test_devices(std::string_view list) {
  std::vector<TestDevice> devices = listed(list);
  std::erase_if(devices, [](const TestDevice& device) { return stores_16_bits_only(device.spec); });
  return devices;
}

std::vector<TestDevice> test_devices_in_16_bits(std::string_view list) {
  std::vector<TestDevice> devices;
  for (const TestDevice& device : listed(list)) {
    const bool fp32x3 = device.spec.find(fp32x3_engine) != std::string::npos;
    if (fp32x3 || device.spec.starts_with("cpu")) continue;  // f32 only
    devices.push_back({device.name + "Bf16", device.spec, DType::bf16});
    if (!small_cases_only()) devices.push_back({device.name + "F16", device.spec, DType::f16});
  }
  return devices;
}

Backend* open_test_device(const TestDevice& device, std::string& reason) {
  struct Opened {
    std::unique_ptr<Backend> backend;
    std::string reason;
  };
  static std::map<std::string, Opened> opened;
  auto found = opened.find(device.spec);
  if (found == opened.end()) {
    Opened entry;
    try {
      entry.backend = open(device.spec);
    } catch (const DeviceError& e) {
      const bool gpu = device.spec.starts_with("cuda");
      if (!gpu && !device.spec.starts_with("cpu")) throw;
      if (gpu && cuda_required()) throw DeviceError("FOVEA_REQUIRE_CUDA=1, but " + std::string(e.what()));
      entry.reason = e.what();
    }
    found = opened.emplace(device.spec, std::move(entry)).first;
  }
  reason = found->second.reason;
  return found->second.backend.get();
}

Backend& truth_backend() {
  static const std::unique_ptr<Backend> truth = open_device("reference");
  return *truth;
}

Ops& truth_ops() { return *truth_backend().choose("conv2d", Direction::forward, {}).ops; }

}  // namespace fovea::test
