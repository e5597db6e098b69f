// SPDX-License-Identifier: Apache-2.0
//
// 2-D convolution and its gradients through cuDNN's graph API, for f32 NCHW tensors (core/ops/conv2d.h has the formulas;
// bias is not part of it). cuDNN's own types stay behind this header.
//
// Each (pass, geometry) is planned once: cuDNN's heuristics rank the engines for the device, and the first one that is
// deterministic, keeps to the precision, needs no compiler at run time and accepts any float alignment is taken. The
// same library, device and geometry therefore always give the same engine, and the same bits.
#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "core/ops/conv2d.h"
#include "cuda/cudnn/precision.h"

namespace fovea::cuda {

struct Conv2dPlanInfo {
  std::string engine;  // cuDNN's name of the engine and its settings: "eng70_k2=12_k18=0"
  std::size_t workspace_bytes = 0;
};

class Conv2dCudnn {
 public:
  // For work on `stream` (a cudaStream_t), whose device must be current, also in every later call. Throws DeviceError
  // when cuDNN is missing or refuses the device.
  Conv2dCudnn(void* stream, LibraryPrecision precision);
  // Plans only, for the device that `description` (cuDNN's JSON form of its device properties) tells of: what cuDNN 9.8
  // or newer would choose there can be studied and tested on a machine without any. run() throws.
  Conv2dCudnn(std::string_view description, LibraryPrecision precision);
  Conv2dCudnn(Conv2dCudnn&&) noexcept;
  ~Conv2dCudnn();

  // Throws InputError when cuDNN has no engine that fits the rules above, DeviceError when a call fails.
  const Conv2dPlanInfo& plan(Conv2dPass pass, const Conv2dGeometry& g);

  // Enqueues one pass: `result` is y, dx or dw, and the operands are (x, w), (dy, w) or (x, dy). `workspace` holds
  // plan().workspace_bytes; it may be null when that is 0.
  void run(Conv2dPass pass, const Conv2dGeometry& g, const float* first, const float* second, float* result,
           void* workspace);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fovea::cuda
