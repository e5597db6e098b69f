// SPDX-License-Identifier: Apache-2.0
#include "core/layers/one_hot.h"

#include <fmt/core.h>

#include "core/support/error.h"
#include "core/tolerance/one_hot.h"

namespace fovea {

void OneHot::describe(FieldVisitor& visitor) const {
  OneHotOptions options = options_;
  fields(visitor, options);
}

Shape OneHot::output_shape(Shapes inputs) const {
  require(inputs[0].rank() == 1, [&] { return fmt::format("expected labels [N], got {}", inputs[0].to_string()); });
  return {inputs[0][0], options_.classes};
}

void OneHot::forward(Ops& ops, const ForwardArgs& args) const {
  ops.one_hot_forward(options_, args.inputs[0], args.output);
}

void OneHot::forward_tolerance(ForwardToleranceArgs& args) const { one_hot_forward_tolerance(args); }

}  // namespace fovea
