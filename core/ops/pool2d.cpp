// SPDX-License-Identifier: Apache-2.0
#include "core/ops/pool2d.h"

#include <fmt/core.h>

#include "core/support/error.h"

namespace fovea {
namespace {

std::int64_t output_extent(std::int64_t in, std::int64_t pad_before, std::int64_t pad_after, std::int64_t kernel,
                           std::int64_t stride, bool ceil_mode) {
  const std::int64_t room = in + pad_before + pad_after - kernel;
  if (room < 0) return 0;
  std::int64_t out = (room + (ceil_mode ? stride - 1 : 0)) / stride + 1;
  if (ceil_mode && (out - 1) * stride >= in + pad_before) --out;
  return out;
}

}  // namespace

Pool2dGeometry pool2d_geometry(Size2 kernel, Size2 stride, Padding2 padding, bool ceil_mode, const Shape& x) {
  require(x.rank() == 4, [&] { return fmt::format("expected an input [N, C, H, W], got {}", x.to_string()); });
  require(x[2] >= 1 && x[3] >= 1,
          [&] { return fmt::format("expected an image of at least one pixel, got {}", x.to_string()); });
  require(kernel.h >= 1 && kernel.w >= 1 && stride.h >= 1 && stride.w >= 1, [&] {
    return fmt::format("kernel and stride: expected at least 1, got [{}, {}] and [{}, {}]", kernel.h, kernel.w,
                       stride.h, stride.w);
  });
  const auto allowed = [](std::int64_t pad, std::int64_t window) { return pad >= 0 && pad <= window / 2; };
  require(allowed(padding.top, kernel.h) && allowed(padding.bottom, kernel.h) && allowed(padding.left, kernel.w) &&
              allowed(padding.right, kernel.w),
          [&] {
            return fmt::format("padding: expected 0 to half the window {}x{}, got [{}, {}, {}, {}]", kernel.h, kernel.w,
                               padding.top, padding.left, padding.bottom, padding.right);
          });
  Pool2dGeometry g{};
  g.N = x[0], g.C = x[1], g.H = x[2], g.W = x[3];
  g.R = kernel.h, g.S = kernel.w;
  g.P = output_extent(g.H, padding.top, padding.bottom, g.R, stride.h, ceil_mode);
  g.Q = output_extent(g.W, padding.left, padding.right, g.S, stride.w, ceil_mode);
  g.stride_h = stride.h, g.stride_w = stride.w;
  g.pad_top = padding.top, g.pad_left = padding.left;
  g.pad_bottom = padding.bottom, g.pad_right = padding.right;
  require(g.P >= 1 && g.Q >= 1, [&] {
    return fmt::format("kernel: the window {}x{} is larger than the padded input {}x{}", g.R, g.S,
                       g.H + padding.top + padding.bottom, g.W + padding.left + padding.right);
  });
  return g;
}

}  // namespace fovea
