// SPDX-License-Identifier: Apache-2.0
#include "core/ops/conv2d.h"

#include <fmt/core.h>

#include "core/support/error.h"

namespace fovea {

void fields(FieldVisitor& visitor, Conv2dOptions& options) {
  visitor.field("out_channels", options.out_channels, Presence::required, at_least(1));
  visitor.field("kernel", options.kernel, Presence::required, at_least(1));
  visitor.field("stride", options.stride, Presence::optional, at_least(1));
  visitor.field("padding", options.padding, Presence::optional, at_least(0));
  visitor.field("dilation", options.dilation, Presence::optional, at_least(1));
  visitor.field("groups", options.groups, Presence::optional, at_least(1));
  visitor.field("bias", options.bias, Presence::optional);
}

namespace {
// Output positions along one axis; 0 when the dilated kernel does not fit.
std::int64_t output_extent(std::int64_t in, std::int64_t pad_both, std::int64_t kernel, std::int64_t stride,
                           std::int64_t dilation) {
  const std::int64_t span = dilation * (kernel - 1) + 1;
  return in + pad_both < span ? 0 : (in + pad_both - span) / stride + 1;
}
}  // namespace

Conv2dGeometry conv2d_geometry(const Conv2dOptions& o, const Shape& x) {
  require(x.rank() == 4, [&] { return fmt::format("expected an input [N, C, H, W], got {}", x.to_string()); });
  require(o.out_channels >= 1 && o.kernel.h >= 1 && o.kernel.w >= 1 && o.groups >= 1, [&] {
    return fmt::format("out_channels, kernel and groups: expected at least 1, got {}, [{}, {}] and {}", o.out_channels,
                       o.kernel.h, o.kernel.w, o.groups);
  });
  require(o.stride.h >= 1 && o.stride.w >= 1 && o.dilation.h >= 1 && o.dilation.w >= 1, [&] {
    return fmt::format("stride and dilation: expected at least 1, got [{}, {}] and [{}, {}]", o.stride.h, o.stride.w,
                       o.dilation.h, o.dilation.w);
  });
  require(o.padding.top >= 0 && o.padding.left >= 0 && o.padding.bottom >= 0 && o.padding.right >= 0,
          [] { return std::string("padding: expected at least 0, got a negative number"); });
  require(x[1] >= 1 && x[1] % o.groups == 0,
          [&] { return fmt::format("groups: expected a divisor of the {} input channels, got {}", x[1], o.groups); });
  require(o.out_channels % o.groups == 0, [&] {
    return fmt::format("groups: expected a divisor of out_channels = {}, got {}", o.out_channels, o.groups);
  });
  Conv2dGeometry g{};
  g.N = x[0], g.C = x[1], g.H = x[2], g.W = x[3];
  g.K = o.out_channels, g.R = o.kernel.h, g.S = o.kernel.w;
  g.P = output_extent(g.H, o.padding.top + o.padding.bottom, g.R, o.stride.h, o.dilation.h);
  g.Q = output_extent(g.W, o.padding.left + o.padding.right, g.S, o.stride.w, o.dilation.w);
  g.stride_h = o.stride.h, g.stride_w = o.stride.w;
  g.pad_top = o.padding.top, g.pad_left = o.padding.left;
  g.dilation_h = o.dilation.h, g.dilation_w = o.dilation.w;
  g.groups = o.groups;
  require(g.P >= 1 && g.Q >= 1, [&] {
    return fmt::format("kernel: {}x{} with dilation {}x{} is larger than the padded input {}x{}", g.R, g.S,
                       g.dilation_h, g.dilation_w, g.H + o.padding.top + o.padding.bottom,
                       g.W + o.padding.left + o.padding.right);
  });
  return g;
}

Shape conv2d_output_shape(const Conv2dOptions& options, const Shape& x) {
  const Conv2dGeometry g = conv2d_geometry(options, x);
  return {g.N, g.K, g.P, g.Q};
}

Shape conv2d_filter_shape(const Conv2dOptions& options, const Shape& x) {
  const Conv2dGeometry g = conv2d_geometry(options, x);
  return {g.K, g.channels_per_group(), g.R, g.S};
}

}  // namespace fovea
