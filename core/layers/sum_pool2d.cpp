// SPDX-License-Identifier: Apache-2.0
#include "core/layers/sum_pool2d.h"

namespace fovea {

void fields(FieldVisitor& visitor, SumPool2dOptions& options) {
  visitor.field("kernel", options.kernel, Presence::optional, at_least(1));
  visitor.field("stride", options.stride, Presence::optional, at_least(1));
  visitor.field("padding", options.padding, Presence::optional, at_least(0));
  visitor.field("ceil_mode", options.ceil_mode, Presence::optional);
}

void SumPool2d::describe(FieldVisitor& visitor) const {
  const AvgPool2dOptions& o = AvgPool2d::options();
  SumPool2dOptions options{.kernel = o.kernel, .stride = o.stride, .padding = o.padding, .ceil_mode = o.ceil_mode};
  fields(visitor, options);
}

}  // namespace fovea
