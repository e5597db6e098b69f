// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/max_pool2d.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/tolerance/bound.h"

namespace fovea {
namespace {

std::int64_t index_at(const Tensor& index, std::int64_t i) {
  const auto at = static_cast<std::size_t>(i);
  return index.dtype() == DType::u8 ? index.span<std::uint8_t>()[at] : index.span<std::uint16_t>()[at];
}

// Flat index of the input element at place r*S + s of the window of output i; -1 in the padding.
std::int64_t input_at(const Pool2dGeometry& g, std::int64_t i, std::int64_t place) {
  const std::int64_t q = i % g.Q, p = i / g.Q % g.P, plane = i / (g.P * g.Q);
  const std::int64_t h = p * g.stride_h - g.pad_top + place / g.S, w = q * g.stride_w - g.pad_left + place % g.S;
  if (h < 0 || h >= g.H || w < 0 || w >= g.W) return -1;
  return (plane * g.H + h) * g.W + w;
}

// The input elements that may win the window of output i, the winner of the truth first. An exact tie with an equal
// tolerance is decided: equal sums come from equal inputs, which give equal bits, and the first one wins.
void possible_winners(const Pool2dGeometry& g, bool minimum, const Uncertain& x, const Tensor& index, std::int64_t i,
                      std::vector<std::int64_t>& winners) {
  const double sign = minimum ? -1 : 1;
  const auto value = values(x.value);
  const std::int64_t winner = input_at(g, i, index_at(index, i));
  winners.assign(1, winner);
  if (x.tolerance.empty()) return;
  const double best = sign * value[static_cast<std::size_t>(winner)], best_tolerance = tolerance_at(x, winner);
  for (std::int64_t place = 0; place < g.R * g.S; ++place) {
    const std::int64_t other = input_at(g, i, place);
    if (other < 0 || other == winner) continue;
    const double candidate = sign * value[static_cast<std::size_t>(other)], tolerance = tolerance_at(x, other);
    if (candidate == best && tolerance == best_tolerance) continue;
    if (candidate + tolerance >= best - best_tolerance) winners.push_back(other);
  }
}

}  // namespace

void max_pool2d_forward_tolerance(ForwardToleranceArgs& args, const MaxPool2dOptions& options) {
  const Uncertain& x = args.inputs[0];
  args.decisions += args.output.value.elements();
  if (x.tolerance.empty()) return;
  const Pool2dGeometry g = max_pool2d_geometry(options, x.value.shape());
  args.output.tolerance = make_tolerance(args.output.value);
  args.saved[0].tolerance = Tensor::zeros(args.saved[0].value.shape(), DType::f64);
  const auto out = args.output.tolerance.span<double>(), index_tolerance = args.saved[0].tolerance.span<double>();
  std::vector<std::int64_t> winners;
  for (std::size_t i = 0; i < out.size(); ++i) {
    possible_winners(g, options.minimum, x, args.saved[0].value, static_cast<std::int64_t>(i), winners);
    out[i] = 0;
    for (const std::int64_t w : winners) out[i] = std::max(out[i], tolerance_at(x, w));
    if (winners.size() > 1) {
      ++args.undecided;
      index_tolerance[i] = std::numeric_limits<double>::infinity();
    }
  }
}

void max_pool2d_backward_tolerance(BackwardToleranceArgs& args, const MaxPool2dOptions& options) {
  const Uncertain &x = args.inputs[0], &dy = args.output_gradient;
  Uncertain& dx = args.input_gradients[0];
  if (dx.value.empty()) return;
  const Pool2dGeometry g = max_pool2d_geometry(options, x.value.shape());
  const std::int64_t windows =  // that can share an element
      ((g.R + g.stride_h - 1) / g.stride_h) * ((g.S + g.stride_w - 1) / g.stride_w);
  if (windows == 1 && x.tolerance.empty() && dy.tolerance.empty()) return;  // copies of dy

  Tensor squares = Tensor::zeros(dx.value.shape(), DType::f64);  // of the addends
  dx.tolerance = Tensor::zeros(dx.value.shape(), DType::f64);    // its square until the end
  const auto out = dx.tolerance.span<double>();
  std::vector<std::int64_t> winners;
  for (std::int64_t i = 0; i < dy.value.elements(); ++i) {
    possible_winners(g, options.minimum, x, args.saved[0].value, i, winners);
    const double gradient = values(dy.value)[static_cast<std::size_t>(i)], incoming = tolerance_at(dy, i);
    squares.span<double>()[static_cast<std::size_t>(winners[0])] += gradient * gradient;
    const double tolerance = winners.size() > 1 ? std::abs(gradient) + incoming : incoming;
    for (const std::int64_t w : winners) out[static_cast<std::size_t>(w)] += tolerance * tolerance;
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double own =
        windows == 1 ? 0 : sum_tolerance(static_cast<double>(windows), values(dx.value)[i], squares.span<double>()[i]);
    out[i] = std::sqrt(out[i] + own * own);
  }
}

}  // namespace fovea
