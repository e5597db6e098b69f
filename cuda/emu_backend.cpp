// SPDX-License-Identifier: Apache-2.0
#include "cuda/emu_backend.h"

#include "cuda/device_backend.h"

namespace fovea {

std::unique_ptr<Backend> make_emu_backend(std::string_view engine, const EmuOptions& options) {
  const std::string preferred(engine == "auto" ? "native" : engine);
  return std::make_unique<emu::DeviceBackend>("emu:" + preferred, emu::Stream(0, options), preferred);
}

DeviceInfo emu_device_info() {
  const std::vector<Precision> precisions{Precision::fp32, Precision::bf16, Precision::fp16};
  return {.name = "emu",
          .available = true,
          .detail = "the CUDA kernels run by an emulator on the host: for checking, not for speed",
          .engines = {{"native", true, "tiled kernels", precisions},
                      {"direct", true, "one thread per result, for convolution; the rest is native", precisions}}};
}

}  // namespace fovea
