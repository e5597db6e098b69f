// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/avg_pool2d.h"

#include <algorithm>
#include <cmath>

#include "core/tolerance/bound.h"

namespace fovea {
namespace {

// D(p,q), the number that the window's sum is divided by.
double divisor(const Pool2dGeometry& g, const AvgPool2dOptions& options, std::int64_t i) {
  if (options.sum) return 1;
  const auto extent = [&](std::int64_t begin, std::int64_t window, std::int64_t image, std::int64_t padding) {
    const std::int64_t end = std::min(begin + window, image + padding);
    return options.count_include_pad ? end - begin : std::min(end, image) - std::max(begin, std::int64_t{0});
  };
  const std::int64_t q = i % g.Q, p = i / g.Q % g.P;
  return static_cast<double>(extent(p * g.stride_h - g.pad_top, g.R, g.H, g.pad_bottom) *
                             extent(q * g.stride_w - g.pad_left, g.S, g.W, g.pad_right));
}

// t^2 / D: the operation on it adds up (t / D)^2.
Tensor squared_over_divisor(const Tensor& t, const Pool2dGeometry& g, const AvgPool2dOptions& options) {
  Tensor result = squared(t);
  for (std::int64_t i = 0; i < result.elements(); ++i) {
    result.span<double>()[static_cast<std::size_t>(i)] /= divisor(g, options, i);
  }
  return result;
}

void fill(Uncertain& result, std::int64_t addends, const AvgPool2dOptions& options, const Tensor& squares,
          const Tensor& propagated) {
  const double division = options.sum ? 0 : operation_bound;
  result.tolerance = make_tolerance(result.value);
  const auto out = result.tolerance.span<double>();
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double value = values(result.value)[i];
    // The sum, and where there is one the division by D or the product with its reciprocal.
    const double own =
        sum_tolerance(static_cast<double>(addends), value, squares.span<double>()[i]) + division * std::abs(value);
    out[i] = std::sqrt(own * own + (propagated.empty() ? 0 : propagated.span<double>()[i]));
  }
}

}  // namespace

void avg_pool2d_forward_tolerance(ForwardToleranceArgs& args, const AvgPool2dOptions& options) {
  const Uncertain& x = args.inputs[0];
  const Pool2dGeometry g = avg_pool2d_geometry(options, x.value.shape());
  // Sum of (x/D)^2 over each window: the average of x^2, divided by D once more.
  const auto sum = [&](const Tensor& squares) {
    Tensor result = make_tolerance(args.output.value);
    args.exact.avg_pool2d_forward(options, squares.view(), result.view());
    for (std::int64_t i = 0; i < result.elements(); ++i) {
      result.span<double>()[static_cast<std::size_t>(i)] /= divisor(g, options, i);
    }
    return result;
  };
  fill(args.output, g.R * g.S, options, sum(squared(x.value)),
       x.tolerance.empty() ? Tensor{} : sum(squared(x.tolerance)));
}

void avg_pool2d_backward_tolerance(BackwardToleranceArgs& args, const AvgPool2dOptions& options) {
  Uncertain& dx = args.input_gradients[0];
  if (dx.value.empty()) return;
  const Uncertain& dy = args.output_gradient;
  const Pool2dGeometry g = avg_pool2d_geometry(options, dx.value.shape());
  const std::int64_t windows = ((g.R + g.stride_h - 1) / g.stride_h) * ((g.S + g.stride_w - 1) / g.stride_w);
  const auto sum = [&](const Tensor& t) {
    Tensor result = make_tolerance(dx.value);
    args.exact.avg_pool2d_backward(options, squared_over_divisor(t, g, options).view(), result.view());
    return result;
  };
  fill(dx, windows, options, sum(dy.value), dy.tolerance.empty() ? Tensor{} : sum(dy.tolerance));
}

}  // namespace fovea
