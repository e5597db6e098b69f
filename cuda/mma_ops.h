// SPDX-License-Identifier: Apache-2.0
//
// Products on tensor cores that no plan takes yet, to be measured beside those that plans do: Backend::generations. Linear
// layers and convolutions of float32, these of images in NHWC. Float32 is rounded to tf32 on
// the way, which is why nothing may be given to this unasked. The rest is what the engine "native" has.
#pragma once
#include "cuda/native_ops.h"

namespace fovea::FOVEA_TARGET {

// Only where conv2d_mma_available(stream). Both arguments must outlive it; all views of a call must lie in `memory`.
class MmaOps final : public NativeOps {
 public:
  MmaOps(Stream& stream, const DeviceMemory& memory) : NativeOps(stream, memory, ConvAlgorithm::implicit_gemm) {}

  std::size_t conv2d_workspace_in(Conv2dPass pass, const Conv2dOptions& options, const Shape& x, DType dtype,
                                  Conv2dLayouts layouts) override;
  void conv2d_forward(const Conv2dOptions& options, ConstView x, ConstView w, ConstView bias, View y,
                      Workspace workspace) override;
  void conv2d_forward_relu(const Conv2dOptions& options, ConstView x, ConstView w, ConstView bias, View y,
                           Workspace workspace) override;
  void conv2d_backward_data(const Conv2dOptions& options, ConstView dy, ConstView w, View dx,
                            Workspace workspace) override;
  void conv2d_backward_data_relu(const Conv2dOptions& options, ConstView x, ConstView dy, ConstView w, View dx,
                                 Workspace workspace) override;
  void conv2d_backward_filter(const Conv2dOptions& options, ConstView x, ConstView dy, View dw,
                              Workspace workspace) override;

  std::size_t linear_workspace_in(LinearPass pass, const LinearOptions& options, const Shape& x, DType dtype) override;
  void linear_forward(const LinearOptions& options, ConstView x, ConstView w, ConstView bias, View y,
                      Workspace workspace) override;
  void linear_forward_relu(const LinearOptions& options, ConstView x, ConstView w, ConstView bias, View y,
                           Workspace workspace) override;
  void linear_backward_data(const LinearOptions& options, ConstView dy, ConstView w, View dx,
                            Workspace workspace) override;
  void linear_backward_data_relu(const LinearOptions& options, ConstView x, ConstView dy, ConstView w, View dx,
                                 Workspace workspace) override;
  void linear_backward_weight(const LinearOptions& options, ConstView x, ConstView dy, View dw,
                              Workspace workspace) override;
};

}  // namespace fovea::FOVEA_TARGET
