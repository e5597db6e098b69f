// SPDX-License-Identifier: Apache-2.0
//
// The shape rules of the operations, with numbers worked by hand.
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "core/ops/adaptive_pool2d.h"
#include "core/ops/avg_pool2d.h"
#include "core/ops/batch_norm.h"
#include "core/ops/conv2d.h"
#include "core/ops/linear.h"
#include "core/ops/lrn.h"
#include "core/ops/max_pool2d.h"
#include "core/support/error.h"

namespace fovea {
namespace {

std::string message_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const InputError& e) {
    return e.what();
  }
  return "";
}

TEST(Conv2dShape, LectureNotes) {
  // 6 filters 5x5x3 on 32x32x3 give 28x28x6; then 10 filters 5x5x6 give 24x24x10.
  EXPECT_EQ(conv2d_output_shape({.out_channels = 6, .kernel = 5}, {1, 3, 32, 32}), (Shape{1, 6, 28, 28}));
  EXPECT_EQ(conv2d_output_shape({.out_channels = 10, .kernel = 5}, {1, 6, 28, 28}), (Shape{1, 10, 24, 24}));
  // Image 5, kernel 3, padding 1, stride 2 -> 3.
  EXPECT_EQ(conv2d_output_shape({.out_channels = 1, .kernel = 3, .stride = 2, .padding = 1}, {1, 1, 5, 5}),
            (Shape{1, 1, 3, 3}));
}

TEST(Conv2dShape, DilationGroupsAndUnevenPadding) {
  const Conv2dOptions o{
      .out_channels = 8, .kernel = {3, 2}, .stride = {2, 1}, .padding = {1, 0, 2, 3}, .dilation = {2, 3}, .groups = 2};
  const Conv2dGeometry g = conv2d_geometry(o, {4, 6, 9, 7});
  EXPECT_EQ(g.P, (9 + 1 + 2 - 5) / 2 + 1);
  EXPECT_EQ(g.Q, (7 + 0 + 3 - 4) / 1 + 1);
  EXPECT_EQ(conv2d_filter_shape(o, {4, 6, 9, 7}), (Shape{8, 3, 3, 2}));
}

TEST(Conv2dShape, EachFaultHasItsMessage) {
  const Shape x{1, 3, 8, 8};
  const auto message = [&](const Conv2dOptions& o) { return message_of([&] { conv2d_geometry(o, x); }); };
  EXPECT_NE(message({.out_channels = 1, .kernel = 9}).find("larger than the padded input 8x8"), std::string::npos);
  EXPECT_EQ(message({.out_channels = 1, .kernel = 8}), "");
  EXPECT_NE(message({.out_channels = 4, .kernel = 1, .groups = 2}).find("divisor of the 3 input channels"),
            std::string::npos);
  EXPECT_NE(message({.out_channels = 4, .kernel = 1, .groups = 3}).find("divisor of out_channels = 4"),
            std::string::npos);
  EXPECT_NE(message({.out_channels = 1, .kernel = 1, .stride = 0}).find("stride"), std::string::npos);
  EXPECT_NE(message({.out_channels = 1, .kernel = 1, .padding = -1}).find("padding"), std::string::npos);
  EXPECT_NE(message({.out_channels = 0, .kernel = 1}).find("out_channels"), std::string::npos);
  EXPECT_NE(message_of([] { conv2d_geometry({.out_channels = 1}, {3, 8}); }).find("[3, 8]"), std::string::npos);
}

TEST(Pool2dShape, FloorAndCeil) {
  const Shape x{1, 1, 7, 8};
  EXPECT_EQ(max_pool2d_output_shape({.kernel = 2, .stride = 2}, x), (Shape{1, 1, 3, 4}));
  EXPECT_EQ(max_pool2d_output_shape({.kernel = 2, .stride = 2, .ceil_mode = true}, x), (Shape{1, 1, 4, 4}));
  // AlexNet's overlapping pooling: 55 -> 27.
  EXPECT_EQ(max_pool2d_output_shape({.kernel = 3, .stride = 2}, {1, 1, 55, 55}), (Shape{1, 1, 27, 27}));
  // ceil((5 + 2 - 2) / 3) + 1 = 3, but the third window would start at 6 - 1 = 5, beyond the input: dropped.
  EXPECT_EQ(avg_pool2d_output_shape({.kernel = 2, .stride = 3, .padding = 1, .ceil_mode = true}, {1, 1, 5, 5}),
            (Shape{1, 1, 2, 2}));
}

TEST(Pool2dShape, EachFaultHasItsMessage) {
  const Shape x{1, 1, 4, 4};
  EXPECT_NE(message_of([&] { max_pool2d_geometry({.kernel = 5}, x); }).find("larger than the padded input"),
            std::string::npos);
  EXPECT_NE(message_of([&] { max_pool2d_geometry({.kernel = 3, .padding = 2}, x); }).find("half the window"),
            std::string::npos);
  EXPECT_NE(message_of([&] { avg_pool2d_geometry({.kernel = 2, .stride = 0}, x); }).find("stride"), std::string::npos);
}

TEST(MaxPool2dIndex, TwoBytesAbove256Elements) {
  EXPECT_EQ(max_pool2d_index_dtype({.kernel = 16}), DType::u8);
  EXPECT_EQ(max_pool2d_index_dtype({.kernel = {16, 17}}), DType::u16);
  EXPECT_THROW(max_pool2d_index_dtype({.kernel = 257}), InputError);
}

TEST(LinearShape, ReadsAnyTensorAsRows) {
  EXPECT_EQ(linear_output_shape({.out_features = 10}, {64, 16, 5, 5}), (Shape{64, 10}));
  EXPECT_EQ(linear_weight_shape({.out_features = 10}, {64, 16, 5, 5}), (Shape{10, 400}));
  EXPECT_THROW(linear_output_shape({.out_features = 10}, {64}), InputError);
}

TEST(AdaptivePool2dShape, OutputSize) {
  EXPECT_EQ(adaptive_pool2d_output_shape({.output_size = {2, 7}}, {3, 4, 5, 6}), (Shape{3, 4, 2, 7}));
  EXPECT_NE(message_of([] { adaptive_pool2d_geometry({}, {3, 4, 5}); }).find("[3, 4, 5]"), std::string::npos);
  EXPECT_NE(message_of([] {
              adaptive_pool2d_geometry({.output_size = 0}, {1, 1, 2, 2});
            }).find("output_size"),
            std::string::npos);
}

TEST(LrnShape, NeighboursAndScale) {
  const Shape x{1, 4, 5, 6};
  // An even size: one more channel before, as torch pads; within a channel one more pixel after, as Caffe does.
  LrnGeometry g = lrn_geometry({.size = 4, .alpha = 8}, x);
  EXPECT_EQ(g.before, 2);
  EXPECT_EQ(g.after, 1);
  EXPECT_EQ(g.a, 2);
  g = lrn_geometry({.size = 4, .alpha = 8, .region = LrnRegion::within}, x);
  EXPECT_EQ(g.before, 1);
  EXPECT_EQ(g.after, 2);
  EXPECT_EQ(g.a, 0.5f);
  EXPECT_EQ(lrn_geometry({.size = 4, .alpha = 8, .divide_by_size = false}, x).a, 8);
  EXPECT_NE(message_of([&] { lrn_geometry({.k = 1e-60}, x); }).find("k: expected a number above 0"), std::string::npos);
  EXPECT_NE(message_of([] { lrn_geometry({}, {4, 5}); }).find("[4, 5]"), std::string::npos);
}

TEST(BatchNormShape, ValuesPerChannel) {
  EXPECT_EQ(batch_norm_geometry({}, {5, 4}).values(), 5);
  EXPECT_EQ(batch_norm_geometry({}, {5, 4, 3, 2}).values(), 30);
  EXPECT_EQ(message_of([] { require_batch_statistics(batch_norm_geometry({}, {1, 4, 2})); }), "");
  EXPECT_NE(message_of([] {
              require_batch_statistics(batch_norm_geometry({}, {1, 4, 1}));
            }).find("more than one value"),
            std::string::npos);
  EXPECT_NE(message_of([] { batch_norm_geometry({.epsilon = 1e-60}, {5, 4}); }).find("epsilon"), std::string::npos);
}

}  // namespace
}  // namespace fovea
