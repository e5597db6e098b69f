// SPDX-License-Identifier: Apache-2.0
//
// Why convolutions: how many weights they need, and how many the same connections need without sharing.
#include <gtest/gtest.h>

#include "tests/reference/reference_ops.h"

namespace fovea::reference_test {
namespace {

std::int64_t weights(const Conv2dOptions& options, const Shape& x) {
  return conv2d_filter_shape(options, x).elements();
}
std::int64_t weights(const LinearOptions& options, const Shape& x) {
  return linear_weight_shape(options, x).elements();
}

TEST(ParameterCount, FFD1PerFilterAndOneBias) {
  const std::int64_t F = 5, D1 = 3, K = 6;
  const Conv2dOptions options{.out_channels = K, .kernel = F};
  EXPECT_EQ(weights(options, {1, D1, 32, 32}), F * F * D1 * K);
  EXPECT_EQ(weights(options, {1, D1, 32, 32}) + K, 456);
  EXPECT_EQ(weights(options, {1, D1, 320, 200}), 450);  // the image's size does not matter
}

TEST(ParameterCount, SharedLocalAndDense) {
  const Shape x{1, 3, 32, 32};
  const Conv2dOptions options{.out_channels = 6, .kernel = 5};
  const Shape y = conv2d_output_shape(options, x);
  const std::int64_t neurons = y.elements(), shared = weights(options, x);
  EXPECT_EQ(shared, 450);
  EXPECT_EQ(neurons * 5 * 5 * 3, 352800);                                   // connected locally, nothing shared
  EXPECT_EQ(weights(LinearOptions{.out_features = neurons}, x), 14450688);  // connected to everything
}

// All neurons of one map share weights: where an image goes, its activations go.
TEST(ParameterSharing, AShiftedImageGivesShiftedMaps) {
  const Tensor patch = integers({1, 1, 3, 3}, 1), filter = integers({1, 1, 3, 3}, 2);
  const auto response = [&](std::size_t h, std::size_t w) {
    Tensor image = constant({1, 1, 9, 9}, 0);
    for (std::size_t i = 0; i < 9; ++i) image.span<double>()[(h + i / 3) * 9 + w + i % 3] = patch.span<double>()[i];
    return elements(conv2d({.out_channels = 1, .kernel = 3, .padding = 1}, image, filter));
  };
  const std::vector<double> here = response(1, 1), there = response(3, 4);
  for (std::size_t p = 0; p < 7 - 2; ++p)
    for (std::size_t q = 0; q < 6 - 1; ++q) EXPECT_EQ(here[p * 9 + q], there[(p + 2) * 9 + q + 3]);
}

// A neuron sees its window only: local connectivity.
TEST(LocalConnectivity, OnlyTheWindowMatters) {
  const Conv2dOptions options{.out_channels = 1, .kernel = 3};
  const Tensor filter = constant({1, 1, 3, 3}, 1);
  for (std::size_t pixel = 0; pixel < 49; ++pixel) {
    Tensor image = constant({1, 1, 7, 7}, 0);
    image.span<double>()[pixel] = 1;
    const bool in_window = pixel / 7 >= 1 && pixel / 7 < 4 && pixel % 7 >= 2 && pixel % 7 < 5;
    EXPECT_EQ(elements(conv2d(options, image, filter))[1 * 5 + 2], in_window ? 1 : 0) << pixel;
  }
}

// A 100x100 grey image, three layers of 100 maps of 5x5 filters, each followed by 2x2 subsampling, 10 classes: about
// 650 thousand weights, against about a million for three dense layers of 100 neurons.
TEST(ParameterCount, ConvolutionalAgainstDense) {
  const Conv2dOptions convolution{.out_channels = 100, .kernel = 5, .padding = 2};
  Shape shape{1, 1, 100, 100};
  std::int64_t convolutional = 0;
  for (int layer = 0; layer < 3; ++layer) {
    convolutional += weights(convolution, shape);
    shape = max_pool2d_output_shape({.kernel = 2, .stride = 2}, conv2d_output_shape(convolution, shape));
  }
  EXPECT_EQ(shape, Shape({1, 100, 12, 12}));
  convolutional += weights(LinearOptions{.out_features = 10}, shape);
  EXPECT_EQ(convolutional, 5 * 5 * 1 * 100 + 5 * 5 * 100 * 100 + 5 * 5 * 100 * 100 + 12 * 12 * 100 * 10);
  EXPECT_EQ(convolutional, 646500);

  Shape dense_shape{1, 10000};
  std::int64_t dense = 0;
  for (const std::int64_t neurons : {100, 100, 100, 10}) {
    dense += weights(LinearOptions{.out_features = neurons}, dense_shape);
    dense_shape = linear_output_shape({.out_features = neurons}, dense_shape);
  }
  EXPECT_EQ(dense, 1021000);
}

}  // namespace
}  // namespace fovea::reference_test
