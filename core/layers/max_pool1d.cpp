// SPDX-License-Identifier: Apache-2.0
#include "core/layers/max_pool1d.h"

#include "core/layers/max_pool2d.h"

namespace fovea {

void fields(FieldVisitor& visitor, MaxPool1dOptions& options) {
  visitor.field("kernel", options.kernel, Presence::optional, at_least(1));
  visitor.field("stride", options.stride, Presence::optional, at_least(1));
  visitor.field("padding", options.padding, Presence::optional, IntRange{.low = 0, .pair = "[left, right]"});
  visitor.field("ceil_mode", options.ceil_mode, Presence::optional);
}

MaxPool1d::MaxPool1d(MaxPool1dOptions o)
    : SequenceLayer(std::make_shared<MaxPool2d>(MaxPool2dOptions{.kernel = {1, o.kernel},
                                                                 .stride = {1, o.stride},
                                                                 .padding = {0, o.padding.h, 0, o.padding.w},
                                                                 .ceil_mode = o.ceil_mode})),
      options_(o) {}

void MaxPool1d::describe(FieldVisitor& visitor) const {
  MaxPool1dOptions options = options_;
  fields(visitor, options);
}

}  // namespace fovea
