// SPDX-License-Identifier: Apache-2.0
//
// The convolutions of the built-in nets, scaled down so that the emulator can afford them. They are read from the nets'
// graphs, so those of a new net come by themselves. What is kept is where a kernel's tiles, slices and chunks end:
//
//   kernel, stride, padding, dilation, groups          the net's
//   channels and filters of a group                    1 to 64, the same modulo 64: the ends of the 64x64 tile, of the 16
//                                                      and 32 products of a slice and of the 8 channels of a chunk. Of
//                                                      larger tiles, which the nets take at large batches, all are tails
//   rows and columns behind the last window            as many as in the net
//   outputs                                            3 x 3, or 3 x 5, 3 x 7, ...: as few as leave some output blind to
//                                                      some pixel, as a convolution is no dense product in the net
//   images                                             3 where that is cheap, else 1
//
// Layers that are alike then, but for a bias, are one case.
#pragma once
#include <algorithm>
#include <cctype>
#include <string>
#include <vector>

#include "core/layers/conv2d.h"
#include "core/models/models.h"
#include "tests/ops/conv2d_cases.h"

namespace fovea::test {

struct NetConv2d {
  std::string layer;  // "alexnet-2012 conv1"
  Conv2dOptions options;
  Shape x;  // of one image
};

inline const std::vector<NetConv2d>& convolutions_of_nets() {
  static const std::vector<NetConv2d> convolutions = [] {
    std::vector<NetConv2d> all;
    for (const BuiltinNet& net : builtin_nets()) {
      const Graph graph = net.build(net.sample_shape, net.classes);
      const std::vector<Shape> shapes = graph.shapes(1);
      for (const Node& node : graph.nodes())
        if (const auto* conv = dynamic_cast<const Conv2d*>(node.layer.get()))
          all.push_back({std::string(net.name) + " " + node.name, conv->options(),
                         shapes[static_cast<std::size_t>(node.inputs[0])]});
    }
    return all;
  }();
  return convolutions;
}

inline std::int64_t conv2d_macs(const Conv2dGeometry& g) {
  return g.N * g.K * g.P * g.Q * g.channels_per_group() * g.R * g.S;
}

inline Conv2dCase scaled_down(const NetConv2d& conv) {
  constexpr std::int64_t tile = 64, cheap = 1 << 18, small = 50000;  // of the last two: multiply-adds
  Conv2dCase c{.name = {}, .why = conv.layer, .x = {}, .options = conv.options};
  Conv2dOptions& o = c.options;
  const auto per_group = [&](std::int64_t count) { return 1 + (count / o.groups - 1) % tile; };
  o.out_channels = o.groups * per_group(o.out_channels);
  const std::int64_t channels = o.groups * per_group(conv.x[1]);

  // Pixels along an axis, of at least one of which some output knows nothing where `blind`.
  const auto extent = [](std::int64_t of_net, std::int64_t before, std::int64_t after, std::int64_t window,
                         std::int64_t stride, bool blind) {
    const std::int64_t behind = (of_net + before + after - window) % stride;
    for (std::int64_t outputs = 3;; outputs += 2) {
      const std::int64_t pixels = (outputs - 1) * stride + window - before - after + behind;
      const bool first_sees_all = window - before >= pixels, last_sees_all = (outputs - 1) * stride <= before;
      if (pixels > 0 && !(blind && first_sees_all && last_sees_all)) return pixels;
    }
  };
  const Padding2& pad = o.padding;
  const std::int64_t rows = o.dilation.h * (o.kernel.h - 1) + 1, columns = o.dilation.w * (o.kernel.w - 1) + 1;
  const std::int64_t H = extent(conv.x[2], pad.top, pad.bottom, rows, o.stride.h, false);
  const std::int64_t W = extent(conv.x[3], pad.left, pad.right, columns, o.stride.w, true);
  const std::int64_t macs = conv2d_macs(conv2d_geometry(o, {1, channels, H, W})), images = 3 * macs <= cheap ? 3 : 1;
  c.x = {images, channels, H, W};
  c.small = images * macs <= small;
  // "resnet18 layer2-0-conv1" is Resnet18Layer20Conv1.
  bool start = true;
  for (const char letter : conv.layer) {
    const bool plain = std::isalnum(static_cast<unsigned char>(letter)) != 0;
    if (plain) c.name += start ? static_cast<char>(std::toupper(static_cast<unsigned char>(letter))) : letter;
    start = !plain;
  }
  return c;
}

inline bool same_windows(const Conv2dOptions& a, const Conv2dOptions& b) {
  return a.kernel == b.kernel && a.stride == b.stride && a.padding == b.padding && a.dilation == b.dilation &&
         a.groups == b.groups;
}

inline const std::vector<Conv2dCase>& conv2d_net_cases() {
  static const std::vector<Conv2dCase> cases = [] {
    std::vector<Conv2dCase> all;
    for (const NetConv2d& conv : convolutions_of_nets()) {
      Conv2dCase c = scaled_down(conv);
      const auto known = std::ranges::find_if(all, [&](const Conv2dCase& other) {
        return other.x == c.x && other.options.out_channels == c.options.out_channels &&
               same_windows(other.options, c.options);
      });
      if (known == all.end()) all.push_back(std::move(c));
    }
    return all;
  }();
  return cases;
}

}  // namespace fovea::test
