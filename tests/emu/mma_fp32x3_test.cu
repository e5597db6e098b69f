// SPDX-License-Identifier: Apache-2.0
//
// Float32 in three products of tf32 (cuda/kernels/mma_split.cuh): convolutions hold the bound of float32, which one product
// does not, and integers that tf32 rounds stay exact. Linear layers: gemm_mma_test.cu.
#include <limits>

#include "core/support/error.h"
#include "cuda/kernels/mma_choice.cuh"
#include "tests/emu/conv2d_mma_problem.h"

namespace fovea::emu {
namespace {

constexpr MmaTileSize x3 = MmaTileSize::fp32x3;

struct Split {
  float big, small;
};
Split split(float x) {
  std::uint32_t big[] = {__float_as_uint(x)}, small[1];
  split_inputs(big, small);
  return {__uint_as_float(big[0]), __uint_as_float(small[0])};
}

// Both parts are tf32, and what is left of a number is what the header says.
TEST(MmaSplit, TwoPartsOfANumber) {
  Doubles numbers = drawn<float>(2000, test::stream_for("split", 0), Numbers::reals, false);
  for (const float edge : {0.0f, 1.0f, 1 + 0x1p-11f, 1 + 0x1p-11f - 0x1p-23f, 1 + 0x1.ffcp-12f, 2 - 0x1p-23f, 0x1p-126f,
                           0x1.ffdffep+127f}) {
    numbers.push_back(edge);
    numbers.push_back(-edge);
  }
  int rests = 0;
  for (const double x : numbers) {
    const Split parts = split(static_cast<float>(x));
    EXPECT_EQ((__float_as_uint(parts.big) | __float_as_uint(parts.small)) & 0x1fffu, 0u) << x;
    EXPECT_LE(std::abs(x - parts.big), 0x1p-11 * std::abs(x));
    EXPECT_LE(std::abs(x - parts.big - parts.small), 0x1p-23 * std::abs(x)) << x;
    rests += x - parts.big - parts.small != 0;
  }
  EXPECT_GT(rests, 0) << "two parts of 11 digits do not hold all numbers";
}

TEST(Conv2dMmaFp32x3, SmallIntegersAreExact) {
  for (const MmaCase& c : mma_cases()) {
    SCOPED_TRACE(c);
    const Problem<float> p(c, Numbers::integers);
    EmuDevice device(EmuOptions{EmuSchedule::reverse, 0});
    expect_exact<float>(forward_on(device, p, x3), reference_forward(p.g, p.x, p.w, p.bias));
    expect_exact<float>(backward_data_on(device, p, x3), reference_backward_data(p.g, p.dy, p.w));
    expect_exact<float>(backward_filter_on(device, p, x3), reference_backward_filter(p.g, p.x, p.dy));
  }
}

// One factor has 12 digits or more, so that its small part is needed, and in one of two cross products alone. All products
// and sums are integers below 2^24.
TEST(Conv2dMmaFp32x3, IntegersThatTf32RoundsAreExact) {
  for (const MmaCase& c : mma_cases()) {
    SCOPED_TRACE(c);
    Problem<float> of_x(c, Numbers::integers), of_w(c, Numbers::integers), of_dy(c, Numbers::integers);
    for (Doubles* factor : {&of_x.x, &of_w.w, &of_dy.dy})
      for (double& v : *factor) v *= 2049;
    EmuDevice device;
    expect_exact<float>(forward_on(device, of_x, x3), reference_forward(of_x.g, of_x.x, of_x.w, of_x.bias));
    expect_exact<float>(forward_on(device, of_w, x3), reference_forward(of_w.g, of_w.x, of_w.w, of_w.bias));
    expect_exact<float>(backward_data_on(device, of_w, x3), reference_backward_data(of_w.g, of_w.dy, of_w.w));
    expect_exact<float>(backward_data_on(device, of_dy, x3), reference_backward_data(of_dy.g, of_dy.dy, of_dy.w));
    expect_exact<float>(backward_filter_on(device, of_x, x3), reference_backward_filter(of_x.g, of_x.x, of_x.dy));
    expect_exact<float>(backward_filter_on(device, of_dy, x3), reference_backward_filter(of_dy.g, of_dy.x, of_dy.dy));
  }
}

// Times 1 a number is its two parts, bit by bit: each of them rounded to nearest, neither cut off.
TEST(Conv2dMmaFp32x3, BothPartsAreRounded) {
  const MmaCase c{"Ones", "copies", {5, 1, 7, 9}, {.out_channels = 1, .kernel = 1, .bias = false}};
  Problem<float> p(c, Numbers::reals, false);
  p.w = {1};
  Doubles parts;
  for (const double v : p.x) {
    const auto x = static_cast<float>(v);
    const float big = __uint_as_float(to_tf32(x).bits);
    parts.push_back(big + __uint_as_float(to_tf32(x - big).bits));
  }
  EmuDevice device;
  EXPECT_EQ(forward_on(device, p, x3), parts);
}

TEST(Conv2dMmaFp32x3, HoldsTheBoundOfFloat32) {
  for (const MmaCase& c : mma_cases()) {
    SCOPED_TRACE(c);
    const Problem<float> p(c, Numbers::reals, false);
    const Conv2dGeometry& g = p.g;
    const Doubles x2 = squares(p.x), w2 = squares(p.w), dy2 = squares(p.dy);
    EmuDevice device;
    expect_within<float>(forward_on(device, p, x3), reference_forward(g, p.x, p.w, p.bias),
                         reference_forward(g, x2, w2, squares(p.bias)),
                         g.channels_per_group() * g.R * g.S + (p.bias.empty() ? 0 : 1));
    expect_within<float>(backward_data_on(device, p, x3), reference_backward_data(g, p.dy, p.w),
                         reference_backward_data(g, dy2, w2), g.filters_per_group() * g.R * g.S);
    expect_within<float>(backward_filter_on(device, p, x3), reference_backward_filter(g, p.x, p.dy),
                         reference_backward_filter(g, x2, dy2), g.N * g.P * g.Q);
  }
}

// The difference that three products make: of numbers just below the middle between two of tf32, one product is off by
// 2^-10, and no result of it holds the bound.
TEST(Conv2dMmaFp32x3, HoldsItWhereTf32DoesNot) {
  const MmaCase c{"Middle", "72 products", {1, 8, 5, 6}, {.out_channels = 8, .kernel = 3, .padding = 1, .bias = false}};
  Problem<float> p(c, Numbers::reals, false);
  const double middle = 1 + 0x1p-11 - 0x1p-23;
  for (Doubles* values : {&p.x, &p.w, &p.dy})
    for (double& v : *values) v = middle;
  const Conv2dGeometry& g = p.g;
  struct Pass {
    Doubles one, three, truth, squares;
    std::int64_t products;
  };
  EmuDevice device;
  const Doubles x2 = squares(p.x), w2 = squares(p.w), dy2 = squares(p.dy);
  const std::vector<Pass> passes{
      {forward_on(device, p, MmaTileSize::small), forward_on(device, p, x3), reference_forward(g, p.x, p.w, {}),
       reference_forward(g, x2, w2, {}), g.C * g.R * g.S},
      {backward_data_on(device, p, MmaTileSize::small), backward_data_on(device, p, x3),
       reference_backward_data(g, p.dy, p.w), reference_backward_data(g, dy2, w2), g.K * g.R * g.S},
      {backward_filter_on(device, p, MmaTileSize::small), backward_filter_on(device, p, x3),
       reference_backward_filter(g, p.x, p.dy), reference_backward_filter(g, x2, dy2), g.N * g.P * g.Q}};
  for (const Pass& pass : passes) {
    expect_within<float>(pass.three, pass.truth, pass.squares, pass.products);
    for (std::size_t i = 0; i < pass.truth.size(); ++i) {
      const double tolerance = sum_tolerance(static_cast<double>(pass.products), pass.truth[i], pass.squares[i]);
      ASSERT_GT(std::abs(pass.one[i] - pass.truth[i]), tolerance) << "element " << i;
    }
  }
}

// Their small parts are NaN, which must not show.
TEST(Conv2dMmaFp32x3, InfinitiesAndNanAreThoseOfFloat32) {
  const MmaCase c{"Infinities", "five pixels", {1, 8, 1, 5}, {.out_channels = 8, .kernel = 1, .bias = false}};
  Problem<float> p(c, Numbers::reals, false);
  const double infinity = std::numeric_limits<double>::infinity();
  p.x[0] = infinity, p.x[1] = -infinity, p.x[2] = std::nan("");
  p.x[3] = infinity, p.x[5 + 3] = p.x[3];  // two channels of a pixel: filters of unlike signs make NaN
  p.w[0] = 0;                              // and so does 0 * infinity
  const Doubles truth = reference_forward(p.g, p.x, p.w, {});
  EmuDevice device;
  const Doubles y = forward_on(device, p, x3);
  int infinities = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    EXPECT_EQ(std::isnan(y[i]), std::isnan(truth[i])) << "element " << i;
    if (!std::isinf(truth[i])) continue;
    EXPECT_EQ(y[i], truth[i]) << "element " << i;
    ++infinities;
  }
  EXPECT_GE(infinities, 14);
}

TEST(Conv2dMmaFp32x3, ReluAtTheEnd) {
  for (const MmaCase& c : mma_cases()) {
    SCOPED_TRACE(c);
    const Problem<float> p(c, Numbers::reals, false);
    EmuDevice device;
    Doubles y = forward_on(device, p, x3), dx = backward_data_on(device, p, x3);
    for (double& v : y) v = v > 0 ? v : 0;
    for (std::size_t i = 0; i < dx.size(); ++i) dx[i] = p.gate[i] > 0 ? dx[i] : 0;
    EXPECT_EQ(forward_on(device, p, x3, true), y);
    EXPECT_EQ(backward_data_on(device, p, x3, true), dx);
  }
}

TEST(Conv2dMmaFp32x3, Folded) {
  for (const MmaCase& c : fold_cases()) {
    SCOPED_TRACE(c);
    const Problem<float> p(c, Numbers::reals, false);
    const Conv2dGeometry& g = p.g;
    const std::optional<FoldedConv2d> folded = fold_window(g);
    ASSERT_TRUE(folded);
    EmuDevice device;
    expect_within<float>(folded_forward_on(device, p, *folded, x3), reference_forward(g, p.x, p.w, p.bias),
                         reference_forward(g, squares(p.x), squares(p.w), squares(p.bias)),
                         g.C * g.R * g.S + (p.bias.empty() ? 0 : 1));
    expect_within<float>(folded_backward_filter_on(device, p, *folded, x3), reference_backward_filter(g, p.x, p.dy),
                         reference_backward_filter(g, squares(p.x), squares(p.dy)), g.N * g.P * g.Q);
  }
}

TEST(Conv2dMmaFp32x3, IsRefusedOf16Bits) {
  const Problem<bf16_t> p(mma_cases().front(), Numbers::integers);
  EmuDevice device;
  EXPECT_THROW(forward_on(device, p, x3), InputError);
  EXPECT_THROW(backward_data_on(device, p, x3), InputError);
  EXPECT_THROW(backward_filter_on(device, p, x3), InputError);
}

}  // namespace
}  // namespace fovea::emu
