// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/upsample2d.h"

#include <algorithm>
#include <cmath>

#include "core/tolerance/bound.h"

namespace fovea {
namespace {

// A weight is the product of two quotients.
constexpr double weight_bound = 3 * operation_bound;

// The most outputs along one axis that read one input: those whose coordinate lies within 1 of it.
std::int64_t readers(const Upsample2dGeometry& g, std::int64_t in, std::int64_t out) {
  const auto ceil_of = [](std::int64_t a, std::int64_t b) { return (a + b - 1) / b; };
  if (g.mode == UpsampleMode::nearest) return ceil_of(out, in);
  const std::int64_t steps = g.align_corners ? std::max<std::int64_t>(in - 1, 1) : in;
  return std::min(out, 2 * ceil_of(out, steps) + 1);
}

// `squares` are the sums of w x^2, and `propagated` of w tol_x^2. They stand for the sums of (w x)^2 and (w tol_x)^2:
// w is at most 1, so they are not less, and for the tolerance they leave room for errors of neighbours that agree.
void fill(Uncertain& result, std::int64_t addends, double relative, const Tensor& squares, const Tensor& propagated) {
  result.tolerance = make_tolerance(result.value);
  const auto out = result.tolerance.span<double>();
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double q2 = squares.span<double>()[i];
    const double own =
        sum_tolerance(static_cast<double>(addends), values(result.value)[i], q2) + relative * std::sqrt(q2);
    out[i] = std::sqrt(own * own + (propagated.empty() ? 0 : propagated.span<double>()[i]));
  }
}

}  // namespace

void upsample2d_forward_tolerance(ForwardToleranceArgs& args, const Upsample2dOptions& options) {
  const Uncertain& x = args.inputs[0];
  Uncertain& y = args.output;
  const auto op = [&](const Tensor& t) {
    Tensor result = make_tolerance(y.value);
    args.exact.upsample2d_forward(options, t.view(), result.view());
    return result;
  };
  if (options.mode == UpsampleMode::nearest) {  // copies
    if (!x.tolerance.empty()) y.tolerance = op(x.tolerance);
    return;
  }
  fill(y, 4, weight_bound, op(squared(x.value)), x.tolerance.empty() ? Tensor{} : op(squared(x.tolerance)));
}

void upsample2d_backward_tolerance(BackwardToleranceArgs& args, const Upsample2dOptions& options) {
  const Uncertain& dy = args.output_gradient;
  Uncertain& dx = args.input_gradients[0];
  if (dx.value.empty()) return;
  const Upsample2dGeometry g = upsample2d_geometry(options, dx.value.shape());
  const bool nearest = options.mode == UpsampleMode::nearest;
  const std::int64_t addends = readers(g, g.H, g.P) * readers(g, g.W, g.Q);
  const auto op = [&](const Tensor& t) {
    Tensor result = make_tolerance(dx.value);
    args.exact.upsample2d_backward(options, t.view(), result.view());
    return result;
  };
  if (nearest && addends == 1) {  // copies and zeros
    if (!dy.tolerance.empty()) dx.tolerance = op(dy.tolerance);
    return;
  }
  fill(dx, addends, nearest ? 0 : weight_bound, op(squared(dy.value)),
       dy.tolerance.empty() ? Tensor{} : op(squared(dy.tolerance)));
}

}  // namespace fovea
