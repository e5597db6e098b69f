// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/pad.h"

#include "core/tolerance/bound.h"

namespace fovea {

void pad_forward_tolerance(ForwardToleranceArgs& args, const PadOptions& options) {
  const Uncertain& x = args.inputs[0];
  if (x.tolerance.empty()) return;
  PadOptions certain = options;
  certain.value = 0;  // the tolerance of the frame
  args.output.tolerance = make_tolerance(args.output.value);
  args.exact.pad_forward(certain, x.tolerance.view(), args.output.tolerance.view());
}

void pad_backward_tolerance(BackwardToleranceArgs& args, const PadOptions& options) {
  const Uncertain& dy = args.output_gradient;
  Uncertain& dx = args.input_gradients[0];
  if (dx.value.empty() || dy.tolerance.empty()) return;
  dx.tolerance = make_tolerance(dx.value);
  args.exact.pad_backward(options, dy.tolerance.view(), dx.tolerance.view());
}

}  // namespace fovea
