// SPDX-License-Identifier: Apache-2.0
//
// The worked examples of the introductory CNN notes (CS231n lecture 5 and its relatives), with their very numbers.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/reference/reference_ops.h"

namespace fovea::reference_test {
namespace {

using Values = std::vector<double>;

const Tensor notes_image = doubles({1, 1, 5, 5}, {1, 1, 1, 0, 0,  //
                                                  0, 1, 1, 1, 0,  //
                                                  0, 0, 1, 1, 1,  //
                                                  0, 0, 1, 1, 0,  //
                                                  0, 1, 1, 0, 0});
const Tensor notes_filter = doubles({1, 1, 3, 3}, {1, 0, 1,  //
                                                   0, 1, 0,  //
                                                   1, 0, 1});

// The filter turned by 180 degrees.
Tensor flipped(const Tensor& filter) {
  Tensor turned = filter.to(host_memory());
  std::ranges::reverse(turned.span<double>());
  return turned;
}

TEST(SlidingDotProduct, FiveByFiveImage) {
  const Conv2dOptions options{.out_channels = 1, .kernel = 3};
  const Values expected{4, 3, 4,  //
                        2, 4, 3,  //
                        2, 3, 4};
  EXPECT_EQ(elements(conv2d(options, notes_image, notes_filter)), expected);
  EXPECT_EQ(elements(conv2d(options, notes_image.converted(DType::f32), notes_filter.converted(DType::f32))), expected);
  // Seeded fault: one filter element too many.
  const Tensor other = doubles({1, 1, 3, 3}, {1, 0, 1, 0, 1, 0, 1, 1, 1});
  EXPECT_NE(elements(conv2d(options, notes_image, other)), expected);
}

TEST(SlidingDotProduct, FilterIsNotFlipped) {
  const Tensor patch = doubles({1, 1, 3, 3}, {1, 1, 2, 2, 2, 1, 1, 5, 0});
  const Tensor filter = doubles({1, 1, 3, 3}, {2, 3, 0, 0, 1, 3, 3, 0, 3});
  const Conv2dOptions options{.out_channels = 1, .kernel = 3};
  EXPECT_EQ(elements(conv2d(options, patch, filter)), Values{13});
  EXPECT_EQ(elements(conv2d(options, patch, flipped(filter))), Values{32});  // what mathematics calls convolution
}

TEST(SlidingDotProduct, FilterSpansTheFullDepth) {
  const Tensor image = constant({1, 3, 32, 32}, 1);
  const Tensor y = conv2d({.out_channels = 1, .kernel = 5}, image, constant({1, 3, 5, 5}, 1));
  EXPECT_EQ(y.shape(), Shape({1, 1, 28, 28}));
  EXPECT_EQ(elements(y), Values(28 * 28, 75));  // one number per position: a 75-dimensional dot product
}

TEST(OutputSize, WhyTheNextLayerIs24x24x10) {
  const Shape image{1, 3, 32, 32};
  const Conv2dOptions first{.out_channels = 6, .kernel = 5}, second{.out_channels = 10, .kernel = 5};
  const Shape maps = conv2d_output_shape(first, image);
  EXPECT_EQ(maps, Shape({1, 6, 28, 28}));
  EXPECT_EQ(conv2d_filter_shape(second, maps), Shape({10, 6, 5, 5}));
  EXPECT_EQ(conv2d_output_shape(second, maps), Shape({1, 10, 24, 24}));
  const Tensor y =
      conv2d(second, conv2d(first, constant(image, 1), constant({6, 3, 5, 5}, 1)), constant({10, 6, 5, 5}, 1));
  EXPECT_EQ(elements(y), Values(24 * 24 * 10, 75 * 150));
}

TEST(OutputSize, Formula) {
  struct Case {
    std::int64_t W, F, P, S, expected;
  };
  for (const Case& c : {Case{5, 3, 1, 2, 3}, Case{7, 3, 0, 1, 5}, Case{7, 3, 0, 2, 3}, Case{7, 3, 1, 1, 7},
                        Case{32, 5, 0, 1, 28}, Case{32, 5, 2, 1, 32}, Case{227, 11, 0, 4, 55}}) {
    const Conv2dOptions options{.out_channels = 1, .kernel = c.F, .stride = c.S, .padding = c.P};
    EXPECT_EQ((c.W - c.F + 2 * c.P) / c.S + 1, c.expected);
    EXPECT_EQ(conv2d_output_shape(options, {1, 1, c.W, c.W}), Shape({1, 1, c.expected, c.expected}));
  }
  EXPECT_EQ(max_pool2d_output_shape({.kernel = 2, .stride = 2}, {1, 64, 224, 224}), Shape({1, 64, 112, 112}));
  EXPECT_EQ(max_pool2d_output_shape({.kernel = 3, .stride = 2}, {1, 96, 55, 55}), Shape({1, 96, 27, 27}));
}

TEST(OutputSize, WithoutPaddingEachLayerShrinksByKernelMinusOne) {
  Shape valid{1, 1, 28, 28}, same = valid;
  for (std::int64_t layer = 1; layer <= 5; ++layer) {
    valid = conv2d_output_shape({.out_channels = 1, .kernel = 5}, valid);
    same = conv2d_output_shape({.out_channels = 1, .kernel = 5, .padding = 2}, same);
    EXPECT_EQ(valid[2], 28 - 4 * layer);
    EXPECT_EQ(same[2], 28);
  }
}

TEST(Padding, IsZeros) {
  const Tensor y =
      conv2d({.out_channels = 1, .kernel = 3, .padding = 1}, constant({1, 1, 3, 3}, 1), constant({1, 1, 3, 3}, 1));
  EXPECT_EQ(elements(y), (Values{4, 6, 4, 6, 9, 6, 4, 6, 4}));
}

TEST(Stride, KeepsEveryOtherPosition) {
  const Conv2dOptions every{.out_channels = 1, .kernel = 3}, other{.out_channels = 1, .kernel = 3, .stride = 2};
  const Values y = elements(conv2d(every, notes_image, notes_filter));
  EXPECT_EQ(elements(conv2d(other, notes_image, notes_filter)), (Values{y[0], y[2], y[6], y[8]}));
}

// --- convolution as mathematics defines it

// y[n] = sum over k of x[k] h[n-k]
Values convolve(const Values& x, const Values& h) {
  Values y(x.size() + h.size() - 1);
  for (std::size_t n = 0; n < y.size(); ++n)
    for (std::size_t k = 0; k < x.size(); ++k)
      if (k <= n && n - k < h.size()) y[n] += x[k] * h[n - k];
  return y;
}

TEST(ConvolutionDefinition, OneDimension) {
  EXPECT_EQ(convolve({1, 2, 3}, {1, 1}), (Values{1, 3, 5, 3}));
  const Tensor x = integers({1, 1, 1, 9}, 1), h = integers({1, 1, 1, 4}, 2);
  const Conv2dOptions full{.out_channels = 1, .kernel = {1, 4}, .padding = {0, 3}};
  const Values defined = convolve(elements(x), elements(h));
  EXPECT_EQ(elements(conv2d(full, x, flipped(h))), defined);
  EXPECT_NE(elements(conv2d(full, x, h)), defined);
}

// (f*g)(x,y) = sum over u,v of f(u,v) g(x-u, y-v)
TEST(ConvolutionDefinition, TwoDimensions) {
  const std::int64_t H = 5, W = 6, R = 3, S = 2;
  const Tensor image = integers({1, 1, H, W}, 1), filter = integers({1, 1, R, S}, 2);
  const Values f = elements(image), g = elements(filter);
  Values defined;
  for (std::int64_t y = 0; y < H + R - 1; ++y)
    for (std::int64_t x = 0; x < W + S - 1; ++x) {
      double sum = 0;
      for (std::int64_t v = 0; v < H; ++v)
        for (std::int64_t u = 0; u < W; ++u)
          if (y - v >= 0 && y - v < R && x - u >= 0 && x - u < S)
            sum += f[static_cast<std::size_t>(v * W + u)] * g[static_cast<std::size_t>((y - v) * S + (x - u))];
      defined.push_back(sum);
    }
  const Conv2dOptions full{.out_channels = 1, .kernel = {R, S}, .padding = {R - 1, S - 1}};
  EXPECT_EQ(elements(conv2d(full, image, flipped(filter))), defined);
  EXPECT_NE(elements(conv2d(full, image, filter)), defined);
}

TEST(ConvolutionDefinition, ASequenceIsAnImageOfHeightOne) {
  const Tensor letters = doubles({1, 1, 1, 6}, {0, 1, 0, 1, 1, 0});
  const Tensor pair = doubles({1, 1, 1, 2}, {1, 1});
  EXPECT_EQ(elements(conv2d({.out_channels = 1, .kernel = {1, 2}}, letters, pair)), (Values{1, 1, 1, 2, 1}));
}

// --- convolution as a matrix product

// The patches of x as the rows of a matrix [N*P*Q, C*R*S].
Tensor im2col(const Conv2dOptions& options, const Tensor& x) {
  const Conv2dGeometry g = conv2d_geometry(options, x.shape());
  const Values values = elements(x);
  Values rows;
  for (std::int64_t n = 0; n < g.N; ++n)
    for (std::int64_t p = 0; p < g.P; ++p)
      for (std::int64_t q = 0; q < g.Q; ++q)
        for (std::int64_t c = 0; c < g.C; ++c)
          for (std::int64_t r = 0; r < g.R; ++r)
            for (std::int64_t s = 0; s < g.S; ++s) {
              const std::int64_t h = p * g.stride_h - g.pad_top + r * g.dilation_h;
              const std::int64_t w = q * g.stride_w - g.pad_left + s * g.dilation_w;
              const bool inside = h >= 0 && h < g.H && w >= 0 && w < g.W;
              rows.push_back(inside ? values[static_cast<std::size_t>(((n * g.C + c) * g.H + h) * g.W + w)] : 0);
            }
  return doubles({g.N * g.P * g.Q, g.C * g.R * g.S}, rows);
}

TEST(Im2col, PatchesTimesFiltersIsTheConvolution) {
  for (const Conv2dOptions& options :
       {Conv2dOptions{.out_channels = 4, .kernel = 3},
        Conv2dOptions{.out_channels = 4, .kernel = {3, 2}, .stride = {2, 1}},
        Conv2dOptions{.out_channels = 4, .kernel = {2, 3}, .padding = {1, 2, 0, 1}, .dilation = {2, 1}}}) {
    const Tensor x = integers({2, 3, 6, 7}, 1), w = integers(conv2d_filter_shape(options, x.shape()), 2);
    const Tensor y = conv2d(options, x, w);
    const std::int64_t N = y.shape()[0], K = y.shape()[1], positions = y.shape()[2] * y.shape()[3];
    const Tensor product = linear(im2col(options, x), w.reshaped({K, w.elements() / K}));  // [N*P*Q, K]
    for (std::int64_t n = 0; n < N; ++n)
      for (std::int64_t k = 0; k < K; ++k)
        for (std::int64_t pq = 0; pq < positions; ++pq)
          EXPECT_EQ(y.span<double>()[static_cast<std::size_t>((n * K + k) * positions + pq)],
                    product.span<double>()[static_cast<std::size_t>((n * positions + pq) * K + k)]);
  }
}

// --- pooling

TEST(Pooling, MaxKeepsAQuarterOfTheValues) {
  const Tensor x = doubles({1, 1, 4, 4}, {1, 1, 2, 4,  //
                                          5, 6, 7, 8,  //
                                          3, 2, 1, 0,  //
                                          1, 2, 3, 4});
  const MaxPool pooled = max_pool2d({.kernel = 2, .stride = 2}, x);
  EXPECT_EQ(elements(pooled.y), (Values{6, 8, 3, 4}));
  EXPECT_EQ(elements(pooled.index), (Values{3, 3, 0, 3}));
  EXPECT_EQ(4 * pooled.y.elements(), x.elements());
  EXPECT_EQ(elements(avg_pool2d({.kernel = 2, .stride = 2}, x)), (Values{3.25, 5.25, 2, 2}));
}

TEST(Pooling, MinimumAndSumFromMaximumAndAverage) {
  Tensor x = integers({1, 2, 4, 6}, 1);
  const Tensor sums = avg_pool2d({.kernel = 2, .stride = 2}, x);
  for (double& v : x.span<double>()) v = -v;
  const Tensor minima = max_pool2d({.kernel = 2, .stride = 2}, x).y;
  const Values v = elements(x);
  for (std::size_t c = 0; c < 2; ++c)
    for (std::size_t p = 0; p < 2; ++p)
      for (std::size_t q = 0; q < 3; ++q) {
        const std::size_t corner = (c * 4 + 2 * p) * 6 + 2 * q, out = (c * 2 + p) * 3 + q;
        const Values window{-v[corner], -v[corner + 1], -v[corner + 6], -v[corner + 7]};
        EXPECT_EQ(-minima.span<double>()[out], std::ranges::min(window));
        EXPECT_EQ(4 * sums.span<double>()[out], window[0] + window[1] + window[2] + window[3]);
      }
}

TEST(Pooling, DepthSlicesAreIndependent) {
  const Tensor x = integers({1, 3, 4, 4}, 1);
  Tensor changed = x.to(host_memory());
  for (std::size_t i = 16; i < 32; ++i) changed.span<double>()[i] += 100;  // channel 1 only
  const Values before = elements(max_pool2d({}, x).y), after = elements(max_pool2d({}, changed).y);
  for (std::size_t i = 0; i < 12; ++i) EXPECT_EQ(after[i] - before[i], i / 4 == 1 ? 100 : 0);
}

// --- dense layers, scores, loss

TEST(Dense, A32x32x3ImageStretchesTo3072NumbersAnd10Scores) {
  const LinearOptions options{.out_features = 10};
  const Tensor image = constant({1, 3, 32, 32}, 1), w = constant({10, 3072}, 2), bias = constant({10}, 1);
  EXPECT_EQ(linear_weight_shape(options, image.shape()), Shape({10, 3072}));
  EXPECT_EQ(elements(linear(image, w, bias)), Values(10, 6145));
}

TEST(Dense, IsAConvolutionWhoseFilterIsTheImage) {
  const Tensor x = integers({2, 3, 4, 5}, 1), w = integers({6, 3, 4, 5}, 2), bias = integers({6}, 3);
  const Tensor y = conv2d({.out_channels = 6, .kernel = {4, 5}}, x, w, bias);
  EXPECT_EQ(elements(y), elements(linear(x, w.reshaped({6, 60}), bias)));
}

TEST(Softmax, ScoresThatAreLogarithms) {
  const Tensor scores = doubles({1, 3}, {std::log(1.0), std::log(2.0), std::log(5.0)});
  const Values p = elements(softmax(scores));
  EXPECT_DOUBLE_EQ(p[0], 1.0 / 8);
  EXPECT_DOUBLE_EQ(p[1], 2.0 / 8);
  EXPECT_DOUBLE_EQ(p[2], 5.0 / 8);
  const Tensor label = doubles({1}, {0}).converted(DType::i32);
  EXPECT_DOUBLE_EQ(elements(softmax_cross_entropy(scores, label).loss)[0], std::log(8.0));
}

TEST(Softmax, ShiftingAllScoresChangesNothing) {
  const Tensor x = integers({2, 5}, 1);
  EXPECT_EQ(elements(softmax(x)), elements(softmax(add(x, constant({2, 5}, 1000)))));
}

}  // namespace
}  // namespace fovea::reference_test
