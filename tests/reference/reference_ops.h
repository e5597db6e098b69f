// SPDX-License-Identifier: Apache-2.0
//
// The reference's operations as functions of values, for tests. Results have the element type of the first tensor; they
// are filled with NaN before the call, so that an element left unwritten shows.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <vector>

#include "core/backend/backend.h"

namespace fovea::reference_test {

Ops& ops();

// A float64 tensor.
Tensor doubles(const Shape& shape, std::initializer_list<double> values);
Tensor doubles(const Shape& shape, const std::vector<double>& values);
// All elements alike.
Tensor constant(const Shape& shape, double value);
// Uniform in [-1, 1); `index` tells one tensor of a test from the next.
Tensor uniform(const Shape& shape, std::uint64_t index);
// Whole numbers in [-4, 4].
Tensor integers(const Shape& shape, std::uint64_t index);
// A shuffled range around 0 in steps of 0.25: no two elements, and no element and 0, are closer than 0.125.
Tensor distinct(const Shape& shape, std::uint64_t index);
// The elements, whatever their type.
std::vector<double> elements(const Tensor& tensor);

Tensor conv2d(const Conv2dOptions& options, const Tensor& x, const Tensor& w, const Tensor& bias = {});
Tensor conv2d_dx(const Conv2dOptions& options, const Tensor& dy, const Tensor& w, const Shape& x);
Tensor conv2d_dw(const Conv2dOptions& options, const Tensor& x, const Tensor& dy);
Tensor bias_add(const Tensor& bias, const Tensor& y);
Tensor bias_gradient(const Tensor& dy);
Tensor linear(const Tensor& x, const Tensor& w, const Tensor& bias = {});
Tensor linear_dx(const Tensor& dy, const Tensor& w, const Shape& x);
Tensor linear_dw(const Tensor& x, const Tensor& dy);
struct MaxPool {
  Tensor y, index;
};
MaxPool max_pool2d(const MaxPool2dOptions& options, const Tensor& x);
Tensor max_pool2d_dx(const MaxPool2dOptions& options, const Tensor& dy, const Tensor& index, const Shape& x);
Tensor avg_pool2d(const AvgPool2dOptions& options, const Tensor& x);
Tensor avg_pool2d_dx(const AvgPool2dOptions& options, const Tensor& dy, const Shape& x);
Tensor relu(const Tensor& x);
Tensor relu_dx(const Tensor& y, const Tensor& dy);
Tensor tanh(const Tensor& x);
Tensor tanh_dx(const Tensor& y, const Tensor& dy);
Tensor add(const Tensor& a, const Tensor& b);
Tensor add_dx(const Tensor& dy);
Tensor softmax(const Tensor& x);
Tensor softmax_dx(const Tensor& y, const Tensor& dy);
struct CrossEntropy {
  Tensor probabilities, losses, total_weight, loss;
};
CrossEntropy softmax_cross_entropy(const Tensor& logits, const Tensor& labels,
                                   const SoftmaxCrossEntropyOptions& options = {});
Tensor softmax_cross_entropy_dlogits(const CrossEntropy& forward, const Tensor& labels, const Tensor& dloss,
                                     const SoftmaxCrossEntropyOptions& options = {});
// Updates w and v.
void sgd_step(const SgdOptions& options, Tensor& w, const Tensor& g, Tensor& v);

}  // namespace fovea::reference_test
