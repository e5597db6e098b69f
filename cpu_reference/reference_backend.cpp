// SPDX-License-Identifier: Apache-2.0
#include "cpu_reference/reference_backend.h"

#include <fmt/core.h>

#include "core/support/error.h"
#include "core/support/parallel.h"
#include "cpu_reference/reference_ops.h"

namespace fovea {
namespace {

class ReferenceBackend final : public Backend {
 public:
  std::string name() const override { return "reference"; }
  std::shared_ptr<Memory> memory() override { return host_memory(); }
  EngineChoice choose(std::string_view op, Direction, std::string_view forced) override {
    require(forced.empty() || forced == "reference", [&] {
      return fmt::format("engine '{}' for {}: the reference device has one engine, 'reference'", forced, op);
    });
    return {&ops_, "reference"};
  }
  std::vector<Generation> generations(std::string_view, Precision precision) override {
    if (!only_engine(precision).empty()) return {};
    return {{"naive", {&ops_, "reference"}}};
  }
  std::uint64_t executed() const override { return ops_.executed(); }

 private:
  ReferenceOps ops_;
};

}  // namespace

std::unique_ptr<Backend> make_reference_backend() { return std::make_unique<ReferenceBackend>(); }

DeviceInfo reference_device_info() {
  const int threads = thread_count();
  return {.name = "reference",
          .available = true,
          .detail = fmt::format("textbook loops on the host, {} thread{}", threads, threads == 1 ? "" : "s"),
          .engines = {{.name = "reference",
                       .available = true,
                       .detail = "f32 and f64, sums in f64",
                       .precisions = {Precision::fp32, Precision::bf16, Precision::fp16}}}};
}

}  // namespace fovea
