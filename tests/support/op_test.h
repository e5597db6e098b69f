// SPDX-License-Identifier: Apache-2.0
//
// The fixture of the operation tests: one device and one named case.
#pragma once
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "tests/support/checks.h"
#include "tests/support/devices.h"
#include "tests/support/fill.h"

namespace fovea::test {

// Case: a struct with `name` (alphanumeric), `why` and `small` (also run in the sanitizer builds).
template <class Case>
class OpTest : public testing::TestWithParam<std::tuple<TestDevice, Case>> {
 protected:
  void SetUp() override {
    std::string reason;
    device_ = open_test_device(std::get<0>(this->GetParam()), reason);
    if (device_) return;
    static std::set<std::string> explained;  // the reason once, not with every case
    const std::string& spec = std::get<0>(this->GetParam()).spec;
    GTEST_SKIP() << spec << (explained.insert(spec).second ? ": " + reason : std::string(": see above"));
  }
  Backend& device() { return *device_; }
  const Case& param() const { return std::get<1>(this->GetParam()); }
  RandomStream random(std::uint64_t tensor) const { return stream_for(param().name, tensor); }
  // How this run stores what the contract calls T, and such a tensor, rounded to it.
  DType storage() const { return std::get<0>(this->GetParam()).dtype; }
  Tensor stored(const Tensor& t) const { return storage() == DType::f32 ? t : t.converted(storage()); }

 private:
  Backend* device_ = nullptr;
};

// For tests that need a device and nothing else.
struct NamedCase {
  const char* name;
  const char* why;
  bool small = true;
};
inline std::ostream& operator<<(std::ostream& out, const NamedCase& c) { return out << c.name << " (" << c.why << ")"; }
inline const std::vector<NamedCase> by_hand{{"ByHand", "data written in the test"}};

// The cases to run: all, or the small ones.
template <class Case>
std::vector<Case> selected(const std::vector<Case>& cases) {
  if (!small_cases_only()) return cases;
  std::vector<Case> result;
  for (const Case& c : cases)
    if (c.small) result.push_back(c);
  return result;
}

// "EmuNativeReverse_Stride2OddInput"
template <class Case>
std::string case_name(const testing::TestParamInfo<std::tuple<TestDevice, Case>>& info) {
  return std::get<0>(info.param).name + "_" + std::get<1>(info.param).name;
}

// FOVEA_TEST_DEVICES is set by tests/ops/CMakeLists.txt, one list per operation.
template <class Case>
auto devices_and_cases(std::string_view devices, const std::vector<Case>& cases) {
  return testing::Combine(testing::ValuesIn(test_devices(devices)), testing::ValuesIn(selected(cases)));
}

// The cases that are run again with 16-bit tensors: the small ones, and the last of the others.
template <class Case>
std::vector<Case> selected_for_16_bits(const std::vector<Case>& cases) {
  std::vector<Case> result;
  const Case* larger = nullptr;
  for (const Case& c : cases) c.small ? result.push_back(c) : static_cast<void>(larger = &c);
  if (larger != nullptr) result.push_back(*larger);
  return selected(result);
}

// devices_and_cases, and those devices again with 16-bit tensors.
template <class Case>
auto stored_devices_and_cases(std::string_view devices, const std::vector<Case>& cases) {
  std::vector<std::tuple<TestDevice, Case>> runs;
  for (const TestDevice& device : test_devices(devices))
    for (const Case& c : selected(cases)) runs.emplace_back(device, c);
  for (const TestDevice& device : test_devices_in_16_bits(devices))
    for (const Case& c : selected_for_16_bits(cases)) runs.emplace_back(device, c);
  return testing::ValuesIn(runs);
}

}  // namespace fovea::test
