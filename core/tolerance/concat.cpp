// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/concat.h"

#include <algorithm>

#include "core/tolerance/bound.h"

namespace fovea {

void concat_forward_tolerance(ForwardToleranceArgs& args, const ConcatOptions& options) {
  const auto exact = [](const Uncertain& x) { return x.tolerance.empty(); };
  if (std::ranges::all_of(args.inputs, exact)) return;
  args.output.tolerance = make_tolerance(args.output.value);
  std::int64_t first = 0;
  for (const Uncertain& x : args.inputs) {
    const Tensor tolerance = exact(x) ? Tensor::zeros(x.value.shape(), DType::f64) : x.tolerance;
    args.exact.concat_forward(options, tolerance.view(), first, args.output.tolerance.view());
    first += x.value.shape()[static_cast<int>(options.axis)];
  }
}

void concat_backward_tolerance(BackwardToleranceArgs& args, const ConcatOptions& options) {
  const Uncertain& dy = args.output_gradient;
  if (dy.tolerance.empty()) return;
  std::int64_t first = 0;
  for (std::size_t i = 0; i < args.inputs.size(); ++i) {
    if (Uncertain& dx = args.input_gradients[i]; !dx.value.empty()) {
      dx.tolerance = make_tolerance(dx.value);
      args.exact.concat_backward(options, dy.tolerance.view(), first, dx.tolerance.view());
    }
    first += args.inputs[i].value.shape()[static_cast<int>(options.axis)];
  }
}

}  // namespace fovea
