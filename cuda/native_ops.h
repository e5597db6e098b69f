// SPDX-License-Identifier: Apache-2.0
//
// The engines made of our own kernels: every operation of core/ops on one device. Each function checks its arguments
// (InputError naming the operation and the argument), then launches on the stream and returns; LaunchError and other
// DeviceErrors come from the launch. Implemented by kind of operation: native_convolution.cpp, native_pooling.cpp, ...
#pragma once
#include "core/backend/backend.h"
#include "cuda/mma_floats.h"
#include "cuda/runtime/device_memory.h"
#include "cuda/runtime/stream.h"

namespace fovea::FOVEA_TARGET {

// implicit_gemm is the engine "native"; direct, the engine "direct", is there to be read and to check the other:
// one thread per result of a convolution, and linear layers that never use tensor cores. tf32 is a generation to be measured
// (Backend::generations) and no engine: float32 rounded to tf32 on tensor cores, images in NHWC, which no plan gets unasked.
// fp32x3 is the engine "native-fp32x3": float32 in three products of tf32 (kernels/mma_split.cuh), within float32's bounds;
// given images in NCHW, whose convolutions no tensor core multiplies here, it is native.
enum class ConvAlgorithm { implicit_gemm, direct, tf32, fp32x3 };

class NativeOps : public Ops {
 public:
  // Both must outlive this object; all views of a call must lie in `memory`.
  NativeOps(Stream& stream, const DeviceMemory& memory, ConvAlgorithm algorithm)
      : stream_(stream), memory_(memory), algorithm_(algorithm) {}

  bool stores_16_bits(std::string_view) const override { return algorithm_ != ConvAlgorithm::fp32x3; }
  // NHWC where it is given and the operation has a form for it; so plans lie in NHWC from where an engine asks for it.
  Layout layout_for(std::string_view op, DType dtype, Layout given) const override;
  void convert_layout(ConstView x, View y) override;

  bool fuses_relu(std::string_view op, DType) const override {
    return op == "conv2d" || op == "linear" || op == "batch_norm" || op == "add";
  }
  bool fuses_relu_backward(std::string_view op) const override {
    return op == "conv2d" || op == "linear" || op == "max_pool2d" || op == "avg_pool2d";
  }

  // All images in NHWC where tensor cores multiply them: stored in 16 bits by "native", or in 32 by "native-fp32x3", on a
  // device of sm_80 or newer. There a convolution whose groups are single channels has kernels of its own, in every type and
  // on every device, and stays in NHWC where it is given that; not by "direct". Everything else stays plain.
  Conv2dLayouts conv2d_layouts(const Conv2dOptions& options, const Shape& x, DType dtype, Layout given,
                               bool training) override;
  std::size_t conv2d_workspace(Conv2dPass pass, const Conv2dOptions& options, const Shape& x) override;
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

  void bias_add(ConstView bias, View y) override;
  std::size_t bias_gradient_workspace(const Shape& dy, Layout layout) override;
  void bias_gradient(ConstView dy, View dbias, Workspace workspace) override;

  std::size_t linear_workspace(LinearPass pass, const LinearOptions& options, const Shape& x) override;
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

  void max_pool2d_forward(const MaxPool2dOptions& options, ConstView x, View y, View index) override;
  void max_pool2d_backward(const MaxPool2dOptions& options, ConstView dy, ConstView index, View dx) override;
  void max_pool2d_backward_relu(const MaxPool2dOptions& options, ConstView x, ConstView dy, ConstView index,
                                View dx) override;

  void avg_pool2d_forward(const AvgPool2dOptions& options, ConstView x, View y) override;
  void avg_pool2d_backward(const AvgPool2dOptions& options, ConstView dy, View dx) override;
  void avg_pool2d_backward_relu(const AvgPool2dOptions& options, ConstView x, ConstView dy, View dx) override;

  void adaptive_avg_pool2d_forward(const AdaptivePool2dOptions& options, ConstView x, View y) override;
  void adaptive_avg_pool2d_backward(const AdaptivePool2dOptions& options, ConstView dy, View dx) override;
  void adaptive_max_pool2d_forward(const AdaptivePool2dOptions& options, ConstView x, View y, View index) override;
  void adaptive_max_pool2d_backward(const AdaptivePool2dOptions& options, ConstView dy, ConstView index,
                                    View dx) override;

  void relu_forward(ConstView x, View y) override;
  void relu_backward(ConstView y, ConstView dy, View dx) override;

  void tanh_forward(ConstView x, View y) override;
  void tanh_backward(ConstView y, ConstView dy, View dx) override;

  void activation_forward(const ActivationOptions& options, ConstView x, View y) override;
  void activation_backward(const ActivationOptions& options, ConstView x, ConstView dy, View dx) override;

  void prelu_forward(ConstView x, ConstView slope, View y) override;
  void prelu_backward_data(ConstView x, ConstView slope, ConstView dy, View dx) override;
  std::size_t prelu_workspace(const Shape& x) override;
  void prelu_backward_slope(ConstView x, ConstView dy, View dslope, Workspace workspace) override;

  void add_forward(ConstView a, ConstView b, View y) override;
  void add_forward_relu(ConstView a, ConstView b, View y) override;
  void add_backward(ConstView dy, View dx) override;

  void multiply_forward(ConstView a, ConstView b, View y) override;
  void multiply_backward(ConstView other, ConstView dy, View dx) override;

  void cast(ConstView x, View y) override;

  void concat_forward(const ConcatOptions& options, ConstView x, std::int64_t first, View y) override;
  void concat_backward(const ConcatOptions& options, ConstView dy, std::int64_t first, View dx) override;

  void pad_forward(const PadOptions& options, ConstView x, View y) override;
  void pad_backward(const PadOptions& options, ConstView dy, View dx) override;

  void upsample2d_forward(const Upsample2dOptions& options, ConstView x, View y) override;
  void upsample2d_backward(const Upsample2dOptions& options, ConstView dy, View dx) override;

  void lrn_forward(const LrnOptions& options, ConstView x, View y, View scale) override;
  void lrn_backward(const LrnOptions& options, ConstView x, ConstView y, ConstView scale, ConstView dy,
                    View dx) override;

  std::size_t batch_norm_workspace(const Shape& x, Layout layout) override;
  void batch_norm_forward(const BatchNormOptions& options, ConstView x, ConstView weight, ConstView bias,
                          View running_mean, View running_variance, View y, View mean, View inverse_deviation,
                          Workspace workspace) override;
  void batch_norm_forward_relu(const BatchNormOptions& options, ConstView x, ConstView weight, ConstView bias,
                               View running_mean, View running_variance, View y, View mean, View inverse_deviation,
                               Workspace workspace) override;
  void batch_norm_backward(const BatchNormOptions& options, ConstView x, ConstView weight, ConstView mean,
                           ConstView inverse_deviation, ConstView dy, View dx, View dweight, View dbias,
                           Workspace workspace) override;
  void batch_norm_inference(const BatchNormOptions& options, ConstView x, ConstView weight, ConstView bias,
                            ConstView running_mean, ConstView running_variance, View y) override;
  void batch_norm_inference_relu(const BatchNormOptions& options, ConstView x, ConstView weight, ConstView bias,
                                 ConstView running_mean, ConstView running_variance, View y) override;
  void batch_norm_inference_backward(const BatchNormOptions& options, ConstView x, ConstView weight,
                                     ConstView running_mean, ConstView running_variance, ConstView dy, View dx,
                                     View dweight, View dbias, Workspace workspace) override;

  void dropout_forward(const DropoutOptions& options, RandomKey key, ConstView x, View y) override;
  void dropout_backward(const DropoutOptions& options, RandomKey key, ConstView dy, View dx) override;

  void softmax_forward(ConstView x, View y) override;
  void softmax_backward(ConstView y, ConstView dy, View dx) override;

  void log_softmax_forward(ConstView x, View y) override;
  void log_softmax_backward(ConstView y, ConstView dy, View dx) override;

  void softmax_cross_entropy_forward(const SoftmaxCrossEntropyOptions& options, ConstView logits, ConstView labels,
                                     ConstView class_weights, View probabilities, View losses, View total_weight,
                                     View loss) override;
  void softmax_cross_entropy_backward(const SoftmaxCrossEntropyOptions& options, ConstView probabilities,
                                      ConstView labels, ConstView class_weights, ConstView total_weight,
                                      ConstView dloss, View dlogits) override;

  void soft_cross_entropy_forward(const SoftmaxCrossEntropyOptions& options, ConstView logits, ConstView targets,
                                  ConstView class_weights, View probabilities, View losses, View loss) override;
  void soft_cross_entropy_backward(const SoftmaxCrossEntropyOptions& options, ConstView probabilities,
                                   ConstView targets, ConstView class_weights, ConstView dloss, View dlogits) override;

  void hinge_loss_forward(const HingeLossOptions& options, ConstView scores, ConstView labels, View losses,
                          View loss) override;
  void hinge_loss_backward(const HingeLossOptions& options, ConstView scores, ConstView labels, ConstView dloss,
                           View dscores) override;

  void mean_squared_error_forward(ConstView x, ConstView target, View losses, View loss) override;
  void mean_squared_error_backward(ConstView x, ConstView target, ConstView dloss, View dx) override;

  void binary_cross_entropy_forward(ConstView x, ConstView target, View losses, View loss) override;
  void binary_cross_entropy_backward(ConstView x, ConstView target, ConstView dloss, View dx) override;

  void one_hot_forward(const OneHotOptions& options, ConstView labels, View y) override;

  void distance_forward(DistanceNorm norm, ConstView a, ConstView b, View y) override;

  void sgd_step(const SgdOptions& options, View w, ConstView g, View v, View copy) override;
  void adam_step(const AdamOptions& options, View w, ConstView g, View m, View v, View copy) override;
  void rmsprop_step(const RmspropOptions& options, View w, ConstView g, View v, View b, View copy) override;
  void adagrad_step(const AdagradOptions& options, View w, ConstView g, View v, View copy) override;
  void average_step(double decay, View a, ConstView w, ConstView halt) override;

  std::size_t sum_of_squares_workspace(std::int64_t count) override;
  void sum_of_squares(ConstView x, View sum, Workspace workspace) override;
  void gradient_scale(double factor, View g) override;
  void gradient_scale_by(ConstView factor, View g) override;
  void gradient_clamp(double limit, View g) override;
  void norm_factor(double limit, ConstView squares, View factor) override;
  std::size_t nonfinite_workspace(std::int64_t count) override;
  void nonfinite(ConstView x, View first, Workspace workspace) override;
  void halt_if_found(ConstView found, View halt) override;
  void restore_if_halted(ConstView halt, ConstView from, View to) override;

  void augment_warp(ConstView rows, ConstView x, View y) override;
  void augment_brightness(ConstView rows, View images) override;
  void augment_contrast(ConstView rows, View images) override;
  void augment_saturation(ConstView rows, View images) override;
  void augment_hue(ConstView rows, View images) override;
  void augment_offset(ConstView rows, View images) override;
  std::size_t augment_blur_workspace(const Shape& images) override;
  void augment_blur(ConstView rows, View images, Workspace workspace) override;
  void augment_noise(ConstView rows, ConstView normal, View images) override;
  void augment_cutout(ConstView rows, View images) override;
  void augment_mix(ConstView rows, ConstView others, View images) override;
  void augment_normalise(ConstView table, ConstView images, View y) override;

 protected:
  Stream& stream() const { return stream_; }
  const DeviceMemory& memory() const { return memory_; }

 private:
  // Whether a convolution of these images has the kernels of convolution_depthwise.h. Asked before the next.
  bool is_depthwise(const Conv2dOptions& options, const Shape& x, Layout layout) const;
  // Whether a convolution of images that are stored so and lie so runs on tensor cores (convolution_mma.h).
  bool on_tensor_cores(DType dtype, Layout layout) const;
  bool on_tensor_cores(DType dtype) const;  // a linear layer of such features
  // Whether tensor cores get float32 too.
  bool multiplies_floats() const { return algorithm_ == ConvAlgorithm::tf32 || algorithm_ == ConvAlgorithm::fp32x3; }
  MmaFloats floats() const { return algorithm_ == ConvAlgorithm::fp32x3 ? MmaFloats::fp32x3 : MmaFloats::tf32; }

  Stream& stream_;
  const DeviceMemory& memory_;
  ConvAlgorithm algorithm_;
};

}  // namespace fovea::FOVEA_TARGET
