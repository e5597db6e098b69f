// SPDX-License-Identifier: Apache-2.0
#include "core/backend/dry_backend.h"

#include <map>

namespace fovea {
namespace {

// Asks `engine` what plans ask for, and counts what steps call.
class CountingOps final : public Ops {
 public:
  explicit CountingOps(Ops& engine) : engine_(engine) {}

  std::uint64_t calls() const { return calls_; }

  Layout layout_for(std::string_view op, DType dtype, Layout given) const override {
    return engine_.layout_for(op, dtype, given);
  }
  bool fuses_relu(std::string_view op, DType dtype) const override { return engine_.fuses_relu(op, dtype); }
  bool fuses_relu_backward(std::string_view op) const override { return engine_.fuses_relu_backward(op); }
  bool works_in_place(std::string_view op) const override { return engine_.works_in_place(op); }
  bool stores_16_bits(std::string_view op) const override { return engine_.stores_16_bits(op); }
  Conv2dLayouts conv2d_layouts(const Conv2dOptions& options, const Shape& x, DType dtype, Layout given,
                               bool training) override {
    return engine_.conv2d_layouts(options, x, dtype, given, training);
  }
  std::size_t conv2d_workspace(Conv2dPass pass, const Conv2dOptions& options, const Shape& x) override {
    return engine_.conv2d_workspace(pass, options, x);
  }
  std::size_t conv2d_workspace_in(Conv2dPass pass, const Conv2dOptions& options, const Shape& x, DType dtype,
                                  Conv2dLayouts layouts) override {
    return engine_.conv2d_workspace_in(pass, options, x, dtype, layouts);
  }
  std::size_t bias_gradient_workspace(const Shape& dy, Layout layout) override {
    return engine_.bias_gradient_workspace(dy, layout);
  }
  std::size_t batch_norm_workspace(const Shape& x, Layout layout) override {
    return engine_.batch_norm_workspace(x, layout);
  }
  std::size_t linear_workspace(LinearPass pass, const LinearOptions& options, const Shape& x) override {
    return engine_.linear_workspace(pass, options, x);
  }
  std::size_t linear_workspace_in(LinearPass pass, const LinearOptions& options, const Shape& x, DType dtype) override {
    return engine_.linear_workspace_in(pass, options, x, dtype);
  }
  std::size_t prelu_workspace(const Shape& x) override { return engine_.prelu_workspace(x); }
  std::size_t nonfinite_workspace(std::int64_t count) override { return engine_.nonfinite_workspace(count); }
  std::size_t sum_of_squares_workspace(std::int64_t count) override { return engine_.sum_of_squares_workspace(count); }
  std::size_t augment_blur_workspace(const Shape& images) override { return engine_.augment_blur_workspace(images); }

  void activation_forward(const ActivationOptions&, ConstView, View) override { ++calls_; }
  void activation_backward(const ActivationOptions&, ConstView, ConstView, View) override { ++calls_; }
  void adagrad_step(const AdagradOptions&, View, ConstView, View, View) override { ++calls_; }
  void adam_step(const AdamOptions&, View, ConstView, View, View, View) override { ++calls_; }
  void adaptive_avg_pool2d_forward(const AdaptivePool2dOptions&, ConstView, View) override { ++calls_; }
  void adaptive_avg_pool2d_backward(const AdaptivePool2dOptions&, ConstView, View) override { ++calls_; }
  void adaptive_max_pool2d_forward(const AdaptivePool2dOptions&, ConstView, View, View) override { ++calls_; }
  void adaptive_max_pool2d_backward(const AdaptivePool2dOptions&, ConstView, ConstView, View) override { ++calls_; }
  void add_forward(ConstView, ConstView, View) override { ++calls_; }
  void add_forward_relu(ConstView, ConstView, View) override { ++calls_; }
  void add_backward(ConstView, View) override { ++calls_; }
  void augment_warp(ConstView, ConstView, View) override { ++calls_; }
  void augment_brightness(ConstView, View) override { ++calls_; }
  void augment_contrast(ConstView, View) override { ++calls_; }
  void augment_saturation(ConstView, View) override { ++calls_; }
  void augment_hue(ConstView, View) override { ++calls_; }
  void augment_offset(ConstView, View) override { ++calls_; }
  void augment_blur(ConstView, View, Workspace) override { ++calls_; }
  void augment_noise(ConstView, ConstView, View) override { ++calls_; }
  void augment_cutout(ConstView, View) override { ++calls_; }
  void augment_mix(ConstView, ConstView, View) override { ++calls_; }
  void augment_normalise(ConstView, ConstView, View) override { ++calls_; }
  void average_step(double, View, ConstView, ConstView) override { ++calls_; }
  void avg_pool2d_forward(const AvgPool2dOptions&, ConstView, View) override { ++calls_; }
  void avg_pool2d_backward(const AvgPool2dOptions&, ConstView, View) override { ++calls_; }
  void avg_pool2d_backward_relu(const AvgPool2dOptions&, ConstView, ConstView, View) override { ++calls_; }
  void batch_norm_forward(const BatchNormOptions&, ConstView, ConstView, ConstView, View, View, View, View, View,
                          Workspace) override {
    ++calls_;
  }
  void batch_norm_backward(const BatchNormOptions&, ConstView, ConstView, ConstView, ConstView, ConstView, View, View,
                           View, Workspace) override {
    ++calls_;
  }
  void batch_norm_inference(const BatchNormOptions&, ConstView, ConstView, ConstView, ConstView, ConstView,
                            View) override {
    ++calls_;
  }
  void batch_norm_forward_relu(const BatchNormOptions&, ConstView, ConstView, ConstView, View, View, View, View, View,
                               Workspace) override {
    ++calls_;
  }
  void batch_norm_inference_relu(const BatchNormOptions&, ConstView, ConstView, ConstView, ConstView, ConstView,
                                 View) override {
    ++calls_;
  }
  void batch_norm_inference_backward(const BatchNormOptions&, ConstView, ConstView, ConstView, ConstView, ConstView,
                                     View, View, View, Workspace) override {
    ++calls_;
  }
  void bias_add(ConstView, View) override { ++calls_; }
  void bias_gradient(ConstView, View, Workspace) override { ++calls_; }
  void binary_cross_entropy_forward(ConstView, ConstView, View, View) override { ++calls_; }
  void binary_cross_entropy_backward(ConstView, ConstView, ConstView, View) override { ++calls_; }
  void cast(ConstView, View) override { ++calls_; }
  void concat_forward(const ConcatOptions&, ConstView, std::int64_t, View) override { ++calls_; }
  void concat_backward(const ConcatOptions&, ConstView, std::int64_t, View) override { ++calls_; }
  void conv2d_forward(const Conv2dOptions&, ConstView, ConstView, ConstView, View, Workspace) override { ++calls_; }
  void conv2d_forward_relu(const Conv2dOptions&, ConstView, ConstView, ConstView, View, Workspace) override {
    ++calls_;
  }
  void conv2d_backward_data(const Conv2dOptions&, ConstView, ConstView, View, Workspace) override { ++calls_; }
  void conv2d_backward_data_relu(const Conv2dOptions&, ConstView, ConstView, ConstView, View, Workspace) override {
    ++calls_;
  }
  void conv2d_backward_filter(const Conv2dOptions&, ConstView, ConstView, View, Workspace) override { ++calls_; }
  void distance_forward(DistanceNorm, ConstView, ConstView, View) override { ++calls_; }
  void dropout_forward(const DropoutOptions&, RandomKey, ConstView, View) override { ++calls_; }
  void dropout_backward(const DropoutOptions&, RandomKey, ConstView, View) override { ++calls_; }
  void gradient_scale(double, View) override { ++calls_; }
  void gradient_scale_by(ConstView, View) override { ++calls_; }
  void gradient_clamp(double, View) override { ++calls_; }
  void norm_factor(double, ConstView, View) override { ++calls_; }
  void halt_if_found(ConstView, View) override { ++calls_; }
  void restore_if_halted(ConstView, ConstView, View) override { ++calls_; }
  void hinge_loss_forward(const HingeLossOptions&, ConstView, ConstView, View, View) override { ++calls_; }
  void hinge_loss_backward(const HingeLossOptions&, ConstView, ConstView, ConstView, View) override { ++calls_; }
  void convert_layout(ConstView, View) override { ++calls_; }
  void linear_forward(const LinearOptions&, ConstView, ConstView, ConstView, View, Workspace) override { ++calls_; }
  void linear_forward_relu(const LinearOptions&, ConstView, ConstView, ConstView, View, Workspace) override {
    ++calls_;
  }
  void linear_backward_data(const LinearOptions&, ConstView, ConstView, View, Workspace) override { ++calls_; }
  void linear_backward_data_relu(const LinearOptions&, ConstView, ConstView, ConstView, View, Workspace) override {
    ++calls_;
  }
  void linear_backward_weight(const LinearOptions&, ConstView, ConstView, View, Workspace) override { ++calls_; }
  void log_softmax_forward(ConstView, View) override { ++calls_; }
  void log_softmax_backward(ConstView, ConstView, View) override { ++calls_; }
  void lrn_forward(const LrnOptions&, ConstView, View, View) override { ++calls_; }
  void lrn_backward(const LrnOptions&, ConstView, ConstView, ConstView, ConstView, View) override { ++calls_; }
  void max_pool2d_forward(const MaxPool2dOptions&, ConstView, View, View) override { ++calls_; }
  void max_pool2d_backward(const MaxPool2dOptions&, ConstView, ConstView, View) override { ++calls_; }
  void max_pool2d_backward_relu(const MaxPool2dOptions&, ConstView, ConstView, ConstView, View) override { ++calls_; }
  void mean_squared_error_forward(ConstView, ConstView, View, View) override { ++calls_; }
  void mean_squared_error_backward(ConstView, ConstView, ConstView, View) override { ++calls_; }
  void multiply_forward(ConstView, ConstView, View) override { ++calls_; }
  void multiply_backward(ConstView, ConstView, View) override { ++calls_; }
  void nonfinite(ConstView, View, Workspace) override { ++calls_; }
  void one_hot_forward(const OneHotOptions&, ConstView, View) override { ++calls_; }
  void pad_forward(const PadOptions&, ConstView, View) override { ++calls_; }
  void pad_backward(const PadOptions&, ConstView, View) override { ++calls_; }
  void prelu_forward(ConstView, ConstView, View) override { ++calls_; }
  void prelu_backward_data(ConstView, ConstView, ConstView, View) override { ++calls_; }
  void prelu_backward_slope(ConstView, ConstView, View, Workspace) override { ++calls_; }
  void relu_forward(ConstView, View) override { ++calls_; }
  void relu_backward(ConstView, ConstView, View) override { ++calls_; }
  void rmsprop_step(const RmspropOptions&, View, ConstView, View, View, View) override { ++calls_; }
  void sgd_step(const SgdOptions&, View, ConstView, View, View) override { ++calls_; }
  void soft_cross_entropy_forward(const SoftmaxCrossEntropyOptions&, ConstView, ConstView, ConstView, View, View,
                                  View) override {
    ++calls_;
  }
  void soft_cross_entropy_backward(const SoftmaxCrossEntropyOptions&, ConstView, ConstView, ConstView, ConstView,
                                   View) override {
    ++calls_;
  }
  void softmax_forward(ConstView, View) override { ++calls_; }
  void softmax_backward(ConstView, ConstView, View) override { ++calls_; }
  void softmax_cross_entropy_forward(const SoftmaxCrossEntropyOptions&, ConstView, ConstView, ConstView, View, View,
                                     View, View) override {
    ++calls_;
  }
  void softmax_cross_entropy_backward(const SoftmaxCrossEntropyOptions&, ConstView, ConstView, ConstView, ConstView,
                                      ConstView, View) override {
    ++calls_;
  }
  void sum_of_squares(ConstView, View, Workspace) override { ++calls_; }
  void tanh_forward(ConstView, View) override { ++calls_; }
  void tanh_backward(ConstView, ConstView, View) override { ++calls_; }
  void upsample2d_forward(const Upsample2dOptions&, ConstView, View) override { ++calls_; }
  void upsample2d_backward(const Upsample2dOptions&, ConstView, View) override { ++calls_; }

 private:
  Ops& engine_;
  std::uint64_t calls_ = 0;
};

class DryBackend final : public Backend {
 public:
  explicit DryBackend(std::unique_ptr<Backend> device) : device_(std::move(device)) {}

  std::string name() const override { return device_->name(); }
  std::shared_ptr<Memory> memory() override { return device_->memory(); }
  EngineChoice choose(std::string_view op, Direction direction, std::string_view forced) override {
    EngineChoice choice = device_->choose(op, direction, forced);
    std::unique_ptr<CountingOps>& counting = engines_[choice.ops];
    if (!counting) counting = std::make_unique<CountingOps>(*choice.ops);
    choice.ops = counting.get();
    return choice;
  }
  std::vector<std::string> measured_engines() const override { return device_->measured_engines(); }
  std::string hardware() const override { return device_->hardware(); }
  std::uint64_t executed() const override {
    std::uint64_t sum = 0;
    for (const auto& entry : engines_) sum += entry.second->calls();
    return sum;
  }

 private:
  std::unique_ptr<Backend> device_;
  std::map<const Ops*, std::unique_ptr<CountingOps>> engines_;
};

}  // namespace

std::unique_ptr<Backend> make_dry_backend(std::unique_ptr<Backend> device) {
  return std::make_unique<DryBackend>(std::move(device));
}

}  // namespace fovea
