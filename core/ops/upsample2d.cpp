// SPDX-License-Identifier: Apache-2.0
#include "core/ops/upsample2d.h"

#include <fmt/core.h>

#include <limits>

#include "core/support/error.h"

namespace fovea {

void fields(FieldVisitor& visitor, Upsample2dOptions& options) {
  static constexpr std::array<std::pair<UpsampleMode, std::string_view>, 2> modes{
      {{UpsampleMode::nearest, "nearest"}, {UpsampleMode::bilinear, "bilinear"}}};
  visitor.field("scale", options.scale, Presence::optional, at_least(1));
  visitor.field("size", options.size, Presence::optional, at_least(0));
  field(visitor, "mode", options.mode, Presence::optional, modes);
  visitor.field("align_corners", options.align_corners, Presence::optional);
}

Upsample2dGeometry upsample2d_geometry(const Upsample2dOptions& o, const Shape& x) {
  require(x.rank() == 4, [&] { return fmt::format("expected an input [N, C, H, W], got {}", x.to_string()); });
  require(x[2] >= 1 && x[3] >= 1,
          [&] { return fmt::format("expected an image of at least one pixel, got {}", x.to_string()); });
  require(o.mode == UpsampleMode::bilinear || !o.align_corners, [] {
    return std::string("align_corners: expected false with mode = \"nearest\", got true (it belongs to bilinear)");
  });
  const auto extent = [](const char* axis, std::int64_t in, std::int64_t scale, std::int64_t size) {
    require(size >= 0, [&] { return fmt::format("size: expected a {} of at least 1, got {}", axis, size); });
    if (size > 0) return size;
    require(scale >= 1, [&] { return fmt::format("scale: expected at least 1, got {}", scale); });
    require(scale <= std::numeric_limits<std::int64_t>::max() / in,
            [&] { return fmt::format("scale: {} times a {} of {} is too large", scale, axis, in); });
    return in * scale;
  };
  Upsample2dGeometry g{};
  g.N = x[0], g.C = x[1], g.H = x[2], g.W = x[3];
  g.P = extent("height", g.H, o.scale.h, o.size.h);
  g.Q = extent("width", g.W, o.scale.w, o.size.w);
  g.mode = o.mode, g.align_corners = o.align_corners;
  return g;
}

Shape upsample2d_output_shape(const Upsample2dOptions& options, const Shape& x) {
  const Upsample2dGeometry g = upsample2d_geometry(options, x);
  return {g.N, g.C, g.P, g.Q};
}

}  // namespace fovea
