// SPDX-License-Identifier: Apache-2.0
//
// The engine "onednn": what oneDNN computes, and loops of our own for what it lacks. One file of this folder for each
// operation, named like it.
#pragma once
#include <string_view>

#include "cpu/conv2d_onednn.h"
#include "cpu_reference/reference_ops.h"

namespace fovea {

namespace cpu {

// A linear layer's forward product y^T = w x^T, made once for its extents.
struct LinearProduct {
  dnnl::primitive product;
  dnnl::memory w, x, y, scratchpad;
  std::size_t y_bytes = 0, scratchpad_bytes = 0;  // of the workspace, in this order
};

}  // namespace cpu

class CpuOps final : public ReferenceOps {
 public:
  // Which operations are this engine's own. The others are inherited from the reference so that the class is complete;
  // CpuBackend names the reference for them and never calls them here.
  bool provides(std::string_view op) const;

  Layout layout_for(std::string_view op, DType dtype, Layout given) const override;
  bool fuses_relu(std::string_view op, DType dtype) const override;
  bool works_in_place(std::string_view op) const override;
  bool stores_16_bits(std::string_view) const override { return false; }
  void convert_layout(ConstView x, View y) override;

  Conv2dLayouts conv2d_layouts(const Conv2dOptions& options, const Shape& x, DType dtype, Layout given,
                               bool training) override;
  std::size_t conv2d_workspace(Conv2dPass pass, const Conv2dOptions& options, const Shape& x) override;
  std::size_t conv2d_workspace_in(Conv2dPass pass, const Conv2dOptions& options, const Shape& x, DType dtype,
                                  Conv2dLayouts layouts) override;
  void conv2d_forward(const Conv2dOptions& options, ConstView x, ConstView w, ConstView bias, View y,
                      Workspace workspace) override;
  void conv2d_backward_data(const Conv2dOptions& options, ConstView dy, ConstView w, View dx,
                            Workspace workspace) override;
  void conv2d_backward_filter(const Conv2dOptions& options, ConstView x, ConstView dy, View dw,
                              Workspace workspace) override;

  void bias_add(ConstView bias, View y) override;
  void bias_gradient(ConstView dy, View dbias, Workspace workspace) override;

  std::size_t linear_workspace(LinearPass pass, const LinearOptions& options, const Shape& x) override;
  void linear_forward(const LinearOptions& options, ConstView x, ConstView w, ConstView bias, View y,
                      Workspace workspace) override;
  void linear_backward_data(const LinearOptions& options, ConstView dy, ConstView w, View dx,
                            Workspace workspace) override;
  void linear_backward_weight(const LinearOptions& options, ConstView x, ConstView dy, View dw,
                              Workspace workspace) override;

  void max_pool2d_forward(const MaxPool2dOptions& options, ConstView x, View y, View index) override;
  void max_pool2d_backward(const MaxPool2dOptions& options, ConstView dy, ConstView index, View dx) override;

  void avg_pool2d_forward(const AvgPool2dOptions& options, ConstView x, View y) override;
  void avg_pool2d_backward(const AvgPool2dOptions& options, ConstView dy, View dx) override;

  void adaptive_avg_pool2d_forward(const AdaptivePool2dOptions& options, ConstView x, View y) override;
  void adaptive_avg_pool2d_backward(const AdaptivePool2dOptions& options, ConstView dy, View dx) override;
  void adaptive_max_pool2d_forward(const AdaptivePool2dOptions& options, ConstView x, View y, View index) override;
  void adaptive_max_pool2d_backward(const AdaptivePool2dOptions& options, ConstView dy, ConstView index,
                                    View dx) override;

  void dropout_forward(const DropoutOptions& options, RandomKey key, ConstView x, View y) override;
  void dropout_backward(const DropoutOptions& options, RandomKey key, ConstView dy, View dx) override;

  void relu_forward(ConstView x, View y) override;
  void relu_backward(ConstView y, ConstView dy, View dx) override;

  void add_forward(ConstView a, ConstView b, View y) override;
  void add_forward_relu(ConstView a, ConstView b, View y) override;
  void add_backward(ConstView dy, View dx) override;

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

  void sgd_step(const SgdOptions& options, View w, ConstView g, View v, View copy) override;
  void adam_step(const AdamOptions& options, View w, ConstView g, View m, View v, View copy) override;

 private:
  // `first` and `second` are x and w, dy and w, or x and dy; `result` is y, dx or dw.
  void run_conv2d(Conv2dPass pass, const Conv2dOptions& options, const Shape& x, Conv2dLayouts layouts,
                  const float* first, const float* second, const float* bias, float* result, Workspace workspace);
  cpu::LinearProduct& linear_product(const LinearGeometry& g);

  cpu::Conv2dOnednn conv2d_;
  cpu::PrimitiveCache<cpu::LinearProduct> products_;
  cpu::PrimitiveCache<dnnl::reorder> reorders_;
};

}  // namespace fovea
