// SPDX-License-Identifier: Apache-2.0
//
// 2-D convolution and its gradients through cuDNN's graph API (core/ops/conv2d.h has the formulas). cuDNN's own types
// stay behind this header.
//
// Each task is planned once: cuDNN's heuristics rank the engines for the device, and the first one that is deterministic
// and keeps to the precision is taken. The same library, device and task therefore always give the same engine, and the
// same bits.
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

// One graph.
struct Conv2dTask {
  Conv2dPass pass = Conv2dPass::forward;
  Conv2dGeometry g{};
  // Of images, filters and what the pass leaves. 16 bits are multiplied by tensor cores, added up in float32 and rounded
  // once. cuDNN has no filter gradient that leaves f32 of them.
  DType dtype = DType::f32;
  // Of images: nchw, with filters and their gradient in KCRS; or nhwc, with those in KRSC.
  Layout layout = Layout::nchw;
  // f32 tensors whose numbers fit into 16 bits, so that TF32 rounds none of them: tensor cores are welcome.
  bool fits_tf32 = false;
  // Forward in 16 bits only: Conv2dEpilogue before the one rounding. Such graphs are compiled when they are planned.
  bool epilogue = false;
};

// y = max(conv + bias, least), NaN stays NaN: with 0 a ReLU, with -infinity none. One graph serves both, so the bits in
// front of the ReLU are the same.
struct Conv2dEpilogue {
  const float* bias = nullptr;  // [K]
  float least = 0;
};

// Whether the library is asked to convolve tensors of 16 bits as they are: images in nhwc, and geometries for which cuDNN
// 9 has engines for all passes, the compiled ones with an epilogue among them. It looks at the geometry only.
bool convolves_16_bits(const Conv2dGeometry& g);

class Conv2dCudnn {
 public:
  // For work on `stream` (a cudaStream_t), whose device must be current, also in every later call. Throws DeviceError
  // when cuDNN is missing or refuses the device.
  Conv2dCudnn(void* stream, LibraryPrecision precision);
  // Plans only, for the device that `description` (cuDNN's JSON form of its device properties) tells of: what cuDNN 9.8
  // or newer would choose there can be studied and tested on a machine without any. run() throws, and so does plan() with
  // an epilogue where there is no driver.
  Conv2dCudnn(std::string_view description, LibraryPrecision precision);
  Conv2dCudnn(Conv2dCudnn&&) noexcept;
  ~Conv2dCudnn();

  // Throws InputError when cuDNN has no engine that fits the rules above, DeviceError when a call fails.
  const Conv2dPlanInfo& plan(const Conv2dTask& task);

  // Enqueues one pass: `result` is y, dx or dw, and the operands are (x, w), (dy, w) or (x, dy), all of the task's type
  // and order. Plain f32 may begin at any element, all else at multiples of conv2d_alignment. `workspace` holds
  // plan().workspace_bytes; it may be null when that is 0.
  void run(const Conv2dTask& task, const void* first, const void* second, void* result, void* workspace,
           Conv2dEpilogue epilogue = {});

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

inline constexpr std::size_t conv2d_alignment = 16;

}  // namespace fovea::cuda
