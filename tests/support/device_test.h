// SPDX-License-Identifier: Apache-2.0
//
// Tests that are registered by a program instead of being written as TEST_P.
#pragma once
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "tests/support/devices.h"

namespace fovea::test {

using DeviceTestBody = std::function<testing::AssertionResult(Backend&)>;

// "SUITE.CHECK/DEVICE_NAME": skipped with the reason when the device cannot be used. `about` is printed with a failure.
void register_device_test(const std::string& suite, const std::string& check, const TestDevice& device,
                          const std::string& name, const DeviceTestBody& body, const std::string& about);

}  // namespace fovea::test
