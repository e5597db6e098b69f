// SPDX-License-Identifier: Apache-2.0
#include "core/layers/conv1d.h"

#include "core/layers/conv2d.h"

namespace fovea {

void fields(FieldVisitor& visitor, Conv1dOptions& options) {
  visitor.field("out_channels", options.out_channels, Presence::required, at_least(1));
  visitor.field("kernel", options.kernel, Presence::required, at_least(1));
  visitor.field("stride", options.stride, Presence::optional, at_least(1));
  visitor.field("padding", options.padding, Presence::optional, IntRange{.low = 0, .pair = "[left, right]"});
  visitor.field("dilation", options.dilation, Presence::optional, at_least(1));
  visitor.field("groups", options.groups, Presence::optional, at_least(1));
  visitor.field("bias", options.bias, Presence::optional);
}

Conv1d::Conv1d(Conv1dOptions o)
    : SequenceLayer(std::make_shared<Conv2d>(Conv2dOptions{.out_channels = o.out_channels,
                                                           .kernel = {1, o.kernel},
                                                           .stride = {1, o.stride},
                                                           .padding = {0, o.padding.h, 0, o.padding.w},
                                                           .dilation = {1, o.dilation},
                                                           .groups = o.groups,
                                                           .bias = o.bias})),
      options_(o) {}

void Conv1d::describe(FieldVisitor& visitor) const {
  Conv1dOptions options = options_;
  fields(visitor, options);
}

}  // namespace fovea
