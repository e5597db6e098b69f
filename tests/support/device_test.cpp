// SPDX-License-Identifier: Apache-2.0
#include "tests/support/device_test.h"

#include <set>
#include <utility>

namespace fovea::test {
namespace {

class DeviceTest : public testing::Test {
 public:
  DeviceTest(TestDevice device, DeviceTestBody body, std::string about)
      : device_(std::move(device)), body_(std::move(body)), about_(std::move(about)) {}

  void TestBody() override {
    std::string reason;
    Backend* device = open_test_device(device_, reason);
    static std::set<std::string> explained;  // the reason once, not with every case
    if (device == nullptr)
      GTEST_SKIP() << device_.spec << (explained.insert(device_.spec).second ? ": " + reason : ": see above");
    EXPECT_TRUE(body_(*device)) << about_;
  }

 private:
  TestDevice device_;
  DeviceTestBody body_;
  std::string about_;
};

}  // namespace

void register_device_test(const std::string& suite, const std::string& check, const TestDevice& device,
                          const std::string& name, const DeviceTestBody& body, const std::string& about) {
  const std::string test = check + "/" + device.name + "_" + name;
  testing::RegisterTest(suite.c_str(), test.c_str(), nullptr, device.spec.c_str(), __FILE__, __LINE__,
                        [=]() -> testing::Test* { return new DeviceTest(device, body, about); });
}

}  // namespace fovea::test
