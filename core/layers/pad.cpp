// SPDX-License-Identifier: Apache-2.0
#include "core/layers/pad.h"

#include <fmt/core.h>

#include <algorithm>

#include "core/support/error.h"
#include "core/tolerance/pad.h"

namespace fovea {

void Pad::describe(FieldVisitor& visitor) const {
  PadOptions options = options_;
  fields(visitor, options);
}

Shape Pad::output_shape(Shapes inputs) const {
  const Padding2& p = options_.padding;
  require(std::min({p.top, p.left, p.bottom, p.right}) >= 0, [&] {
    return fmt::format("padding: expected at least 0, got [{}, {}, {}, {}] (the layer crop cuts off)", p.top, p.left,
                       p.bottom, p.right);
  });
  require(options_.front >= 0 && options_.back >= 0, [&] {
    return fmt::format("channels: expected at least 0, got [{}, {}] (the layer crop cuts off)", options_.front,
                       options_.back);
  });
  return pad_output_shape(options_, inputs[0]);
}

void Pad::forward(Ops& ops, const ForwardArgs& args) const { ops.pad_forward(options_, args.inputs[0], args.output); }

void Pad::backward(Ops& ops, const BackwardArgs& args) const {
  if (args.input_gradients[0]) ops.pad_backward(options_, args.output_gradient, args.input_gradients[0]);
}

void Pad::forward_tolerance(ForwardToleranceArgs& args) const { pad_forward_tolerance(args, options_); }
void Pad::backward_tolerance(BackwardToleranceArgs& args) const { pad_backward_tolerance(args, options_); }

}  // namespace fovea
