// SPDX-License-Identifier: Apache-2.0
#include "tests/support/nhwc_backend.h"

namespace fovea::test {
namespace {

class NhwcBackend final : public Backend {
 public:
  explicit NhwcBackend(std::unique_ptr<Backend> device) : device_(std::move(device)) {}

  std::string name() const override { return device_->name() + " in nhwc"; }
  std::shared_ptr<Memory> memory() override { return device_->memory(); }
  EngineChoice choose(std::string_view op, Direction direction, std::string_view forced) override {
    return device_->choose(op, direction, forced);
  }
  std::uint64_t executed() const override { return device_->executed(); }
  std::optional<RuntimeCounts> counts() const override { return device_->counts(); }
  void synchronize() override { device_->synchronize(); }

 private:
  std::unique_ptr<Backend> device_;
};

}  // namespace

std::unique_ptr<Backend> make_nhwc_backend(std::unique_ptr<Backend> device) {
  return std::make_unique<NhwcBackend>(std::move(device));
}

Layout image_layout(const Backend& device) {
  return dynamic_cast<const NhwcBackend*>(&device) != nullptr ? Layout::nhwc : Layout::nchw;
}

}  // namespace fovea::test
