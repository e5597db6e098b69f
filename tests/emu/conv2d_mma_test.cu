// SPDX-License-Identifier: Apache-2.0
//
// The convolutions on tensor cores against the reference loops: with small integers all bits must agree, with real
// numbers each element must lie within its derived bound (docs/numerics.md). Launchers are called directly, with every
// tile, so that no plan has to choose them.
#include "cuda/kernels/mma_choice.cuh"
#include "tests/emu/conv2d_mma_problem.h"

namespace fovea::emu {
namespace {

template <class T>
class Conv2dMma : public testing::Test {};
TYPED_TEST_SUITE(Conv2dMma, StoredTypes);

TYPED_TEST(Conv2dMma, FiltersThereAndBack) {
  for (const MmaCase& c : mma_cases()) {
    SCOPED_TRACE(c);
    const Problem<TypeParam> p(c, Numbers::integers);
    EmuDevice device;
    TypeParam* krsc = device.allocate<TypeParam>(p.w.size());
    TypeParam* w = device.allocate<TypeParam>(p.w.size());
    conv2d_filters_to_krsc<TypeParam>(device.stream, p.g, device.upload(stored<TypeParam>(p.w)), krsc);
    conv2d_filters_from_krsc<TypeParam>(device.stream, p.g, krsc, w);
    EXPECT_EQ(widened(device.download(w, p.w.size())), p.w);
  }
}

// Integers up to 4: exact in every type, and every partial sum in float.
TYPED_TEST(Conv2dMma, ForwardExact) {
  for (const MmaCase& c : mma_cases()) {
    SCOPED_TRACE(c);
    const Problem<TypeParam> p(c, Numbers::integers);
    const Doubles truth = reference_forward(p.g, p.x, p.w, p.bias);
    for (const EmuSchedule schedule : {EmuSchedule::forward, EmuSchedule::reverse}) {
      EmuDevice device(EmuOptions{schedule, 0});
      expect_exact<TypeParam>(forward_on(device, p, c.size), truth);
    }
  }
}
TYPED_TEST(Conv2dMma, BackwardDataExact) {
  for (const MmaCase& c : mma_cases()) {
    SCOPED_TRACE(c);
    const Problem<TypeParam> p(c, Numbers::integers);
    const Doubles truth = reference_backward_data(p.g, p.dy, p.w);
    for (const EmuSchedule schedule : {EmuSchedule::forward, EmuSchedule::reverse}) {
      EmuDevice device(EmuOptions{schedule, 0});
      expect_exact<TypeParam>(backward_data_on(device, p, c.size), truth);
    }
  }
}
TYPED_TEST(Conv2dMma, BackwardFilterExact) {
  for (const MmaCase& c : mma_cases()) {
    SCOPED_TRACE(c);
    const Problem<TypeParam> p(c, Numbers::integers);
    const Doubles truth = reference_backward_filter(p.g, p.x, p.dy);
    for (const EmuSchedule schedule : {EmuSchedule::forward, EmuSchedule::reverse}) {
      EmuDevice device(EmuOptions{schedule, 0});
      expect_exact<float>(backward_filter_on(device, p, c.size), truth);
    }
  }
}

// A ReLU at the end, or the backward of one, chooses among the bits of the form without it.
TYPED_TEST(Conv2dMma, ReluAtTheEnd) {
  for (const MmaCase& c : mma_cases()) {
    SCOPED_TRACE(c);
    const Problem<TypeParam> p(c, Numbers::integers);
    EmuDevice device;
    Doubles y = reference_forward(p.g, p.x, p.w, p.bias), dx = reference_backward_data(p.g, p.dy, p.w);
    for (double& v : y) v = v > 0 ? v : 0;
    for (std::size_t i = 0; i < dx.size(); ++i) dx[i] = p.gate[i] > 0 ? dx[i] : 0;
    expect_exact<TypeParam>(forward_on(device, p, c.size, true), y);
    expect_exact<TypeParam>(backward_data_on(device, p, c.size, true), dx);
  }
}

TYPED_TEST(Conv2dMma, FoldedExact) {
  for (const MmaCase& c : fold_cases()) {
    SCOPED_TRACE(c);
    const Problem<TypeParam> p(c, Numbers::integers);
    const std::optional<FoldedConv2d> folded = fold_window(p.g);
    ASSERT_TRUE(folded);
    EXPECT_EQ(folded->g.C % 8, 0);
    EmuDevice device;
    expect_exact<TypeParam>(folded_forward_on(device, p, *folded), reference_forward(p.g, p.x, p.w, p.bias));
    expect_exact<float>(folded_backward_filter_on(device, p, *folded), reference_backward_filter(p.g, p.x, p.dy));
  }
}

// Real numbers that the tensor cores take as they are, so that only sums and the result's rounding are left.
TYPED_TEST(Conv2dMma, WithinTheBound) {
  for (const MmaCase& c : mma_cases()) {
    SCOPED_TRACE(c);
    const Problem<TypeParam> p(c, Numbers::reals);
    const Conv2dGeometry& g = p.g;
    const Doubles x2 = squares(p.x), w2 = squares(p.w), dy2 = squares(p.dy);
    EmuDevice device;
    expect_within<TypeParam>(forward_on(device, p, c.size), reference_forward(g, p.x, p.w, p.bias),
                             reference_forward(g, x2, w2, squares(p.bias)),
                             g.channels_per_group() * g.R * g.S + (p.bias.empty() ? 0 : 1));
    expect_within<TypeParam>(backward_data_on(device, p, c.size), reference_backward_data(g, p.dy, p.w),
                             reference_backward_data(g, dy2, w2), g.filters_per_group() * g.R * g.S);
    expect_within<float>(backward_filter_on(device, p, c.size), reference_backward_filter(g, p.x, p.dy),
                         reference_backward_filter(g, x2, dy2), g.N * g.P * g.Q);
  }
}

// Any floats: the kernels round them to tf32, to nearest. Cut off instead they would lie beyond the strict bound of their
// rounded products, which the last lines demand.
TEST(Conv2dMmaTf32, InputsAreRounded) {
  for (const MmaCase& c : mma_cases()) {
    SCOPED_TRACE(c);
    const Problem<float> p(c, Numbers::reals, false), rounded(c, Numbers::reals, true);
    const Conv2dGeometry& g = p.g;
    EmuDevice device;
    const Doubles y = forward_on(device, p, c.size), dx = backward_data_on(device, p, c.size),
                  dw = backward_filter_on(device, p, c.size);
    const std::int64_t products = g.channels_per_group() * g.R * g.S + (p.bias.empty() ? 0 : 1);
    expect_within<float>(y, reference_forward(g, p.x, p.w, p.bias),
                         reference_forward(g, squares(p.x), squares(p.w), squares(p.bias)), products, tf32_rounding);
    expect_within<float>(y, reference_forward(g, rounded.x, rounded.w, p.bias),
                         reference_forward(g, squares(p.x), squares(p.w), squares(p.bias)), products);
    EXPECT_EQ(dx, backward_data_on(device, rounded, c.size));
    EXPECT_EQ(dw, backward_filter_on(device, rounded, c.size));
  }
}

// The tile is a matter of speed.
TYPED_TEST(Conv2dMma, TheTileChangesNoBit) {
  const MmaCase c{"Tiles", "150 pixels", {2, 8, 5, 15}, {.out_channels = 80, .kernel = 3, .padding = 1}};
  const Problem<TypeParam> p(c, Numbers::reals);
  EmuDevice device;
  const Doubles y = forward_on(device, p, MmaTileSize::small), dx = backward_data_on(device, p, MmaTileSize::small),
                dw = backward_filter_on(device, p, MmaTileSize::small);
  for (const MmaTileSize size : {MmaTileSize::narrow, MmaTileSize::large, MmaTileSize::by_shape}) {
    EXPECT_EQ(forward_on(device, p, size), y);
    EXPECT_EQ(backward_data_on(device, p, size), dx);
    EXPECT_EQ(backward_filter_on(device, p, size), dw);
  }
}

TEST(MmaChoice, NoBlockForEachMultiprocessorTakesSmallTiles) {
  EXPECT_EQ(choose_mma_tile(131 * 128, 128, 1), MmaTileSize::small);
  EXPECT_EQ(choose_mma_tile(131 * 128 + 1, 128, 1), MmaTileSize::narrow);
  EXPECT_EQ(choose_mma_tile(66 * 128, 64, 2), MmaTileSize::narrow);
  EXPECT_EQ(choose_mma_tile(64, 4096, 1), MmaTileSize::small);
}

// Rows, columns and what was the faster on an H100.
TEST(MmaChoice, FewerRoundsWin) {
  EXPECT_EQ(choose_mma_tile(21632, 384, 1), MmaTileSize::large) << "507 large in 2 rounds, 1014 narrow in 3";
  EXPECT_EQ(choose_mma_tile(21632, 256, 1), MmaTileSize::narrow) << "338 large in 2 rounds, 676 narrow in 2";
  EXPECT_EQ(choose_mma_tile(21632, 192, 1), MmaTileSize::narrow) << "a quarter of large tiles would be idle";
  EXPECT_EQ(choose_mma_tile(401408, 256, 1), MmaTileSize::large) << "24 rounds and 32";
  EXPECT_EQ(choose_mma_tile(401408, 64, 1), MmaTileSize::narrow) << "half of large tiles would be idle";
  EXPECT_EQ(choose_mma_tile(6272, 512, 1), MmaTileSize::narrow) << "one round each";
}

TEST(MmaChoice, FewChannelsAreFolded) {
  const auto geometry = [](std::int64_t N, std::int64_t C, const Conv2dOptions& options, std::int64_t extent) {
    return conv2d_geometry(options, {N, C, extent, extent});
  };
  const Conv2dOptions alexnet{.out_channels = 64, .kernel = 11, .stride = 4, .padding = 2};
  const FoldedConv2d first = fold_window(geometry(2, 3, alexnet, 224)).value();
  EXPECT_EQ(first.g.C, 48);
  EXPECT_EQ(first.g.R * first.g.S, 9);
  EXPECT_EQ(first.g.stride_h * first.g.stride_w, 1);
  EXPECT_TRUE(folding_pays(geometry(2, 3, alexnet, 224)));
  EXPECT_FALSE(folding_pays(geometry(64, 1, {.out_channels = 6, .kernel = 5, .padding = 2}, 28)))
      << "launches cost more";
  EXPECT_FALSE(fold_window(geometry(1, 8, alexnet, 224))) << "channels enough";
  EXPECT_FALSE(fold_window(geometry(1, 4, {.out_channels = 4, .kernel = 3, .groups = 2}, 9)));
}

TEST(MmaChoice, IsAvailableOnEmu) {
  EmuDevice device;
  EXPECT_TRUE(conv2d_mma_available(device.stream));
}

}  // namespace
}  // namespace fovea::emu
