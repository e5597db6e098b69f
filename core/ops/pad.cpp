// SPDX-License-Identifier: Apache-2.0
#include "core/ops/pad.h"

#include <fmt/core.h>

#include <limits>

#include "core/support/error.h"

namespace fovea {

void fields(FieldVisitor& visitor, PadOptions& options) {
  constexpr double largest = std::numeric_limits<float>::max();
  Size2 channels{options.front, options.back};
  visitor.field("padding", options.padding, Presence::optional, at_least(0));
  visitor.field("channels", channels, Presence::optional, at_least(0));
  visitor.field("value", options.value, Presence::optional, {.low = -largest, .high = largest});
  options.front = channels.h, options.back = channels.w;
}

PadGeometry pad_geometry(const PadOptions& o, const Shape& x) {
  require(x.rank() == 4, [&] { return fmt::format("expected an input [N, C, H, W], got {}", x.to_string()); });
  // Extents fit in 63 bits and options in 32, but sums of the two need care.
  constexpr std::int64_t largest = std::numeric_limits<std::int32_t>::max();
  for (const std::int64_t frame : {o.padding.top, o.padding.left, o.padding.bottom, o.padding.right, o.front, o.back}) {
    require(frame >= -largest && frame <= largest,
            [&] { return fmt::format("padding: expected {} to {}, got {}", -largest, largest, frame); });
  }
  PadGeometry g{};
  g.N = x[0], g.C = x[1], g.H = x[2], g.W = x[3];
  const auto extent = [](std::int64_t before, std::int64_t in, std::int64_t after) {
    // A side cut off beyond the other end leaves nothing, whatever is added there.
    return before <= -in || after <= -in ? 0 : before + in + after;
  };
  g.channels = extent(o.front, g.C, o.back);
  g.rows = extent(o.padding.top, g.H, o.padding.bottom);
  g.columns = extent(o.padding.left, g.W, o.padding.right);
  g.front = o.front, g.top = o.padding.top, g.left = o.padding.left;
  require(g.channels >= 1 && g.rows >= 1 && g.columns >= 1, [&] {
    return fmt::format(
        "expected something of {} to be left, got a frame of [{}, {}, {}, {}] and [{}, {}] channels around it",
        x.to_string(), o.padding.top, o.padding.left, o.padding.bottom, o.padding.right, o.front, o.back);
  });
  return g;
}

Shape pad_output_shape(const PadOptions& options, const Shape& x) {
  const PadGeometry g = pad_geometry(options, x);
  return {g.N, g.channels, g.rows, g.columns};
}

}  // namespace fovea
