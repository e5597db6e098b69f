// SPDX-License-Identifier: Apache-2.0
#include "core/layers/avg_pool1d.h"

#include "core/layers/avg_pool2d.h"

namespace fovea {

void fields(FieldVisitor& visitor, AvgPool1dOptions& options) {
  visitor.field("kernel", options.kernel, Presence::optional, at_least(1));
  visitor.field("stride", options.stride, Presence::optional, at_least(1));
  visitor.field("padding", options.padding, Presence::optional, IntRange{.low = 0, .pair = "[left, right]"});
  visitor.field("ceil_mode", options.ceil_mode, Presence::optional);
  visitor.field("count_include_pad", options.count_include_pad, Presence::optional);
}

AvgPool1d::AvgPool1d(AvgPool1dOptions o)
    : SequenceLayer(std::make_shared<AvgPool2d>(AvgPool2dOptions{.kernel = {1, o.kernel},
                                                                 .stride = {1, o.stride},
                                                                 .padding = {0, o.padding.h, 0, o.padding.w},
                                                                 .ceil_mode = o.ceil_mode,
                                                                 .count_include_pad = o.count_include_pad})),
      options_(o) {}

void AvgPool1d::describe(FieldVisitor& visitor) const {
  AvgPool1dOptions options = options_;
  fields(visitor, options);
}

}  // namespace fovea
