// SPDX-License-Identifier: Apache-2.0
//
// The convolutions on tensor cores against the reference loops: with small integers all bits must agree, with real
// numbers each element must lie within its derived bound (docs/numerics.md). Launchers are called directly, with every
// tile, so that no plan has to choose them.
#include "cpu_reference/conv2d.h"
#include "cuda/kernels/mma_choice.cuh"
#include "tests/emu/conv2d_mma_cases.h"
#include "tests/emu/mma_checks.h"

namespace fovea::emu {
namespace {

// [N, C, pixels] to [N, pixels, C], and back with C and pixels exchanged.
template <class V>
std::vector<V> transposed(const std::vector<V>& images, std::int64_t N, std::int64_t C, std::int64_t pixels) {
  std::vector<V> result(images.size());
  for (std::int64_t n = 0; n < N; ++n) {
    for (std::int64_t c = 0; c < C; ++c) {
      for (std::int64_t i = 0; i < pixels; ++i)
        result[at((n * pixels + i) * C + c)] = images[at((n * C + c) * pixels + i)];
    }
  }
  return result;
}

// One convolution's tensors in float64, NCHW and KCRS, as T holds them; of float, as tf32 does where `as_tf32`.
template <class T>
struct Problem {
  Conv2dGeometry g;
  Doubles x, w, bias, dy, gate;

  Problem(const MmaCase& c, Numbers numbers, bool as_tf32 = true) : g(conv2d_geometry(c.options, c.x)) {
    std::uint64_t tensor = 0;
    const auto draw = [&](std::int64_t count, bool is_float) {
      const RandomStream random = test::stream_for(c.name, tensor++);
      return is_float ? drawn<float>(count, random, numbers, false) : drawn<T>(count, random, numbers, as_tf32);
    };
    x = draw(g.N * g.C * g.H * g.W, false);
    w = draw(g.K * g.channels_per_group() * g.R * g.S, false);
    if (c.options.bias) bias = draw(g.K, true);
    dy = draw(g.N * g.K * g.P * g.Q, false);
    gate = draw(g.N * g.C * g.H * g.W, false);
  }
};

// What a launcher left, NCHW or KCRS again.
template <class T>
Doubles forward_on(EmuDevice& device, const Problem<T>& p, MmaTileSize size, bool relu = false) {
  const Conv2dGeometry& g = p.g;
  T* krsc = device.allocate<T>(p.w.size());
  T* y = device.allocate<T>(p.dy.size());
  conv2d_filters_to_krsc<T>(device.stream, g, device.upload(stored<T>(p.w)), krsc);
  conv2d_forward_mma<T>(device.stream, g, relu, device.upload(transposed(stored<T>(p.x), g.N, g.C, g.H * g.W)), krsc,
                        p.bias.empty() ? nullptr : device.upload(stored<float>(p.bias)), y, size);
  return widened(transposed(device.download(y, p.dy.size()), g.N, g.P * g.Q, g.K));
}
template <class T>
Doubles backward_data_on(EmuDevice& device, const Problem<T>& p, MmaTileSize size, bool gated = false) {
  const Conv2dGeometry& g = p.g;
  T* crsk = device.allocate<T>(p.w.size());
  T* dx = device.allocate<T>(p.x.size());
  conv2d_filters_to_crsk<T>(device.stream, g, device.upload(stored<T>(p.w)), crsk);
  conv2d_backward_data_mma<T>(device.stream, g,
                              gated ? device.upload(transposed(stored<T>(p.gate), g.N, g.C, g.H * g.W)) : nullptr,
                              device.upload(transposed(stored<T>(p.dy), g.N, g.K, g.P * g.Q)), crsk, dx, size);
  return widened(transposed(device.download(dx, p.x.size()), g.N, g.H * g.W, g.C));
}
template <class T>
Doubles backward_filter_on(EmuDevice& device, const Problem<T>& p, MmaTileSize size) {
  const Conv2dGeometry& g = p.g;
  float* dw = device.allocate<float>(p.w.size());
  float* partials = device.allocate<float>(conv2d_backward_filter_mma_workspace(g) / sizeof(float));
  conv2d_backward_filter_mma<T>(device.stream, g, device.upload(transposed(stored<T>(p.x), g.N, g.C, g.H * g.W)),
                                device.upload(transposed(stored<T>(p.dy), g.N, g.K, g.P * g.Q)), dw, partials, size);
  return widened(device.download(dw, p.w.size()));
}

// The same by way of folded images and filters.
template <class T>
Doubles folded_forward_on(EmuDevice& device, const Problem<T>& p, const FoldedConv2d& folded) {
  const Conv2dGeometry& g = p.g;
  T* images = device.allocate<T>(at(folded.image_elements()));
  T* krsc = device.allocate<T>(at(folded.filter_elements()));
  T* y = device.allocate<T>(p.dy.size());
  conv2d_fold_images<T>(device.stream, g, folded, device.upload(transposed(stored<T>(p.x), g.N, g.C, g.H * g.W)),
                        images);
  conv2d_fold_filters<T>(device.stream, g, folded, device.upload(stored<T>(p.w)), krsc);
  conv2d_forward_mma<T>(device.stream, folded.g, false, images, krsc,
                        p.bias.empty() ? nullptr : device.upload(stored<float>(p.bias)), y);
  return widened(transposed(device.download(y, p.dy.size()), g.N, g.P * g.Q, g.K));
}
template <class T>
Doubles folded_backward_filter_on(EmuDevice& device, const Problem<T>& p, const FoldedConv2d& folded) {
  const Conv2dGeometry& g = p.g;
  T* images = device.allocate<T>(at(folded.image_elements()));
  float* folded_dw = device.allocate<float>(at(folded.filter_elements()));
  float* dw = device.allocate<float>(p.w.size());
  float* partials = device.allocate<float>(conv2d_backward_filter_mma_workspace(folded.g) / sizeof(float));
  conv2d_fold_images<T>(device.stream, g, folded, device.upload(transposed(stored<T>(p.x), g.N, g.C, g.H * g.W)),
                        images);
  conv2d_backward_filter_mma<T>(device.stream, folded.g, images,
                                device.upload(transposed(stored<T>(p.dy), g.N, g.K, g.P * g.Q)), folded_dw, partials);
  conv2d_unfold_filter_gradient(device.stream, g, folded, folded_dw, dw);
  return widened(device.download(dw, p.w.size()));
}

Doubles reference_forward(const Conv2dGeometry& g, const Doubles& x, const Doubles& w, const Doubles& bias) {
  Doubles y(at(g.N * g.K * g.P * g.Q));
  reference::conv2d_forward<double>(g, x.data(), w.data(), bias.empty() ? nullptr : bias.data(), y.data());
  return y;
}
Doubles reference_backward_data(const Conv2dGeometry& g, const Doubles& dy, const Doubles& w) {
  Doubles dx(at(g.N * g.C * g.H * g.W));
  reference::conv2d_backward_data<double>(g, dy.data(), w.data(), dx.data());
  return dx;
}
Doubles reference_backward_filter(const Conv2dGeometry& g, const Doubles& x, const Doubles& dy) {
  Doubles dw(at(g.K * g.channels_per_group() * g.R * g.S));
  reference::conv2d_backward_filter<double>(g, x.data(), dy.data(), dw.data());
  return dw;
}

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

TEST(MmaChoice, OneBlockForEachMultiprocessor) {
  EXPECT_EQ(choose_mma_tile(131 * 128 + 1, 128, 1), MmaTileSize::large);
  EXPECT_EQ(choose_mma_tile(131 * 128, 128, 1), MmaTileSize::small);
  EXPECT_EQ(choose_mma_tile(66 * 128, 129, 1), MmaTileSize::large);
  EXPECT_EQ(choose_mma_tile(132 * 128, 64, 1), MmaTileSize::narrow);
  EXPECT_EQ(choose_mma_tile(66 * 128, 64, 2), MmaTileSize::narrow);
  EXPECT_EQ(choose_mma_tile(64, 4096, 1), MmaTileSize::small);
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
