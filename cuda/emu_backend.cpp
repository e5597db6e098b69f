// SPDX-License-Identifier: Apache-2.0
#include "cuda/emu_backend.h"

#include "cuda/device_backend.h"
#include "cuda/runtime/dry.h"

namespace fovea {
namespace {

std::unique_ptr<Backend> backend_on(emu::Stream stream, std::string_view engine) {
  const std::string preferred(engine == "auto" ? "native" : engine);
  return std::make_unique<emu::DeviceBackend>("emu:" + preferred, std::move(stream), preferred);
}

}  // namespace

std::unique_ptr<Backend> make_emu_backend(std::string_view engine, const EmuOptions& options) {
  return backend_on(emu::Stream(0, options), engine);
}

std::unique_ptr<Backend> make_dry_emu_backend(std::string_view engine) {
  emu::Stream stream(0, EmuOptions{});
  emu::count_only(stream);
  return backend_on(std::move(stream), engine);
}

DeviceInfo emu_device_info() {
  const std::vector<Precision> precisions{Precision::fp32, Precision::bf16, Precision::fp16};
  return {.name = "emu",
          .available = true,
          .detail = "the CUDA kernels run by an emulator on the host: for checking, not for speed",
          .engines = {
              {"native", true, "tiled kernels", precisions},
              {"direct", true, "textbook kernels for convolutions and linear layers; the rest is native", precisions},
              {std::string(fp32x3_engine),
               true,
               "native, with float32 in three products of tf32 on tensor cores",
               {Precision::fp32x3}}}};
}

}  // namespace fovea
