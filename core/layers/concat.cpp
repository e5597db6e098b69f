// SPDX-License-Identifier: Apache-2.0
#include "core/layers/concat.h"

#include "core/tolerance/concat.h"

namespace fovea {

void Concat::describe(FieldVisitor& visitor) const {
  ConcatOptions options = options_;
  fields(visitor, options);
}

void Concat::forward(Ops& ops, const ForwardArgs& args) const {
  std::int64_t first = 0;
  for (const ConstView& x : args.inputs) {
    ops.concat_forward(options_, x, first, args.output);
    first += x.shape[static_cast<int>(options_.axis)];
  }
}

void Concat::backward(Ops& ops, const BackwardArgs& args) const {
  std::int64_t first = 0;
  for (std::size_t i = 0; i < args.inputs.size(); ++i) {
    if (args.input_gradients[i]) ops.concat_backward(options_, args.output_gradient, first, args.input_gradients[i]);
    first += args.inputs[i].shape[static_cast<int>(options_.axis)];
  }
}

void Concat::forward_tolerance(ForwardToleranceArgs& args) const { concat_forward_tolerance(args, options_); }
void Concat::backward_tolerance(BackwardToleranceArgs& args) const { concat_backward_tolerance(args, options_); }

}  // namespace fovea
