// SPDX-License-Identifier: Apache-2.0
//
// The convolutions on tensor cores on random configurations (docs/testing.md), and those of the nets' that plans reach in
// large nets only: of float with every tile, and folded.
#include "tests/emu/conv2d_mma_problem.h"
#include "tests/ops/conv2d_net_cases.h"
#include "tests/support/op_test.h"
#include "tests/support/random_options.h"
#include "tests/support/random_pick.h"

namespace fovea::emu {
namespace {

using test::pick;

// Channels or filters of a group: whole chunks of 8 more often than not, and without groups now and then a tile and a chunk.
std::int64_t pick_count(RandomStream& random, std::int64_t groups) {
  const std::int64_t which = pick(random, 0, 9);
  if (which == 9 && groups == 1) return 72;
  return which < 6 ? 8 * pick(random, 1, 3) : pick(random, 1, 12);
}

MmaCase random_mma_case(RandomStream& random) {
  Conv2dOptions o;
  o.groups = test::pick_bool(random) ? 1 : pick(random, 2, 3);
  o.out_channels = o.groups * pick_count(random, o.groups);
  o.kernel = test::pick_size(random, 1, 3);
  o.stride = test::pick_size(random, 1, 3);
  o.dilation = test::pick_size(random, 1, 2);
  o.padding = test::pick_padding(random, o.kernel.h - 1, o.kernel.w - 1);
  o.bias = test::pick_bool(random);
  const std::int64_t h = o.dilation.h * (o.kernel.h - 1) + 1, w = o.dilation.w * (o.kernel.w - 1) + 1;
  const Shape x{pick(random, 1, 2), o.groups * pick_count(random, o.groups), h + pick(random, 0, 5),
                w + pick(random, 0, 5)};
  const std::vector<MmaTileSize> sizes{MmaTileSize::small, MmaTileSize::narrow, MmaTileSize::large,
                                       MmaTileSize::by_shape};
  return {"Random", "drawn", x, o, sizes[random.below(4)]};
}

// `check` on the drawn cases, until one fails.
template <class Check>
void on_random_cases(Check check) {
  constexpr std::uint64_t few = 10;
  const test::RandomOptions options = test::random_options(few);
  test::print_once(options);
  ASSERT_GT(options.cases, 0u);
  for (std::uint64_t i = 0; i < options.cases && !testing::Test::HasFailure(); ++i) {
    RandomStream random(options.seed, RandomPurpose::test, i);
    MmaCase c = random_mma_case(random);
    c.name += std::to_string(options.seed) + "Case" + std::to_string(i);
    const Conv2dOptions& o = c.options;
    SCOPED_TRACE("random case " + std::to_string(i) + " of FOVEA_RANDOM_SEED=" + std::to_string(options.seed) + ": x " +
                 c.x.to_string() + ", w " + conv2d_filter_shape(o, c.x).to_string() + ", stride " +
                 std::to_string(o.stride.h) + " " + std::to_string(o.stride.w) + ", dilation " +
                 std::to_string(o.dilation.h) + " " + std::to_string(o.dilation.w) + ", padding " +
                 std::to_string(o.padding.top) + " " + std::to_string(o.padding.left) + " " +
                 std::to_string(o.padding.bottom) + " " + std::to_string(o.padding.right) + ", groups " +
                 std::to_string(o.groups) + ", tile " + std::to_string(static_cast<int>(c.size)));
    check(c);
  }
}

template <class T>
class Conv2dMmaRandom : public testing::Test {};
TYPED_TEST_SUITE(Conv2dMmaRandom, StoredTypes);

TYPED_TEST(Conv2dMmaRandom, Forward) {
  on_random_cases([](const MmaCase& c) {
    const Problem<TypeParam> whole(c, Numbers::integers), real(c, Numbers::reals);
    const Conv2dGeometry& g = whole.g;
    EmuDevice device;
    expect_exact<TypeParam>(forward_on(device, whole, c.size), reference_forward(g, whole.x, whole.w, whole.bias));
    const Doubles y = forward_on(device, real, c.size);
    expect_within<TypeParam>(y, reference_forward(g, real.x, real.w, real.bias),
                             reference_forward(g, squares(real.x), squares(real.w), squares(real.bias)),
                             g.channels_per_group() * g.R * g.S + (real.bias.empty() ? 0 : 1));
    EmuDevice reversed(EmuOptions{EmuSchedule::reverse, 0});
    EXPECT_EQ(forward_on(reversed, real, c.size), y);
  });
}

TYPED_TEST(Conv2dMmaRandom, BackwardData) {
  on_random_cases([](const MmaCase& c) {
    const Problem<TypeParam> whole(c, Numbers::integers), real(c, Numbers::reals);
    const Conv2dGeometry& g = whole.g;
    EmuDevice device;
    expect_exact<TypeParam>(backward_data_on(device, whole, c.size), reference_backward_data(g, whole.dy, whole.w));
    const Doubles dx = backward_data_on(device, real, c.size);
    expect_within<TypeParam>(dx, reference_backward_data(g, real.dy, real.w),
                             reference_backward_data(g, squares(real.dy), squares(real.w)),
                             g.filters_per_group() * g.R * g.S);
    EmuDevice reversed(EmuOptions{EmuSchedule::reverse, 0});
    EXPECT_EQ(backward_data_on(reversed, real, c.size), dx);
  });
}

TYPED_TEST(Conv2dMmaRandom, BackwardFilter) {
  on_random_cases([](const MmaCase& c) {
    const Problem<TypeParam> whole(c, Numbers::integers), real(c, Numbers::reals);
    const Conv2dGeometry& g = whole.g;
    EmuDevice device;
    expect_exact<float>(backward_filter_on(device, whole, c.size), reference_backward_filter(g, whole.x, whole.dy));
    const Doubles dw = backward_filter_on(device, real, c.size);
    expect_within<float>(dw, reference_backward_filter(g, real.x, real.dy),
                         reference_backward_filter(g, squares(real.x), squares(real.dy)), g.N * g.P * g.Q);
    EmuDevice reversed(EmuOptions{EmuSchedule::reverse, 0});
    EXPECT_EQ(backward_filter_on(reversed, real, c.size), dw);
  });
}

// Float32 in three products, of any floats.
TEST(Conv2dMmaRandomFp32x3, AllPasses) {
  on_random_cases([](const MmaCase& c) {
    const Problem<float> p(c, Numbers::reals, false);
    const Conv2dGeometry& g = p.g;
    const Doubles x2 = squares(p.x), w2 = squares(p.w), dy2 = squares(p.dy);
    EmuDevice device, reversed(EmuOptions{EmuSchedule::reverse, 0});
    const Doubles y = forward_on(device, p, MmaTileSize::fp32x3), dx = backward_data_on(device, p, MmaTileSize::fp32x3),
                  dw = backward_filter_on(device, p, MmaTileSize::fp32x3);
    expect_within<float>(y, reference_forward(g, p.x, p.w, p.bias), reference_forward(g, x2, w2, squares(p.bias)),
                         g.channels_per_group() * g.R * g.S + (p.bias.empty() ? 0 : 1));
    expect_within<float>(dx, reference_backward_data(g, p.dy, p.w), reference_backward_data(g, dy2, w2),
                         g.filters_per_group() * g.R * g.S);
    expect_within<float>(dw, reference_backward_filter(g, p.x, p.dy), reference_backward_filter(g, x2, dy2),
                         g.N * g.P * g.Q);
    EXPECT_EQ(forward_on(reversed, p, MmaTileSize::fp32x3), y);
    EXPECT_EQ(backward_data_on(reversed, p, MmaTileSize::fp32x3), dx);
    EXPECT_EQ(backward_filter_on(reversed, p, MmaTileSize::fp32x3), dw);
  });
}

// What is drawn: both ways of loading, every tile, groups, and windows with steps and holes.
TEST(Conv2dMmaRandomCases, AreUnlike) {
  int chunks = 0, elements = 0, groups = 0, strided = 0, dilated = 0, tiles[4] = {};
  for (std::uint64_t i = 0; i < 50; ++i) {
    RandomStream random(test::random_options().seed, RandomPurpose::test, i);
    const MmaCase c = random_mma_case(random);
    const Conv2dGeometry g = conv2d_geometry(c.options, c.x);
    const bool whole = g.channels_per_group() % 8 == 0 && g.filters_per_group() % 8 == 0;
    chunks += whole, elements += !whole, groups += g.groups > 1;
    strided += g.stride_h > 1 || g.stride_w > 1, dilated += g.dilation_h > 1 || g.dilation_w > 1;
    ++tiles[static_cast<int>(c.size)];
  }
  for (const int count : {chunks, elements, groups, strided, dilated, tiles[0], tiles[1], tiles[2], tiles[3]})
    EXPECT_GE(count, 3);
}

std::vector<MmaCase> cases_of_nets() {
  std::vector<MmaCase> cases;
  for (const test::Conv2dCase& c : test::selected(test::conv2d_net_cases()))
    cases.push_back({c.name, c.why, c.x, c.options, MmaTileSize::by_shape});
  return cases;
}

// In bf16 and fp16 plans choose these kernels, but the small tile only: tests/ops/conv2d_test.cpp.
TEST(Conv2dMmaNets, OfFloatWithEveryTile) {
  for (const MmaCase& c : cases_of_nets()) {
    SCOPED_TRACE(c);
    const Problem<float> p(c, Numbers::integers);
    const Doubles y = reference_forward(p.g, p.x, p.w, p.bias), dx = reference_backward_data(p.g, p.dy, p.w);
    const Doubles dw = reference_backward_filter(p.g, p.x, p.dy);
    for (const MmaTileSize size : {MmaTileSize::small, MmaTileSize::narrow, MmaTileSize::large, MmaTileSize::fp32x3}) {
      EmuDevice device;
      expect_exact<float>(forward_on(device, p, size), y);
      expect_exact<float>(backward_data_on(device, p, size), dx);
      expect_exact<float>(backward_filter_on(device, p, size), dw);
    }
  }
}

// First layers, which plans fold where they are as large as in the nets.
template <class T>
class Conv2dMmaFirstLayers : public testing::Test {};
TYPED_TEST_SUITE(Conv2dMmaFirstLayers, StoredTypes);
TYPED_TEST(Conv2dMmaFirstLayers, Folded) {
  int folded_cases = 0;
  for (const MmaCase& c : cases_of_nets()) {
    SCOPED_TRACE(c);
    const Problem<TypeParam> whole(c, Numbers::integers), real(c, Numbers::reals);
    const Conv2dGeometry& g = whole.g;
    const std::optional<FoldedConv2d> folded = g.C <= 4 ? fold_window(g) : std::nullopt;
    if (!folded) continue;
    ++folded_cases;
    EmuDevice device;
    expect_exact<TypeParam>(folded_forward_on(device, whole, *folded),
                            reference_forward(g, whole.x, whole.w, whole.bias));
    expect_exact<float>(folded_backward_filter_on(device, whole, *folded),
                        reference_backward_filter(g, whole.x, whole.dy));
    expect_within<TypeParam>(folded_forward_on(device, real, *folded), reference_forward(g, real.x, real.w, real.bias),
                             reference_forward(g, squares(real.x), squares(real.w), squares(real.bias)),
                             g.C * g.R * g.S + (real.bias.empty() ? 0 : 1));
    expect_within<float>(folded_backward_filter_on(device, real, *folded),
                         reference_backward_filter(g, real.x, real.dy),
                         reference_backward_filter(g, squares(real.x), squares(real.dy)), g.N * g.P * g.Q);
  }
  EXPECT_GT(folded_cases, 0);
}

}  // namespace
}  // namespace fovea::emu
