// SPDX-License-Identifier: Apache-2.0
//
// The hand-written kernels, as host functions that launch them on a stream. Each has the signature of its formula in
// core/ops/: the same tensors in the same order, f32, NCHW, contiguous, in device memory. Nothing is checked here:
// cuda/native_ops.cpp has checked shapes and sizes (conv2d, pooling and bias index with 32 bits: below 2^31 elements).
// All are deterministic: no atomics, and the order of every sum depends on the shapes only.
#pragma once
#include <cstddef>
#include <cstdint>

#include "core/ops/adaptive_pool2d.h"
#include "core/ops/avg_pool2d.h"
#include "core/ops/batch_norm.h"
#include "core/ops/conv2d.h"
#include "core/ops/linear.h"
#include "core/ops/lrn.h"
#include "core/ops/max_pool2d.h"
#include "core/ops/sgd.h"
#include "cuda/runtime/stream.h"

namespace fovea::FOVEA_TARGET {

// conv2d_*_direct.cu: one thread per result, the loops of the formula. `bias` may be null.
void conv2d_forward_direct(Stream& stream, const Conv2dGeometry& g, const float* x, const float* w, const float* bias,
                           float* y);
void conv2d_backward_data_direct(Stream& stream, const Conv2dGeometry& g, const float* dy, const float* w, float* dx);
void conv2d_backward_filter_direct(Stream& stream, const Conv2dGeometry& g, const float* x, const float* dy, float* dw);

// conv2d_*_implicit_gemm.cu: matrix products whose operands are gathered on the fly. `bias` may be null.
void conv2d_forward_implicit_gemm(Stream& stream, const Conv2dGeometry& g, const float* x, const float* w,
                                  const float* bias, float* y);
void conv2d_backward_data_implicit_gemm(Stream& stream, const Conv2dGeometry& g, const float* dy, const float* w,
                                        float* dx);
// `partials` holds conv2d_backward_filter_implicit_gemm_workspace(g) bytes; it may be null when that is 0.
std::size_t conv2d_backward_filter_implicit_gemm_workspace(const Conv2dGeometry& g);
void conv2d_backward_filter_implicit_gemm(Stream& stream, const Conv2dGeometry& g, const float* x, const float* dy,
                                          float* dw, float* partials);

// gemm_tiled.cu. `bias` may be null.
void linear_forward(Stream& stream, const LinearGeometry& g, const float* x, const float* w, const float* bias,
                    float* y);
void linear_backward_data(Stream& stream, const LinearGeometry& g, const float* dy, const float* w, float* dx);
void linear_backward_weight(Stream& stream, const LinearGeometry& g, const float* x, const float* dy, float* dw);

// bias.cu. y and dy are [N, K, positions].
void bias_add(Stream& stream, std::int64_t N, std::int64_t K, std::int64_t positions, const float* bias, float* y);
void bias_gradient(Stream& stream, std::int64_t N, std::int64_t K, std::int64_t positions, const float* dy,
                   float* dbias);

// max_pool2d.cu. Index is std::uint8_t or std::uint16_t.
template <class Index>
void max_pool2d_forward(Stream& stream, const Pool2dGeometry& g, bool minimum, const float* x, float* y, Index* index);
template <class Index>
void max_pool2d_backward(Stream& stream, const Pool2dGeometry& g, const float* dy, const Index* index, float* dx);

// avg_pool2d.cu
void avg_pool2d_forward(Stream& stream, const Pool2dGeometry& g, bool count_include_pad, bool only_sum, const float* x,
                        float* y);
void avg_pool2d_backward(Stream& stream, const Pool2dGeometry& g, bool count_include_pad, bool only_sum,
                         const float* dy, float* dx);

// adaptive_pool2d.cu
void adaptive_avg_pool2d_forward(Stream& stream, const AdaptivePool2dGeometry& g, const float* x, float* y);
void adaptive_avg_pool2d_backward(Stream& stream, const AdaptivePool2dGeometry& g, const float* dy, float* dx);
void adaptive_max_pool2d_forward(Stream& stream, const AdaptivePool2dGeometry& g, const float* x, float* y,
                                 std::int32_t* index);
void adaptive_max_pool2d_backward(Stream& stream, const AdaptivePool2dGeometry& g, const float* dy,
                                  const std::int32_t* index, float* dx);

// lrn.cu
void lrn_forward(Stream& stream, const LrnGeometry& g, const float* x, float* y, float* scale);
void lrn_backward(Stream& stream, const LrnGeometry& g, const float* x, const float* y, const float* scale,
                  const float* dy, float* dx);

// batch_norm.cu. `dx` may be null.
void batch_norm_forward(Stream& stream, const BatchNormGeometry& g, const float* x, const float* weight,
                        const float* bias, float* running_mean, float* running_variance, float* y, float* mean,
                        float* inverse_deviation);
void batch_norm_backward(Stream& stream, const BatchNormGeometry& g, const float* x, const float* weight,
                         const float* mean, const float* inverse_deviation, const float* dy, float* dx, float* dweight,
                         float* dbias);
void batch_norm_inference(Stream& stream, const BatchNormGeometry& g, const float* x, const float* weight,
                          const float* bias, const float* running_mean, const float* running_variance, float* y);
void batch_norm_inference_backward(Stream& stream, const BatchNormGeometry& g, const float* x, const float* weight,
                                   const float* running_mean, const float* running_variance, const float* dy, float* dx,
                                   float* dweight, float* dbias);

// relu.cu, tanh.cu, add.cu: element by element. The result may be one of the operands.
void relu_forward(Stream& stream, std::int64_t count, const float* x, float* y);
void relu_backward(Stream& stream, std::int64_t count, const float* y, const float* dy, float* dx);
void tanh_forward(Stream& stream, std::int64_t count, const float* x, float* y);
void tanh_backward(Stream& stream, std::int64_t count, const float* y, const float* dy, float* dx);
void add_forward(Stream& stream, std::int64_t count, const float* a, const float* b, float* y);
void add_backward(Stream& stream, std::int64_t count, const float* dy, float* dx);

// softmax.cu, softmax_cross_entropy.cu: rows x classes.
void softmax_forward(Stream& stream, std::int64_t rows, std::int64_t classes, const float* x, float* y);
void softmax_backward(Stream& stream, std::int64_t rows, std::int64_t classes, const float* y, const float* dy,
                      float* dx);
// A label outside [0, classes) makes its sample's loss and gradient NaN.
void softmax_cross_entropy_forward(Stream& stream, std::int64_t rows, std::int64_t classes, const float* logits,
                                   const std::int32_t* labels, float* probabilities, float* losses, float* loss);
void softmax_cross_entropy_backward(Stream& stream, std::int64_t rows, std::int64_t classes, const float* probabilities,
                                    const std::int32_t* labels, const float* dloss, float* dlogits);

// sgd.cu: w and v are updated in place.
void sgd_step(Stream& stream, const SgdOptions& options, std::int64_t count, float* w, const float* g, float* v);

}  // namespace fovea::FOVEA_TARGET
