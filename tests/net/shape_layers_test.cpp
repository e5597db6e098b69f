// SPDX-License-Identifier: Apache-2.0
//
// Net files with the layers that move elements and those made of other layers' operations.
#include <gtest/gtest.h>

#include <string>

#include "core/executor/summary.h"
#include "core/graph/net_file.h"
#include "core/layers/conv_transpose2d.h"
#include "core/layers/crop.h"
#include "core/layers/pad.h"
#include "core/layers/upsample2d.h"
#include "core/models/models.h"
#include "core/support/error.h"
#include "cpu_reference/reference_backend.h"

namespace fovea::test {
namespace {

const char* const images = R"(
name = "images"
input = [3, 8, 8]
[[layer]]
name = "frame"
type = "pad"
padding = [1, 0, 2, 1]
channels = [1, 2]
value = -0.5
[[layer]]
name = "cut"
type = "crop"
cut = [1, 0, 2, 1]
channels = 1
inputs = ["frame"]
[[layer]]
name = "up"
type = "conv_transpose2d"
out_channels = 2
kernel = 3
stride = 2
padding = 1
output_padding = 1
[[layer]]
name = "large"
type = "upsample2d"
size = [16, 0]
mode = "bilinear"
align_corners = true
inputs = ["cut"]
[[layer]]
name = "both"
type = "concat"
inputs = ["up", "large", "up"]
[[layer]]
name = "rows"
type = "reshape"
shape = [8, -1]
[[layer]]
name = "conv"
type = "conv1d"
out_channels = 4
kernel = 3
padding = [2, 0]
[[layer]]
name = "max"
type = "max_pool1d"
kernel = 3
[[layer]]
name = "mean"
type = "avg_pool1d"
count_include_pad = false
[[layer]]
name = "fc"
type = "linear"
out_features = 10
)";

template <class L>
const L& layer(const Graph& graph, std::string_view name) {
  return dynamic_cast<const L&>(*graph.node(graph.find(name)).layer);
}

TEST(ShapeLayersInNetFiles, ReadAndWritten) {
  const Graph g = parse_net(images, "images.toml");
  const PadOptions& pad = layer<Pad>(g, "frame").options();
  EXPECT_EQ(pad.padding, Padding2(1, 0, 2, 1));
  EXPECT_EQ(pad.front, 1);
  EXPECT_EQ(pad.back, 2);
  EXPECT_EQ(pad.value, -0.5);
  const CropOptions& crop = layer<Crop>(g, "cut").options();
  EXPECT_EQ(crop.front, 1);
  EXPECT_EQ(crop.back, 1);
  EXPECT_EQ(layer<ConvTranspose2d>(g, "up").options().output_padding, Size2(1));
  EXPECT_EQ(layer<Upsample2d>(g, "large").options().mode, UpsampleMode::bilinear);
  const auto shapes = g.shapes(2);
  const auto shape = [&](std::string_view name) { return shapes[static_cast<std::size_t>(g.find(name))]; };
  EXPECT_EQ(shape("frame"), (Shape{2, 6, 11, 9}));
  EXPECT_EQ(shape("cut"), (Shape{2, 4, 8, 8}));
  EXPECT_EQ(shape("both"), (Shape{2, 8, 16, 16}));
  EXPECT_EQ(shape("rows"), (Shape{2, 8, 256}));
  EXPECT_EQ(shape("mean"), (Shape{2, 4, 63}));

  const std::string text = write_net(g);
  const Graph again = parse_net(text, "written.toml");
  EXPECT_EQ(write_net(again), text);
  EXPECT_EQ(again.shapes(2), shapes);
}

std::string faults(const std::string& input, const std::string& layer) {
  const std::string fc = "[[layer]]\nname = \"fc\"\ntype = \"linear\"\nout_features = 2\n";
  try {
    parse_net("input = " + input + "\n[[layer]]\nname = \"a\"\n" + layer + "\n" + fc, "n.toml");
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

TEST(ShapeLayersInNetFiles, EachFaultAtItsOption) {
  const auto expect = [](const std::string& got, const std::string& words) {
    EXPECT_NE(got.find(words), std::string::npos) << got;
  };
  expect(faults("[3, 8, 8]", "type = \"pad\"\npadding = -1"), "n.toml:5:11: layer 'a': key 'padding'");
  expect(faults("[3, 8, 8]", "type = \"pad\"\nvalue = 1e39"), "key 'value': expected a finite number");
  expect(faults("[3, 8, 8]", "type = \"crop\"\ncut = 4"), "n.toml:5:7: layer 'a': cut: expected less than the image");
  expect(faults("[3, 8, 8]", "type = \"concat\"\naxis = 4"), "axis: expected an axis behind the batch");
  expect(faults("[3, 8, 8]", "type = \"concat\"\naxis = 0"), "key 'axis': expected a whole number from 1 to 5");
  expect(faults("[3, 8, 8]", "type = \"reshape\"\nshape = [5, -1]"), "n.toml:5:9: layer 'a': shape: expected the 192");
  expect(faults("[3, 8, 8]", "type = \"reshape\""), "missing key 'shape'");
  expect(faults("[3, 8, 8]", "type = \"upsample2d\"\nmode = \"cubic\""),
         "key 'mode': expected one of \"nearest\", \"bilinear\"");
  expect(faults("[3, 8, 8]", "type = \"upsample2d\"\nalign_corners = true"), "align_corners: expected false");
  expect(faults("[3, 8, 8]", "type = \"conv1d\"\nout_channels = 2\nkernel = 3"), "expected an input [N, C, L]");
  expect(faults("[3, 8]", "type = \"conv1d\"\nout_channels = 2\nkernel = 9"), "n.toml:6:10: layer 'a': kernel: 1x9");
  expect(faults("[3, 8, 8]", "type = \"conv_transpose2d\"\nout_channels = 2\nkernel = 3\noutput_padding = 1"),
         "n.toml:7:18: layer 'a': output_padding: expected at least 0 and less than the stride");
}

TEST(ShapeLayersInNetFiles, ASequenceHasAReceptiveField) {
  const Graph g = parse_net(R"(
input = [2, 40]
[[layer]]
name = "a"
type = "conv1d"
out_channels = 3
kernel = 5
stride = 2
[[layer]]
name = "b"
type = "max_pool1d"
kernel = 3
[[layer]]
name = "fc"
type = "linear"
out_features = 2
)",
                            "sequence.toml");
  const auto backend = make_reference_backend();
  const NetSummary s = summarise(make_classifier(g), *backend, 1);
  EXPECT_EQ(s.layers[0].receptive_field.w, 5);
  EXPECT_EQ(s.layers[1].receptive_field.w, 9);  // 5 + 2 * 2
  EXPECT_EQ(s.layers[1].receptive_field.h, 1);
  EXPECT_EQ(s.layers[0].macs, 3 * 18 * 2 * 5);
}

}  // namespace
}  // namespace fovea::test
