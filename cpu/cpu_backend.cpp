// SPDX-License-Identifier: Apache-2.0
#include "cpu/cpu_backend.h"

#include <fmt/format.h>
#include <oneapi/dnnl/dnnl_debug.h>

#include <oneapi/dnnl/dnnl.hpp>
#include <string>
#include <vector>

#include "core/support/did_you_mean.h"
#include "core/support/error.h"
#include "core/support/parallel.h"
#include "cpu/cpu_ops.h"
#include "cpu/openmp.h"
#include "cpu_reference/reference_ops.h"

namespace fovea {
namespace {

// "native" is what every device calls its default engine.
std::string engine_named(std::string_view name) {
  if (name == "native") return "onednn";
  const std::vector<std::string> names{"onednn", "reference"};
  for (const std::string& known : names)
    if (name == known) return known;
  throw InputError(fmt::format("device cpu: expected an engine of {}, got '{}'{}", fmt::join(names, ", "), name,
                               did_you_mean(name, names)));
}

class CpuBackend final : public Backend {
 public:
  explicit CpuBackend(std::string engine) : preferred_(std::move(engine)) {
    share_openmp_threads();
    use_openmp_threads();
  }
  std::string name() const override { return "cpu:" + preferred_; }
  std::shared_ptr<Memory> memory() override { return host_memory(); }
  EngineChoice choose(std::string_view op, Direction, std::string_view forced) override {
    const std::string engine = forced.empty() ? preferred_ : engine_named(forced);
    if (engine == "onednn" && cpu_ops_.provides(op)) return {&cpu_ops_, "onednn"};
    require(forced.empty() || engine == "reference", [&] {
      return fmt::format("engine '{}' of device {} has no {}; leave the engine out or choose 'reference'", forced,
                         name(), op);
    });
    return {&reference_ops_, "reference"};
  }
  std::vector<Generation> generations(std::string_view, Precision precision) override {
    if (!only_engine(precision).empty()) return {};
    return {{"naive", {&reference_ops_, "reference"}}};
  }
  std::uint64_t executed() const override { return cpu_ops_.executed() + reference_ops_.executed(); }

 private:
  std::string preferred_;
  CpuOps cpu_ops_;
  ReferenceOps reference_ops_;
};

// oneDNN says "cpu_isa_avx512_core_bf16".
std::string instruction_set() {
  const std::string name = dnnl_cpu_isa2str(dnnl_get_effective_cpu_isa());
  const std::string prefix = "cpu_isa_";
  return name.starts_with(prefix) ? name.substr(prefix.size()) : name;
}

}  // namespace

std::unique_ptr<Backend> make_cpu_backend(std::string_view engine) {
  return std::make_unique<CpuBackend>(engine_named(engine == "auto" ? "native" : engine));
}

DeviceInfo cpu_device_info() {
  const dnnl_version_t& version = *dnnl_version();
  const int threads = thread_count();
  return {.name = "cpu",
          .available = true,
          .detail = fmt::format("oneDNN {}.{}.{}, {} thread{}, {}", version.major, version.minor, version.patch,
                                threads, threads == 1 ? "" : "s", instruction_set()),
          .engines = {{"onednn",
                       true,
                       "f32: oneDNN for convolution and linear; own loops for pooling, batch_norm, bias, relu, add, "
                       "dropout, sgd, adam; the rest: reference",
                       {Precision::fp32}},
                      {"reference",
                       true,
                       "the textbook loops, as device reference has them",
                       {Precision::fp32, Precision::bf16, Precision::fp16}}}};
}

}  // namespace fovea
