// SPDX-License-Identifier: Apache-2.0
//
// The kernels of images in NHWC, as kernels.h has those of NCHW: the same contracts, checks and promises. Operations that
// look at no neighbour have one kernel for every layout, there; those in one file here that is named like theirs.
#pragma once
#include "cuda/kernels/kernels.h"

namespace fovea::FOVEA_TARGET {

// convert_layout.cu: the transposes y [N, columns, rows] of x [N, rows, columns].
template <class T>
void convert_layout(Stream& stream, std::int64_t N, std::int64_t rows, std::int64_t columns, const T* x, T* y);

// bias_nhwc.cu. y and dy are [rows, K], channels last. `sums` holds bias_nhwc_gradient_workspace(rows, K) bytes; it may be
// null when that is 0.
template <class T>
void bias_nhwc_add(Stream& stream, std::int64_t rows, std::int64_t K, const float* bias, T* y);
std::size_t bias_nhwc_gradient_workspace(std::int64_t rows, std::int64_t K);
template <class T>
void bias_nhwc_gradient(Stream& stream, std::int64_t rows, std::int64_t K, const T* dy, float* dbias, float* sums);

// conv2d_*_depthwise.cu: convolutions whose groups are single channels, with any number of filters each. `rsk` has the
// filters as [R, S, K], which convert_layout(stream, 1, K, R*S, w, rsk) makes of the operation's. `bias` and `gate` may be
// null. `partials` holds conv2d_backward_filter_depthwise_workspace(g) bytes; dw is KCRS, as the operation's.
template <class T>
void conv2d_forward_depthwise(Stream& stream, const Conv2dGeometry& g, bool relu, const T* x, const T* rsk,
                              const float* bias, T* y);
template <class T>
void conv2d_backward_data_depthwise(Stream& stream, const Conv2dGeometry& g, const T* gate, const T* dy, const T* rsk,
                                    T* dx);
std::size_t conv2d_backward_filter_depthwise_workspace(const Conv2dGeometry& g);
template <class T>
void conv2d_backward_filter_depthwise(Stream& stream, const Conv2dGeometry& g, const T* x, const T* dy, float* dw,
                                      float* partials);

// max_pool2d_nhwc.cu. Index is std::uint8_t or std::uint16_t.
template <class T, class Index>
void max_pool2d_nhwc_forward(Stream& stream, const Pool2dGeometry& g, bool minimum, const T* x, T* y, Index* index);
template <class T, class Index>
void max_pool2d_nhwc_backward(Stream& stream, const Pool2dGeometry& g, const T* gate, const T* dy, const Index* index,
                              T* dx);

// avg_pool2d_nhwc.cu
template <class T>
void avg_pool2d_nhwc_forward(Stream& stream, const Pool2dGeometry& g, bool count_include_pad, bool only_sum, const T* x,
                             T* y);
template <class T>
void avg_pool2d_nhwc_backward(Stream& stream, const Pool2dGeometry& g, bool count_include_pad, bool only_sum,
                              const T* gate, const T* dy, T* dx);

// adaptive_pool2d_nhwc.cu
template <class T>
void adaptive_avg_pool2d_nhwc_forward(Stream& stream, const AdaptivePool2dGeometry& g, const T* x, T* y);
template <class T>
void adaptive_avg_pool2d_nhwc_backward(Stream& stream, const AdaptivePool2dGeometry& g, const T* dy, T* dx);
template <class T>
void adaptive_max_pool2d_nhwc_forward(Stream& stream, const AdaptivePool2dGeometry& g, const T* x, T* y,
                                      std::int32_t* index);
template <class T>
void adaptive_max_pool2d_nhwc_backward(Stream& stream, const AdaptivePool2dGeometry& g, const T* dy,
                                       const std::int32_t* index, T* dx);

// lrn_nhwc.cu
template <class T>
void lrn_nhwc_forward(Stream& stream, const LrnGeometry& g, const T* x, T* y, float* scale);
template <class T>
void lrn_nhwc_backward(Stream& stream, const LrnGeometry& g, const T* x, const T* y, const float* scale, const T* dy,
                       T* dx);

// batch_norm_nhwc.cu. `sums` holds batch_norm_nhwc_workspace(rows, C) bytes, rows = g.values(). `dx` may be null. Where
// `frozen` the statistics are constants, and `spread` holds variances in place of inverse deviations.
std::size_t batch_norm_nhwc_workspace(std::int64_t rows, std::int64_t C);
template <class T>
void batch_norm_nhwc_forward(Stream& stream, const BatchNormGeometry& g, bool relu, const T* x, const float* weight,
                             const float* bias, float* running_mean, float* running_variance, T* y, float* mean,
                             float* inverse_deviation, float* sums);
template <class T>
void batch_norm_nhwc_inference(Stream& stream, const BatchNormGeometry& g, bool relu, const T* x, const float* weight,
                               const float* bias, const float* running_mean, const float* running_variance, T* y);
template <class T, bool frozen>
void batch_norm_nhwc_backward(Stream& stream, const BatchNormGeometry& g, const T* x, const float* weight,
                              const float* mean, const float* spread, const T* dy, T* dx, float* dweight, float* dbias,
                              float* sums);

// dropout_nhwc.cu: x and y are [N, positions, C], the mask that of [N, C, positions].
template <class T>
void dropout_nhwc_forward(Stream& stream, const DropoutOptions& options, const RandomKey& key, std::int64_t N,
                          std::int64_t C, std::int64_t positions, const T* x, T* y);
template <class T>
void dropout_nhwc_backward(Stream& stream, const DropoutOptions& options, const RandomKey& key, std::int64_t N,
                           std::int64_t C, std::int64_t positions, const T* dy, T* dx);

}  // namespace fovea::FOVEA_TARGET
