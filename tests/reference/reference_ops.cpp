// SPDX-License-Identifier: Apache-2.0
#include "tests/reference/reference_ops.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "core/support/philox.h"
#include "cpu_reference/reference_backend.h"

namespace fovea::reference_test {
namespace {

// A tensor of NaN, or for index types of 255.
Tensor unwritten(const Shape& shape, DType dtype) {
  Tensor t(shape, dtype);
  if (dtype == DType::f64) std::ranges::fill(t.span<double>(), std::numeric_limits<double>::quiet_NaN());
  if (dtype == DType::f32) std::ranges::fill(t.span<float>(), std::numeric_limits<float>::quiet_NaN());
  if (dtype == DType::u8 || dtype == DType::u16) host_memory()->fill(t.view().data, 0xFF, t.bytes());
  return t;
}

ConstView optional(const Tensor& t) { return t.empty() ? ConstView{} : t.view(); }

// The option as a tensor; none when it is empty.
Tensor class_weights(const SoftmaxCrossEntropyOptions& options, DType dtype) {
  if (options.class_weights.empty()) return {};
  return doubles({static_cast<std::int64_t>(options.class_weights.size())}, options.class_weights).converted(dtype);
}

Tensor copy(const Tensor& t) { return t.to(host_memory()); }

template <class Next>
Tensor filled(const Shape& shape, Next&& next) {
  Tensor t(shape, DType::f64);
  for (double& v : t.span<double>()) v = next();
  return t;
}

}  // namespace

Ops& ops() {
  static const std::unique_ptr<Backend> backend = make_reference_backend();
  return *backend->choose("conv2d", Direction::forward, {}).ops;
}

Tensor doubles(const Shape& shape, std::initializer_list<double> values) {
  return Tensor::from<double>(shape, std::span<const double>(values.begin(), values.size()));
}
Tensor doubles(const Shape& shape, const std::vector<double>& values) {
  return Tensor::from<double>(shape, std::span<const double>(values));
}
Tensor constant(const Shape& shape, double value) {
  return filled(shape, [&] { return value; });
}
Tensor uniform(const Shape& shape, std::uint64_t index) {
  RandomStream random(2080, RandomPurpose::test, index);
  return filled(shape, [&] { return static_cast<double>(random.uniform(-1, 1)); });
}
Tensor integers(const Shape& shape, std::uint64_t index) {
  RandomStream random(2080, RandomPurpose::test, index);
  return filled(shape, [&] { return static_cast<double>(random.below(9)) - 4; });
}
Tensor distinct(const Shape& shape, std::uint64_t index) {
  double value = -0.25 * static_cast<double>(shape.elements() / 2) - 0.125;
  Tensor t = filled(shape, [&] { return value += 0.25; });
  RandomStream random(2080, RandomPurpose::test, index);
  const auto v = t.span<double>();
  for (std::size_t i = v.size(); i > 1; --i) std::swap(v[i - 1], v[random.below(static_cast<std::uint32_t>(i))]);
  return t;
}
std::vector<double> elements(const Tensor& tensor) {
  const Tensor converted = tensor.converted(DType::f64);
  const auto values = converted.span<double>();
  return {values.begin(), values.end()};
}

Tensor conv2d(const Conv2dOptions& options, const Tensor& x, const Tensor& w, const Tensor& bias) {
  Tensor y = unwritten(conv2d_output_shape(options, x.shape()), x.dtype());
  ops().conv2d_forward(options, x.view(), w.view(), optional(bias), y.view(), {});
  return y;
}
Tensor conv2d_dx(const Conv2dOptions& options, const Tensor& dy, const Tensor& w, const Shape& x) {
  Tensor dx = unwritten(x, dy.dtype());
  ops().conv2d_backward_data(options, dy.view(), w.view(), dx.view(), {});
  return dx;
}
Tensor conv2d_dw(const Conv2dOptions& options, const Tensor& x, const Tensor& dy) {
  Tensor dw = unwritten(conv2d_filter_shape(options, x.shape()), x.dtype());
  ops().conv2d_backward_filter(options, x.view(), dy.view(), dw.view(), {});
  return dw;
}
Tensor bias_add(const Tensor& bias, const Tensor& y) {
  Tensor sum = copy(y);
  ops().bias_add(bias.view(), sum.view());
  return sum;
}
Tensor bias_gradient(const Tensor& dy) {
  Tensor dbias = unwritten({dy.shape()[1]}, dy.dtype());
  ops().bias_gradient(dy.view(), dbias.view(), {});
  return dbias;
}
Tensor linear(const Tensor& x, const Tensor& w, const Tensor& bias) {
  const LinearOptions options{.out_features = w.shape()[0]};
  Tensor y = unwritten(linear_output_shape(options, x.shape()), x.dtype());
  ops().linear_forward(options, x.view(), w.view(), optional(bias), y.view(), {});
  return y;
}
Tensor linear_dx(const Tensor& dy, const Tensor& w, const Shape& x) {
  Tensor dx = unwritten(x, dy.dtype());
  ops().linear_backward_data({.out_features = w.shape()[0]}, dy.view(), w.view(), dx.view(), {});
  return dx;
}
Tensor linear_dw(const Tensor& x, const Tensor& dy) {
  const LinearOptions options{.out_features = dy.shape()[1]};
  Tensor dw = unwritten(linear_weight_shape(options, x.shape()), x.dtype());
  ops().linear_backward_weight(options, x.view(), dy.view(), dw.view(), {});
  return dw;
}
MaxPool max_pool2d(const MaxPool2dOptions& options, const Tensor& x) {
  const Shape shape = max_pool2d_output_shape(options, x.shape());
  MaxPool result{unwritten(shape, x.dtype()), unwritten(shape, max_pool2d_index_dtype(options))};
  ops().max_pool2d_forward(options, x.view(), result.y.view(), result.index.view());
  return result;
}
Tensor max_pool2d_dx(const MaxPool2dOptions& options, const Tensor& dy, const Tensor& index, const Shape& x) {
  Tensor dx = unwritten(x, dy.dtype());
  ops().max_pool2d_backward(options, dy.view(), index.view(), dx.view());
  return dx;
}
Tensor avg_pool2d(const AvgPool2dOptions& options, const Tensor& x) {
  Tensor y = unwritten(avg_pool2d_output_shape(options, x.shape()), x.dtype());
  ops().avg_pool2d_forward(options, x.view(), y.view());
  return y;
}
Tensor avg_pool2d_dx(const AvgPool2dOptions& options, const Tensor& dy, const Shape& x) {
  Tensor dx = unwritten(x, dy.dtype());
  ops().avg_pool2d_backward(options, dy.view(), dx.view());
  return dx;
}
Tensor relu(const Tensor& x) {
  Tensor y = unwritten(x.shape(), x.dtype());
  ops().relu_forward(x.view(), y.view());
  return y;
}
Tensor relu_dx(const Tensor& y, const Tensor& dy) {
  Tensor dx = unwritten(y.shape(), y.dtype());
  ops().relu_backward(y.view(), dy.view(), dx.view());
  return dx;
}
Tensor tanh(const Tensor& x) {
  Tensor y = unwritten(x.shape(), x.dtype());
  ops().tanh_forward(x.view(), y.view());
  return y;
}
Tensor tanh_dx(const Tensor& y, const Tensor& dy) {
  Tensor dx = unwritten(y.shape(), y.dtype());
  ops().tanh_backward(y.view(), dy.view(), dx.view());
  return dx;
}
Tensor add(const Tensor& a, const Tensor& b) {
  Tensor y = unwritten(a.shape(), a.dtype());
  ops().add_forward(a.view(), b.view(), y.view());
  return y;
}
Tensor add_dx(const Tensor& dy) {
  Tensor dx = unwritten(dy.shape(), dy.dtype());
  ops().add_backward(dy.view(), dx.view());
  return dx;
}
Tensor softmax(const Tensor& x) {
  Tensor y = unwritten(x.shape(), x.dtype());
  ops().softmax_forward(x.view(), y.view());
  return y;
}
Tensor softmax_dx(const Tensor& y, const Tensor& dy) {
  Tensor dx = unwritten(y.shape(), y.dtype());
  ops().softmax_backward(y.view(), dy.view(), dx.view());
  return dx;
}
CrossEntropy softmax_cross_entropy(const Tensor& logits, const Tensor& labels,
                                   const SoftmaxCrossEntropyOptions& options) {
  const DType dtype = logits.dtype();
  CrossEntropy result{unwritten(logits.shape(), dtype), unwritten(labels.shape(), dtype), unwritten({1}, dtype),
                      unwritten({1}, dtype)};
  const Tensor weights = class_weights(options, dtype);
  ops().softmax_cross_entropy_forward(options, logits.view(), labels.view(), weights.view(),
                                      result.probabilities.view(), result.losses.view(), result.total_weight.view(),
                                      result.loss.view());
  return result;
}
Tensor softmax_cross_entropy_dlogits(const CrossEntropy& forward, const Tensor& labels, const Tensor& dloss,
                                     const SoftmaxCrossEntropyOptions& options) {
  const DType dtype = forward.probabilities.dtype();
  Tensor dlogits = unwritten(forward.probabilities.shape(), dtype);
  const Tensor weights = class_weights(options, dtype);
  ops().softmax_cross_entropy_backward(options, forward.probabilities.view(), labels.view(), weights.view(),
                                       forward.total_weight.view(), dloss.view(), dlogits.view());
  return dlogits;
}
void sgd_step(const SgdOptions& options, Tensor& w, const Tensor& g, Tensor& v) {
  ops().sgd_step(options, w.view(), g.view(), v.view(), {});
}

}  // namespace fovea::reference_test
