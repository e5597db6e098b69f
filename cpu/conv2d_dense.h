// SPDX-License-Identifier: Apache-2.0
//
// Convolutions (core/ops/conv2d.h) whose every window covers the whole image, as the last ones of a net for small images
// are: 3x3 filters on 2x2 images with padding 1. A sliding kernel would spend most of its products on the padding; here
// every output element is a sum over all input elements, so the convolution is one product with a matrix
//
//   D[(k,p,q), (c,h,w)] = w[k, c, h + pad - p*stride, w + pad - q*stride]        no element of D is outside the filter
//
// of P*Q*K rows and C*H*W columns, H*W / (R*S) of the sliding kernel's multiplications. Rows and columns are in the order
// in which the images lie, so any layout will do and nothing is converted; rows and columns of a block's padding are 0.
//
//   forward           y[n,:]  = bias + D x[n,:]
//   backward_data     dx[n,:] = D^T dy[n,:]
//   backward_filter   dD = sum over n of dy[n,:] x[n,:]^T, and dw[k,c,r,s] is the sum of dD where D holds w[k,c,r,s]
#pragma once
#include "core/ops/conv2d.h"

namespace fovea::cpu {

// True for such a convolution with samples enough that making D pays.
bool conv2d_is_dense(const Conv2dOptions& options, const Shape& x);

std::size_t conv2d_dense_workspace(const Conv2dOptions& options, const Shape& x, Conv2dLayouts layouts);

// As Conv2dOnednn::run.
void conv2d_dense(Conv2dPass pass, const Conv2dOptions& options, const Shape& x, Conv2dLayouts layouts,
                  const float* first, const float* second, const float* bias, float* result, Workspace workspace);

}  // namespace fovea::cpu
