// SPDX-License-Identifier: Apache-2.0
#include "core/layers/crop.h"

#include <fmt/core.h>

#include <algorithm>

#include "core/support/error.h"
#include "core/tolerance/pad.h"

namespace fovea {

void fields(FieldVisitor& visitor, CropOptions& options) {
  Size2 channels{options.front, options.back};
  visitor.field("cut", options.cut, Presence::optional, at_least(0));
  visitor.field("channels", channels, Presence::optional, at_least(0));
  options.front = channels.h, options.back = channels.w;
}

Crop::Crop(CropOptions o)
    : options_(o),
      negative_{.padding = {-o.cut.top, -o.cut.left, -o.cut.bottom, -o.cut.right}, .front = -o.front, .back = -o.back} {
}

void Crop::describe(FieldVisitor& visitor) const {
  CropOptions options = options_;
  fields(visitor, options);
}

Shape Crop::output_shape(Shapes inputs) const {
  const Shape& x = inputs[0];
  const Padding2& cut = options_.cut;
  const std::int64_t front = options_.front, back = options_.back;
  require(x.rank() == 4, [&] { return fmt::format("expected an input [N, C, H, W], got {}", x.to_string()); });
  require(std::min({cut.top, cut.left, cut.bottom, cut.right}) >= 0, [&] {
    return fmt::format("cut: expected at least 0, got [{}, {}, {}, {}]", cut.top, cut.left, cut.bottom, cut.right);
  });
  require(front >= 0 && back >= 0,
          [&] { return fmt::format("channels: expected at least 0, got [{}, {}]", front, back); });
  // Compared one by one: no sum of options can overflow.
  const auto leaves_some = [](std::int64_t extent, std::int64_t before, std::int64_t after) {
    return before < extent && after < extent - before;
  };
  require(leaves_some(x[2], cut.top, cut.bottom) && leaves_some(x[3], cut.left, cut.right), [&] {
    return fmt::format("cut: expected less than the image of {}, got [{}, {}, {}, {}]", x.to_string(), cut.top,
                       cut.left, cut.bottom, cut.right);
  });
  require(leaves_some(x[1], front, back), [&] {
    return fmt::format("channels: expected less than the {} channels of {}, got [{}, {}]", x[1], x.to_string(), front,
                       back);
  });
  return pad_output_shape(negative_, x);
}

void Crop::forward(Ops& ops, const ForwardArgs& args) const { ops.pad_forward(negative_, args.inputs[0], args.output); }

void Crop::backward(Ops& ops, const BackwardArgs& args) const {
  if (args.input_gradients[0]) ops.pad_backward(negative_, args.output_gradient, args.input_gradients[0]);
}

void Crop::forward_tolerance(ForwardToleranceArgs& args) const { pad_forward_tolerance(args, negative_); }
void Crop::backward_tolerance(BackwardToleranceArgs& args) const { pad_backward_tolerance(args, negative_); }

}  // namespace fovea
