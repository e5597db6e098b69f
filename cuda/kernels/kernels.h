// SPDX-License-Identifier: Apache-2.0
//
// The hand-written kernels, as host functions that launch them on a stream. Each has the signature of its formula in
// core/ops/: the same tensors in the same order, NCHW, contiguous, in device memory (NHWC: kernels_nhwc.h; updates of
// parameters: kernels_update.h). Tensors of the contract's type T are stored as float, bf16_t or f16_t; kernels compute in
// float. Nothing is checked here: cuda/native_ops.cpp has checked shapes and sizes (conv2d, pooling, bias and the shape
// operations index with 32 bits: below 2^31 elements).
// All are deterministic: no atomics, and the order of every sum depends on the shapes only. Those with a `relu` compute
// the form of the operation that ends with a ReLU (conv2d_forward_relu, ...) where it is true; those with a `gate`, which
// may be null, the form whose dx passes the backward of the ReLU that left it (conv2d_backward_data_relu, ...).
#pragma once
#include <cstddef>
#include <cstdint>

#include "core/ops/activation.h"
#include "core/ops/adaptive_pool2d.h"
#include "core/ops/augment.h"
#include "core/ops/avg_pool2d.h"
#include "core/ops/batch_norm.h"
#include "core/ops/concat.h"
#include "core/ops/conv2d.h"
#include "core/ops/distance.h"
#include "core/ops/dropout.h"
#include "core/ops/hinge_loss.h"
#include "core/ops/linear.h"
#include "core/ops/lrn.h"
#include "core/ops/max_pool2d.h"
#include "core/ops/pad.h"
#include "core/ops/prelu.h"
#include "core/ops/soft_cross_entropy.h"
#include "core/ops/softmax_cross_entropy.h"
#include "core/ops/upsample2d.h"
#include "core/tensor/dtype.h"
#include "cuda/runtime/stream.h"

// At the end of a kernel file, in its namespace: the launcher for every type that tensors are stored as. Further template
// arguments follow its name.
#define FOVEA_INSTANTIATE_STORAGE(launcher, ...)                                                              \
  template decltype(launcher<float __VA_OPT__(, ) __VA_ARGS__>) launcher<float __VA_OPT__(, ) __VA_ARGS__>;   \
  template decltype(launcher<bf16_t __VA_OPT__(, ) __VA_ARGS__>) launcher<bf16_t __VA_OPT__(, ) __VA_ARGS__>; \
  template decltype(launcher<f16_t __VA_OPT__(, ) __VA_ARGS__>) launcher<f16_t __VA_OPT__(, ) __VA_ARGS__>

namespace fovea::FOVEA_TARGET {

// conv2d_*_direct.cu: one thread per result, the loops of the formula. `bias` may be null.
template <class T>
void conv2d_forward_direct(Stream& stream, const Conv2dGeometry& g, bool relu, const T* x, const T* w,
                           const float* bias, T* y);
template <class T>
void conv2d_backward_data_direct(Stream& stream, const Conv2dGeometry& g, const T* gate, const T* dy, const T* w,
                                 T* dx);
template <class T>
void conv2d_backward_filter_direct(Stream& stream, const Conv2dGeometry& g, const T* x, const T* dy, float* dw);

// conv2d_*_implicit_gemm.cu: matrix products whose operands are gathered on the fly. `bias` may be null.
template <class T>
void conv2d_forward_implicit_gemm(Stream& stream, const Conv2dGeometry& g, bool relu, const T* x, const T* w,
                                  const float* bias, T* y);
template <class T>
void conv2d_backward_data_implicit_gemm(Stream& stream, const Conv2dGeometry& g, const T* gate, const T* dy, const T* w,
                                        T* dx);
// `partials` holds conv2d_backward_filter_implicit_gemm_workspace(g) bytes; it may be null when that is 0.
std::size_t conv2d_backward_filter_implicit_gemm_workspace(const Conv2dGeometry& g);
template <class T>
void conv2d_backward_filter_implicit_gemm(Stream& stream, const Conv2dGeometry& g, const T* x, const T* dy, float* dw,
                                          float* partials);

// gemm_tiled.cu. `bias` may be null.
template <class T>
void linear_forward(Stream& stream, const LinearGeometry& g, bool relu, const T* x, const T* w, const float* bias,
                    T* y);
template <class T>
void linear_backward_data(Stream& stream, const LinearGeometry& g, const T* gate, const T* dy, const T* w, T* dx);
template <class T>
void linear_backward_weight(Stream& stream, const LinearGeometry& g, const T* x, const T* dy, float* dw);

// bias.cu. y and dy are [N, K, positions].
template <class T>
void bias_add(Stream& stream, std::int64_t N, std::int64_t K, std::int64_t positions, const float* bias, T* y);
template <class T>
void bias_gradient(Stream& stream, std::int64_t N, std::int64_t K, std::int64_t positions, const T* dy, float* dbias);

// max_pool2d.cu. Index is std::uint8_t or std::uint16_t.
template <class T, class Index>
void max_pool2d_forward(Stream& stream, const Pool2dGeometry& g, bool minimum, const T* x, T* y, Index* index);
template <class T, class Index>
void max_pool2d_backward(Stream& stream, const Pool2dGeometry& g, const T* gate, const T* dy, const Index* index,
                         T* dx);

// avg_pool2d.cu
template <class T>
void avg_pool2d_forward(Stream& stream, const Pool2dGeometry& g, bool count_include_pad, bool only_sum, const T* x,
                        T* y);
template <class T>
void avg_pool2d_backward(Stream& stream, const Pool2dGeometry& g, bool count_include_pad, bool only_sum, const T* gate,
                         const T* dy, T* dx);

// adaptive_pool2d.cu
template <class T>
void adaptive_avg_pool2d_forward(Stream& stream, const AdaptivePool2dGeometry& g, const T* x, T* y);
template <class T>
void adaptive_avg_pool2d_backward(Stream& stream, const AdaptivePool2dGeometry& g, const T* dy, T* dx);
template <class T>
void adaptive_max_pool2d_forward(Stream& stream, const AdaptivePool2dGeometry& g, const T* x, T* y,
                                 std::int32_t* index);
template <class T>
void adaptive_max_pool2d_backward(Stream& stream, const AdaptivePool2dGeometry& g, const T* dy,
                                  const std::int32_t* index, T* dx);

// lrn.cu
template <class T>
void lrn_forward(Stream& stream, const LrnGeometry& g, const T* x, T* y, float* scale);
template <class T>
void lrn_backward(Stream& stream, const LrnGeometry& g, const T* x, const T* y, const float* scale, const T* dy, T* dx);

// batch_norm.cu. `dx` may be null.
template <class T>
void batch_norm_forward(Stream& stream, const BatchNormGeometry& g, bool relu, const T* x, const float* weight,
                        const float* bias, float* running_mean, float* running_variance, T* y, float* mean,
                        float* inverse_deviation);
template <class T>
void batch_norm_backward(Stream& stream, const BatchNormGeometry& g, const T* x, const float* weight, const float* mean,
                         const float* inverse_deviation, const T* dy, T* dx, float* dweight, float* dbias);
template <class T>
void batch_norm_inference(Stream& stream, const BatchNormGeometry& g, bool relu, const T* x, const float* weight,
                          const float* bias, const float* running_mean, const float* running_variance, T* y);
template <class T>
void batch_norm_inference_backward(Stream& stream, const BatchNormGeometry& g, const T* x, const float* weight,
                                   const float* running_mean, const float* running_variance, const T* dy, T* dx,
                                   float* dweight, float* dbias);

// relu.cu, tanh.cu, add.cu, multiply.cu, activation.cu: element by element. The result may be one of the operands.
template <class T>
void relu_forward(Stream& stream, std::int64_t count, const T* x, T* y);
template <class T>
void relu_backward(Stream& stream, std::int64_t count, const T* y, const T* dy, T* dx);
template <class T>
void tanh_forward(Stream& stream, std::int64_t count, const T* x, T* y);
template <class T>
void tanh_backward(Stream& stream, std::int64_t count, const T* y, const T* dy, T* dx);
template <class T>
void add_forward(Stream& stream, std::int64_t count, bool relu, const T* a, const T* b, T* y);
template <class T>
void add_backward(Stream& stream, std::int64_t count, const T* dy, T* dx);
template <class T>
void multiply_forward(Stream& stream, std::int64_t count, const T* a, const T* b, T* y);
template <class T>
void multiply_backward(Stream& stream, std::int64_t count, const T* other, const T* dy, T* dx);
template <class T>
void activation_forward(Stream& stream, const ActivationOptions& options, std::int64_t count, const T* x, T* y);
template <class T>
void activation_backward(Stream& stream, const ActivationOptions& options, std::int64_t count, const T* x, const T* dy,
                         T* dx);

// cast.cu
template <class From, class To>
void cast(Stream& stream, std::int64_t count, const From* x, To* y);

// prelu.cu. `partials` holds N*C floats.
template <class T>
void prelu_forward(Stream& stream, const PreluGeometry& g, const T* x, const float* slope, T* y);
template <class T>
void prelu_backward_data(Stream& stream, const PreluGeometry& g, const T* x, const float* slope, const T* dy, T* dx);
template <class T>
void prelu_backward_slope(Stream& stream, const PreluGeometry& g, const T* x, const T* dy, float* dslope,
                          float* partials);

// dropout.cu
template <class T>
void dropout_forward(Stream& stream, const DropoutOptions& options, const RandomKey& key, std::int64_t count,
                     const T* x, T* y);
template <class T>
void dropout_backward(Stream& stream, const DropoutOptions& options, const RandomKey& key, std::int64_t count,
                      const T* dy, T* dx);

// concat.cu, pad.cu, upsample2d.cu
template <class T>
void concat_forward(Stream& stream, const ConcatSlice& s, const T* x, T* y);
template <class T>
void concat_backward(Stream& stream, const ConcatSlice& s, const T* dy, T* dx);
template <class T>
void pad_forward(Stream& stream, const PadGeometry& g, float value, const T* x, T* y);
template <class T>
void pad_backward(Stream& stream, const PadGeometry& g, const T* dy, T* dx);
template <class T>
void upsample2d_forward(Stream& stream, const Upsample2dGeometry& g, const T* x, T* y);
template <class T>
void upsample2d_backward(Stream& stream, const Upsample2dGeometry& g, const T* dy, T* dx);

// one_hot.cu. A label outside [0, classes) makes its row NaN.
template <class T>
void one_hot_forward(Stream& stream, std::int64_t rows, std::int64_t classes, float on, float off,
                     const std::int32_t* labels, T* y);

// softmax.cu, log_softmax.cu: rows x classes.
template <class T>
void softmax_forward(Stream& stream, std::int64_t rows, std::int64_t classes, const T* x, T* y);
template <class T>
void softmax_backward(Stream& stream, std::int64_t rows, std::int64_t classes, const T* y, const T* dy, T* dx);
template <class T>
void log_softmax_forward(Stream& stream, std::int64_t rows, std::int64_t classes, const T* x, T* y);
template <class T>
void log_softmax_backward(Stream& stream, std::int64_t rows, std::int64_t classes, const T* y, const T* dy, T* dx);

// softmax_cross_entropy.cu, hinge_loss.cu: a label outside [0, C) makes its sample's loss and gradient NaN.
// `class_weights` may be null.
template <class T>
void softmax_cross_entropy_forward(Stream& stream, const SoftmaxCrossEntropyGeometry& g,
                                   const SoftmaxCrossEntropyOptions& options, const T* logits,
                                   const std::int32_t* labels, const float* class_weights, float* probabilities,
                                   float* losses, float* total_weight, float* loss);
template <class T>
void softmax_cross_entropy_backward(Stream& stream, const SoftmaxCrossEntropyGeometry& g,
                                    const SoftmaxCrossEntropyOptions& options, const float* probabilities,
                                    const std::int32_t* labels, const float* class_weights, const float* total_weight,
                                    const float* dloss, T* dlogits);
// soft_cross_entropy.cu: targets that are no probabilities make their position's loss and gradient NaN. `class_weights`
// may be null.
template <class T>
void soft_cross_entropy_forward(Stream& stream, const SoftmaxCrossEntropyGeometry& g,
                                const SoftmaxCrossEntropyOptions& options, const T* logits, const T* targets,
                                const float* class_weights, float* probabilities, float* losses, float* loss);
template <class T>
void soft_cross_entropy_backward(Stream& stream, const SoftmaxCrossEntropyGeometry& g,
                                 const SoftmaxCrossEntropyOptions& options, const float* probabilities,
                                 const T* targets, const float* class_weights, const float* dloss, T* dlogits);
template <class T>
void hinge_loss_forward(Stream& stream, const HingeLossGeometry& g, const T* scores, const std::int32_t* labels,
                        float* losses, float* loss);
template <class T>
void hinge_loss_backward(Stream& stream, const HingeLossGeometry& g, const T* scores, const std::int32_t* labels,
                         const float* dloss, T* dscores);

// mean_squared_error.cu, binary_cross_entropy.cu: N samples of M elements.
template <class T>
void mean_squared_error_forward(Stream& stream, std::int64_t N, std::int64_t M, const T* x, const T* target,
                                float* losses, float* loss);
template <class T>
void mean_squared_error_backward(Stream& stream, std::int64_t N, std::int64_t M, const T* x, const T* target,
                                 const float* dloss, T* dx);
template <class T>
void binary_cross_entropy_forward(Stream& stream, std::int64_t N, std::int64_t M, const T* x, const T* target,
                                  float* losses, float* loss);
template <class T>
void binary_cross_entropy_backward(Stream& stream, std::int64_t N, std::int64_t M, const T* x, const T* target,
                                   const float* dloss, T* dx);

// mean_loss.cu
void mean_loss(Stream& stream, std::int64_t count, const float* losses, float* loss);
// distance.cu: a [M, D], b [N, D], y [M, N].
void distance_forward(Stream& stream, DistanceNorm norm, std::int64_t M, std::int64_t N, std::int64_t D, const float* a,
                      const float* b, float* y);

// sum_of_squares.cu: `parts` is scratch memory for sum_parts(count) numbers.
void sum_of_squares(Stream& stream, std::int64_t count, const float* x, double* parts, double* sum);
// gradient_clip.cu: in place; halt.cu.
void gradient_scale(Stream& stream, double factor, std::int64_t count, float* g);
void gradient_scale_by(Stream& stream, const float* factor, std::int64_t count, float* g);
void gradient_clamp(Stream& stream, double limit, std::int64_t count, float* g);
void norm_factor(Stream& stream, double limit, std::int64_t count, const double* squares, float* factor);
void halt_if_found(Stream& stream, std::int64_t count, const std::int64_t* found, std::int64_t* halt);
void restore_if_halted(Stream& stream, const std::int64_t* halt, std::int64_t count, const float* from, float* to);
// nonfinite.cu: `parts` is scratch memory for nonfinite_parts(count) numbers.
std::int64_t nonfinite_parts(std::int64_t count);
template <class T>
void nonfinite(Stream& stream, std::int64_t count, const T* x, std::int64_t* parts, std::int64_t* first);

// augment_*.cu: `images` is the shape of `pixels`, x and y, `rows` has what was drawn for each sample.
void augment_warp(Stream& stream, const Shape& images, const std::int64_t* rows, const std::uint8_t* x,
                  std::uint8_t* y);
void augment_brightness(Stream& stream, const Shape& images, const std::int64_t* rows, std::uint8_t* pixels);
void augment_contrast(Stream& stream, const Shape& images, const std::int64_t* rows, std::uint8_t* pixels);
void augment_saturation(Stream& stream, const Shape& images, const std::int64_t* rows, std::uint8_t* pixels);
void augment_hue(Stream& stream, const Shape& images, const std::int64_t* rows, std::uint8_t* pixels);
void augment_offset(Stream& stream, const Shape& images, const std::int64_t* rows, std::uint8_t* pixels);
// `blurred` is scratch memory for images.elements() numbers.
void augment_blur(Stream& stream, const Shape& images, std::int64_t radius, const std::int64_t* rows,
                  std::uint8_t* pixels, std::uint16_t* blurred);
void augment_noise(Stream& stream, const Shape& images, const std::int64_t* rows, const std::int32_t* normal,
                   std::uint8_t* pixels);
void augment_cutout(Stream& stream, const Shape& images, const std::int64_t* rows, std::uint8_t* pixels);
void augment_mix(Stream& stream, const Shape& images, const std::int64_t* rows, const std::uint8_t* others,
                 std::uint8_t* pixels);
void augment_normalise(Stream& stream, const Shape& images, const float* table, const std::uint8_t* pixels, float* y);

}  // namespace fovea::FOVEA_TARGET
