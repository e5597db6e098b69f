// SPDX-License-Identifier: Apache-2.0
//
// The engines made of our own kernels: every operation of core/ops on one device. Each function checks its arguments
// (InputError naming the operation and the argument), then launches on the stream and returns; LaunchError and other
// DeviceErrors come from the launch.
#pragma once
#include "core/backend/backend.h"
#include "cuda/runtime/device_memory.h"
#include "cuda/runtime/stream.h"

namespace fovea::FOVEA_TARGET {

// implicit_gemm is the engine "native"; direct, the engine "direct", is there to be read and to check the other.
enum class ConvAlgorithm { implicit_gemm, direct };

class NativeOps : public Ops {
 public:
  // Both must outlive this object; all views of a call must lie in `memory`.
  NativeOps(Stream& stream, const DeviceMemory& memory, ConvAlgorithm algorithm)
      : stream_(stream), memory_(memory), algorithm_(algorithm) {}

  std::size_t conv2d_workspace(Conv2dPass pass, const Conv2dOptions& options, const Shape& x) override;
  void conv2d_forward(const Conv2dOptions& options, ConstView x, ConstView w, ConstView bias, View y,
                      Workspace workspace) override;
  void conv2d_backward_data(const Conv2dOptions& options, ConstView dy, ConstView w, View dx,
                            Workspace workspace) override;
  void conv2d_backward_filter(const Conv2dOptions& options, ConstView x, ConstView dy, View dw,
                              Workspace workspace) override;

  std::size_t linear_workspace(LinearPass pass, const LinearOptions& options, const Shape& x) override;
  void linear_forward(const LinearOptions& options, ConstView x, ConstView w, ConstView bias, View y,
                      Workspace workspace) override;
  void linear_backward_data(const LinearOptions& options, ConstView dy, ConstView w, View dx,
                            Workspace workspace) override;
  void linear_backward_weight(const LinearOptions& options, ConstView x, ConstView dy, View dw,
                              Workspace workspace) override;

  void bias_add(ConstView bias, View y) override;
  void bias_gradient(ConstView dy, View dbias) override;

  void max_pool2d_forward(const MaxPool2dOptions& options, ConstView x, View y, View index) override;
  void max_pool2d_backward(const MaxPool2dOptions& options, ConstView dy, ConstView index, View dx) override;
  void avg_pool2d_forward(const AvgPool2dOptions& options, ConstView x, View y) override;
  void avg_pool2d_backward(const AvgPool2dOptions& options, ConstView dy, View dx) override;

  void relu_forward(ConstView x, View y) override;
  void relu_backward(ConstView y, ConstView dy, View dx) override;
  void tanh_forward(ConstView x, View y) override;
  void tanh_backward(ConstView y, ConstView dy, View dx) override;
  void add_forward(ConstView a, ConstView b, View y) override;
  void add_backward(ConstView dy, View dx) override;

  void softmax_forward(ConstView x, View y) override;
  void softmax_backward(ConstView y, ConstView dy, View dx) override;
  void softmax_cross_entropy_forward(ConstView logits, ConstView labels, View probabilities, View losses,
                                     View loss) override;
  void softmax_cross_entropy_backward(ConstView probabilities, ConstView labels, ConstView dloss,
                                      View dlogits) override;

  void sgd_step(const SgdOptions& options, View w, ConstView g, View v) override;

 protected:
  Stream& stream() const { return stream_; }
  const DeviceMemory& memory() const { return memory_; }

 private:
  Stream& stream_;
  const DeviceMemory& memory_;
  ConvAlgorithm algorithm_;
};

}  // namespace fovea::FOVEA_TARGET
