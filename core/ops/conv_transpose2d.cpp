// SPDX-License-Identifier: Apache-2.0
#include "core/ops/conv_transpose2d.h"

#include <fmt/core.h>

#include <algorithm>

#include "core/support/error.h"

namespace fovea {
namespace {

void require_options(const ConvTranspose2dOptions& o) {
  require(o.out_channels >= 1 && o.kernel.h >= 1 && o.kernel.w >= 1 && o.groups >= 1, [&] {
    return fmt::format("out_channels, kernel and groups: expected at least 1, got {}, [{}, {}] and {}", o.out_channels,
                       o.kernel.h, o.kernel.w, o.groups);
  });
  require(o.stride.h >= 1 && o.stride.w >= 1 && o.dilation.h >= 1 && o.dilation.w >= 1, [&] {
    return fmt::format("stride and dilation: expected at least 1, got [{}, {}] and [{}, {}]", o.stride.h, o.stride.w,
                       o.dilation.h, o.dilation.w);
  });
  require(std::min({o.padding.top, o.padding.left, o.padding.bottom, o.padding.right}) >= 0,
          [] { return std::string("padding: expected at least 0, got a negative number"); });
  const auto less = [](std::int64_t extra, std::int64_t stride) { return extra >= 0 && extra < stride; };
  require(less(o.output_padding.h, o.stride.h) && less(o.output_padding.w, o.stride.w), [&] {
    return fmt::format("output_padding: expected at least 0 and less than the stride [{}, {}], got [{}, {}]",
                       o.stride.h, o.stride.w, o.output_padding.h, o.output_padding.w);
  });
}

}  // namespace

void fields(FieldVisitor& visitor, ConvTranspose2dOptions& options) {
  visitor.field("out_channels", options.out_channels, Presence::required, at_least(1));
  visitor.field("kernel", options.kernel, Presence::required, at_least(1));
  visitor.field("stride", options.stride, Presence::optional, at_least(1));
  visitor.field("padding", options.padding, Presence::optional, at_least(0));
  visitor.field("output_padding", options.output_padding, Presence::optional, at_least(0));
  visitor.field("dilation", options.dilation, Presence::optional, at_least(1));
  visitor.field("groups", options.groups, Presence::optional, at_least(1));
  visitor.field("bias", options.bias, Presence::optional);
}

Shape conv_transpose2d_output_shape(const ConvTranspose2dOptions& o, const Shape& x) {
  require(x.rank() == 4, [&] { return fmt::format("expected an input [N, C, H, W], got {}", x.to_string()); });
  require(x[2] >= 1 && x[3] >= 1,
          [&] { return fmt::format("expected an image of at least one pixel, got {}", x.to_string()); });
  require_options(o);
  require(x[1] >= 1 && x[1] % o.groups == 0,
          [&] { return fmt::format("groups: expected a divisor of the {} input channels, got {}", x[1], o.groups); });
  require(o.out_channels % o.groups == 0, [&] {
    return fmt::format("groups: expected a divisor of out_channels = {}, got {}", o.out_channels, o.groups);
  });
  const std::int64_t P = (x[2] - 1) * o.stride.h - o.padding.top - o.padding.bottom + o.dilation.h * (o.kernel.h - 1) +
                         o.output_padding.h + 1;
  const std::int64_t Q = (x[3] - 1) * o.stride.w - o.padding.left - o.padding.right + o.dilation.w * (o.kernel.w - 1) +
                         o.output_padding.w + 1;
  require(P >= 1 && Q >= 1, [&] {
    return fmt::format("padding: [{}, {}, {}, {}] takes the whole output: {}x{} are left", o.padding.top,
                       o.padding.left, o.padding.bottom, o.padding.right, P, Q);
  });
  return {x[0], o.out_channels, P, Q};
}

Conv2dOptions conv_transpose2d_convolution(const ConvTranspose2dOptions& o, const Shape& x) {
  return {.out_channels = x[1],
          .kernel = o.kernel,
          .stride = o.stride,
          .padding = o.padding,
          .dilation = o.dilation,
          .groups = o.groups,
          .bias = false};
}

}  // namespace fovea
