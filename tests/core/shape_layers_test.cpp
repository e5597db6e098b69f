// SPDX-License-Identifier: Apache-2.0
//
// The shape rules of the layers that move elements and of those made of other layers' operations.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/layers/avg_pool1d.h"
#include "core/layers/concat.h"
#include "core/layers/conv1d.h"
#include "core/layers/conv_transpose2d.h"
#include "core/layers/crop.h"
#include "core/layers/max_pool1d.h"
#include "core/layers/pad.h"
#include "core/layers/reshape.h"
#include "core/layers/upsample2d.h"
#include "core/support/error.h"

namespace fovea {
namespace {

std::string shape_of(const Layer& layer, const std::vector<Shape>& inputs) {
  try {
    return layer.output_shape(inputs).to_string();
  } catch (const InputError& e) {
    return e.what();
  }
}

using Inputs = std::vector<Shape>;

void expect_says(const Layer& layer, const Inputs& inputs, const std::string& words) {
  const std::string said = shape_of(layer, inputs);
  EXPECT_NE(said.find(words), std::string::npos) << "expected '" << words << "' in: " << said;
}

TEST(ConcatShape, AddsUpOneAxis) {
  EXPECT_EQ(shape_of(Concat(), {{2, 3, 4, 5}, {2, 1, 4, 5}, {2, 7, 4, 5}}), "[2, 11, 4, 5]");
  EXPECT_EQ(shape_of(Concat({.axis = 2}), {{2, 3, 4}, {2, 3, 5}}), "[2, 3, 9]");
  expect_says(Concat(), {{2, 3, 4, 5}, {2, 1, 4, 6}}, "differ along axis 1 only, got [2, 3, 4, 5] and [2, 1, 4, 6]");
  expect_says(Concat(), {{2, 3, 4}, {2, 3}}, "differ along axis 1 only");
  expect_says(Concat({.axis = 2}), {{2, 3}, {2, 3}}, "axis: expected an axis behind the batch of [2, 3], got 2");
  expect_says(Concat({.axis = 0}), {{2, 3}}, "axis: expected");
  expect_says(Concat(), {}, "at least one input");
}

TEST(PadShape, Grows) {
  EXPECT_EQ(shape_of(Pad({.padding = {1, 2, 3, 4}, .front = 5, .back = 6}), {{2, 1, 4, 4}}), "[2, 12, 8, 10]");
  expect_says(Pad({.padding = {0, -1}}), {{2, 1, 4, 4}}, "padding: expected at least 0");
  expect_says(Pad({.back = -1}), {{2, 1, 4, 4}}, "channels: expected at least 0, got [0, -1]");
  expect_says(Pad({}), {{2, 3, 4}}, "expected an input [N, C, H, W], got [2, 3, 4]");
}

TEST(CropShape, Shrinks) {
  EXPECT_EQ(shape_of(Crop({.cut = {1, 2, 3, 4}, .front = 1, .back = 2}), {{2, 4, 5, 7}}), "[2, 1, 1, 1]");
  expect_says(Crop({.cut = {2, 0}}), {{1, 1, 4, 9}}, "cut: expected less than the image of [1, 1, 4, 9]");
  expect_says(Crop({.front = 2, .back = 1}), {{1, 3, 4, 9}}, "channels: expected less than the 3 channels");
  expect_says(Crop({.cut = -1}), {{1, 3, 4, 9}}, "cut: expected at least 0");
  expect_says(Crop({}), {{3, 4}}, "expected an input [N, C, H, W]");
}

TEST(ReshapeShape, KeepsTheBatchAndTheElements) {
  EXPECT_EQ(shape_of(Reshape({{4, 6}}), {{5, 2, 3, 4}}), "[5, 4, 6]");
  EXPECT_EQ(shape_of(Reshape({{-1}}), {{5, 2, 3, 4}}), "[5, 24]");
  EXPECT_EQ(shape_of(Reshape({{2, -1, 3}}), {{5, 24}}), "[5, 2, 4, 3]");
  EXPECT_EQ(shape_of(Reshape({{1, -1}}), {{5}}), "[5, 1, 1]");
  expect_says(Reshape({{5, -1}}), {{5, 24}}, "shape: expected the 24 elements of a sample of [5, 24], got [5, -1]");
  expect_says(Reshape({{4, 5}}), {{5, 24}}, "24 elements");
  expect_says(Reshape({{4, 3}}), {{5, 24}}, "24 elements");
  expect_says(Reshape({{-1, -1}}), {{5, 24}}, "one may be -1");
  expect_says(Reshape({{0, 4}}), {{5, 24}}, "at least 1");
  expect_says(Reshape({{1, 1, 1, 1, 1, 24}}), {{5, 24}}, "1 to 5 extents");
}

TEST(Upsample2dShape, ByScaleOrToASize) {
  EXPECT_EQ(shape_of(Upsample2d({}), {{2, 3, 4, 5}}), "[2, 3, 8, 10]");
  EXPECT_EQ(shape_of(Upsample2d({.scale = {3, 1}}), {{2, 3, 4, 5}}), "[2, 3, 12, 5]");
  EXPECT_EQ(shape_of(Upsample2d({.size = {3, 7}}), {{2, 3, 4, 5}}), "[2, 3, 3, 7]");
  expect_says(Upsample2d({.align_corners = true}), {{2, 3, 4, 5}}, "align_corners: expected false");
  expect_says(Upsample2d({}), {{2, 3, 4}}, "[N, C, H, W]");
  expect_says(Upsample2d({.scale = std::int64_t{1} << 62}), {{1, 1, 4, 4}}, "too large");
}

// PyTorch's rule, with the numbers of its documentation's examples.
TEST(ConvTranspose2dShape, UndoesAConvolution) {
  EXPECT_EQ(shape_of(ConvTranspose2d({.out_channels = 33, .kernel = 3, .stride = 2}), {{20, 16, 50, 100}}),
            "[20, 33, 101, 201]");
  EXPECT_EQ(shape_of(ConvTranspose2d({.out_channels = 33, .kernel = {3, 5}, .stride = {2, 1}, .padding = {4, 2}}),
                     {{20, 16, 50, 100}}),
            "[20, 33, 93, 100]");
  const Shape x{1, 4, 6, 6};
  const ConvTranspose2d grouped({.out_channels = 6, .kernel = {3, 2}, .stride = 2, .output_padding = 1, .groups = 2});
  EXPECT_EQ(grouped.parameters({&x, 1})[0].shape, (Shape{4, 3, 3, 2}));
  EXPECT_EQ(grouped.parameters({&x, 1})[1].shape, (Shape{6}));
  EXPECT_EQ(grouped.macs({&x, 1}), 4 * 36 * 3 * 6);
  // For every output padding the convolution leads back to the input.
  for (std::int64_t extra = 0; extra < 3; ++extra) {
    const ConvTranspose2dOptions o{.out_channels = 2, .kernel = 4, .stride = 3, .output_padding = extra};
    const Shape y = conv_transpose2d_output_shape(o, x);
    EXPECT_EQ(conv2d_output_shape(conv_transpose2d_convolution(o, x), y), x);
  }
}

TEST(ConvTranspose2dShape, EachFaultHasItsMessage) {
  const Inputs x{{1, 4, 6, 6}};
  expect_says(ConvTranspose2d({.out_channels = 1, .stride = 2, .output_padding = 2}), x,
              "output_padding: expected at least 0 and less than the stride [2, 2], got [2, 2]");
  expect_says(ConvTranspose2d({.out_channels = 1, .padding = 3}), x, "padding: [3, 3, 3, 3] takes the whole output");
  expect_says(ConvTranspose2d({.out_channels = 1, .padding = -1}), x, "padding: expected at least 0");
  expect_says(ConvTranspose2d({.out_channels = 4, .groups = 3}), x,
              "groups: expected a divisor of the 4 input channels");
  expect_says(ConvTranspose2d({.out_channels = 3, .groups = 2}), x, "groups: expected a divisor of out_channels = 3");
  expect_says(ConvTranspose2d({.out_channels = 1, .stride = 0}), x, "stride and dilation: expected at least 1");
  expect_says(ConvTranspose2d({}), x, "out_channels, kernel and groups: expected at least 1, got 0");
  expect_says(ConvTranspose2d({.out_channels = 1}), {{4, 6}}, "[N, C, H, W], got [4, 6]");
}

TEST(SequenceShape, IsThatOfAnImageOfOneRow) {
  const Conv1d conv({.out_channels = 6, .kernel = 3, .stride = 2, .padding = {2, 0}, .groups = 2});
  EXPECT_EQ(shape_of(conv, {{5, 4, 9}}), "[5, 6, 5]");
  const Shape x{5, 4, 9};
  EXPECT_EQ(conv.parameters({&x, 1})[0].shape, (Shape{6, 2, 3}));
  EXPECT_EQ(conv.parameters({&x, 1})[0].fan_in, 6);
  EXPECT_EQ(conv.parameters({&x, 1})[1].shape, (Shape{6}));
  EXPECT_EQ(conv.macs({&x, 1}), 5 * 6 * 5 * 2 * 3);
  EXPECT_EQ(conv.op(), "conv2d");
  EXPECT_EQ(shape_of(MaxPool1d({.ceil_mode = true}), {{5, 4, 9}}), "[5, 4, 5]");
  EXPECT_EQ(MaxPool1d({}).saved({&x, 1})[0].shape, (Shape{5, 4, 4}));
  EXPECT_EQ(shape_of(AvgPool1d({.kernel = 3, .padding = {1, 0}}), {{5, 4, 9}}), "[5, 4, 4]");
  expect_says(conv, {{5, 4, 9, 1}}, "expected an input [N, C, L], got [5, 4, 9, 1]");
  expect_says(Conv1d({.out_channels = 1, .kernel = 10}), {{5, 4, 9}}, "larger than the padded input 1x9");
  expect_says(MaxPool1d({.padding = 2}), {{5, 4, 9}}, "padding: expected 0 to half the window 1x2");
}

}  // namespace
}  // namespace fovea
