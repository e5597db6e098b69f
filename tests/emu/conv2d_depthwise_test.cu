// SPDX-License-Identifier: Apache-2.0
//
// The depthwise convolutions in NHWC: their kernels through the launchers, in every type, against the reference loops; and
// that NativeOps takes them, with the workspace that they want.
#include "cpu_reference/conv2d.h"
#include "cuda/convolution_depthwise.h"
#include "cuda/kernels/kernels_nhwc.h"
#include "cuda/native_ops.h"
#include "tests/emu/conv2d_mma_problem.h"
#include "tests/support/op_call.h"
#include "tests/support/random_options.h"
#include "tests/support/random_pick.h"

namespace fovea::emu {
namespace {

// Accesses are of 8 channels, 4 of float, or of one; runs of 4 outputs; chunks of 5 taps; slices of 256 rows at least.
const std::vector<MmaCase>& depthwise_cases() {
  static const std::vector<MmaCase> cases{
      {"Wide", "whole vectors; a run and one output", {2, 16, 5, 5}, {.out_channels = 16, .kernel = 3, .padding = 1}},
      {"Tail", "7 channels: a thread for each", {2, 7, 6, 6}, {.out_channels = 7, .kernel = 3, .padding = 1}},
      {"HalfAVector", "4 channels: wide in float", {2, 4, 4, 7}, {.out_channels = 4, .kernel = 2}},
      {"Multiplier2", "8 channels, but two filters for each", {2, 8, 5, 6}, {.out_channels = 16, .kernel = 3}},
      {"Multiplier3",
       "rows unlike columns",
       {2, 5, 6, 7},
       {.out_channels = 15, .kernel = {2, 3}, .stride = {1, 2}, .padding = 1}},
      {"OneChannel", "one filter", {2, 1, 7, 6}, {.out_channels = 1, .kernel = 3, .padding = 1}},
      {"OneChannelSixFilters",
       "what no plan brings here",
       {2, 1, 6, 6},
       {.out_channels = 6, .kernel = 5, .padding = 2}},
      {"OnePixel", "one of everything", {1, 1, 1, 1}, {.out_channels = 1, .kernel = 1}},
      {"Stride2", "odd sizes", {2, 8, 9, 11}, {.out_channels = 8, .kernel = 3, .stride = 2, .padding = 1}},
      {"StridesDilations",
       "four different sides, rows unlike columns",
       {2, 8, 13, 12},
       {.out_channels = 8, .kernel = {3, 2}, .stride = {2, 3}, .padding = {0, 1, 3, 4}, .dilation = {3, 2}}},
      {"StrideAboveKernel",
       "pixels between the windows",
       {1, 8, 11, 13},
       {.out_channels = 8, .kernel = 2, .stride = {3, 4}}},
      {"StrideAboveImage", "one window", {2, 8, 2, 3}, {.out_channels = 8, .kernel = 3, .stride = 5, .padding = 2}},
      {"OneTap", "a factor for each channel", {2, 8, 3, 5}, {.out_channels = 8, .kernel = 1, .bias = false}},
      {"FiveTaps", "one chunk", {2, 8, 5, 6}, {.out_channels = 8, .kernel = {5, 1}, .padding = {2, 0}}},
      {"ManyTaps",
       "21: the fifth chunk has one",
       {1, 8, 8, 9},
       {.out_channels = 8, .kernel = {7, 3}, .padding = {3, 1}}},
      {"Slices", "1,360 rows: five slices", {5, 8, 16, 17}, {.out_channels = 8, .kernel = 3, .padding = 1}},
      {"ManyChannels",
       "the second block has one vector of them",
       {1, 72, 3, 4},
       {.out_channels = 72, .kernel = {1, 2}}},
  };
  static const std::vector<MmaCase> grouped = [] {
    std::vector<MmaCase> all = cases;
    for (MmaCase& c : all) c.options.groups = c.x[1];
    return all;
  }();
  return grouped;
}

using test::Begins;  // one element off alignment no access can be wide

template <class V>
V* placed(EmuDevice& device, std::vector<V> values, Begins begins) {
  const bool off = begins == Begins::one_element_off;
  if (off) values.insert(values.begin(), V());
  return device.upload(values) + (off ? 1 : 0);
}
template <class V>
V* room(EmuDevice& device, std::size_t count, Begins begins) {
  return begins == Begins::one_element_off ? device.allocate<V>(count + 1) + 1 : device.allocate<V>(count);
}
template <class T>
T* images(EmuDevice& device, const Doubles& values, std::int64_t N, std::int64_t C, Begins begins = Begins::aligned) {
  return placed(device, transposed(stored<T>(values), N, C, static_cast<std::int64_t>(values.size()) / (N * C)),
                begins);
}
template <class T>
const T* filters(EmuDevice& device, const Problem<T>& p) {
  T* rsk = device.allocate<T>(p.w.size());
  convert_layout<T>(device.stream, 1, p.g.K, p.g.R * p.g.S, device.upload(stored<T>(p.w)), rsk);
  return rsk;
}

template <class T>
Doubles depthwise_forward(EmuDevice& device, const Problem<T>& p, bool relu = false, Begins begins = Begins::aligned) {
  const Conv2dGeometry& g = p.g;
  T* y = room<T>(device, p.dy.size(), begins);
  conv2d_forward_depthwise<T>(device.stream, g, relu, images<T>(device, p.x, g.N, g.C, begins), filters(device, p),
                              p.bias.empty() ? nullptr : device.upload(stored<float>(p.bias)), y);
  return widened(transposed(device.download(y, p.dy.size()), g.N, g.P * g.Q, g.K));
}
template <class T>
Doubles depthwise_backward_data(EmuDevice& device, const Problem<T>& p, bool gated = false,
                                Begins begins = Begins::aligned) {
  const Conv2dGeometry& g = p.g;
  T* dx = room<T>(device, p.x.size(), begins);
  conv2d_backward_data_depthwise<T>(device.stream, g, gated ? images<T>(device, p.gate, g.N, g.C, begins) : nullptr,
                                    images<T>(device, p.dy, g.N, g.K, begins), filters(device, p), dx);
  return widened(transposed(device.download(dx, p.x.size()), g.N, g.H * g.W, g.C));
}
template <class T>
Doubles depthwise_backward_filter(EmuDevice& device, const Problem<T>& p, Begins begins = Begins::aligned) {
  const Conv2dGeometry& g = p.g;
  float* dw = device.allocate<float>(p.w.size());
  float* partials = device.allocate<float>(conv2d_backward_filter_depthwise_workspace(g) / sizeof(float));
  conv2d_backward_filter_depthwise<T>(device.stream, g, images<T>(device, p.x, g.N, g.C, begins),
                                      images<T>(device, p.dy, g.N, g.K, begins), dw, partials);
  return widened(device.download(dw, p.w.size()));
}

template <class T>
class Conv2dDepthwise : public testing::Test {};
TYPED_TEST_SUITE(Conv2dDepthwise, StoredTypes);

TYPED_TEST(Conv2dDepthwise, ForwardExact) {
  for (const MmaCase& c : depthwise_cases()) {
    SCOPED_TRACE(c);
    const Problem<TypeParam> p(c, Numbers::integers, false);
    const Doubles truth = reference_forward(p.g, p.x, p.w, p.bias);
    for (const EmuSchedule schedule : {EmuSchedule::forward, EmuSchedule::reverse}) {
      EmuDevice device(EmuOptions{schedule, 0});
      expect_exact<TypeParam>(depthwise_forward(device, p), truth);
    }
  }
}
TYPED_TEST(Conv2dDepthwise, BackwardDataExact) {
  for (const MmaCase& c : depthwise_cases()) {
    SCOPED_TRACE(c);
    const Problem<TypeParam> p(c, Numbers::integers, false);
    const Doubles truth = reference_backward_data(p.g, p.dy, p.w);
    for (const EmuSchedule schedule : {EmuSchedule::forward, EmuSchedule::reverse}) {
      EmuDevice device(EmuOptions{schedule, 0});
      expect_exact<TypeParam>(depthwise_backward_data(device, p), truth);
    }
  }
}
TYPED_TEST(Conv2dDepthwise, BackwardFilterExact) {
  for (const MmaCase& c : depthwise_cases()) {
    SCOPED_TRACE(c);
    const Problem<TypeParam> p(c, Numbers::integers, false);
    const Doubles truth = reference_backward_filter(p.g, p.x, p.dy);
    for (const EmuSchedule schedule : {EmuSchedule::forward, EmuSchedule::reverse}) {
      EmuDevice device(EmuOptions{schedule, 0});
      expect_exact<float>(depthwise_backward_filter(device, p), truth);
    }
  }
}

// A ReLU at the end, or the backward of one, chooses among the bits of the form without it.
TYPED_TEST(Conv2dDepthwise, ReluAtTheEnd) {
  for (const MmaCase& c : depthwise_cases()) {
    SCOPED_TRACE(c);
    const Problem<TypeParam> p(c, Numbers::integers, false);
    EmuDevice device;
    Doubles y = reference_forward(p.g, p.x, p.w, p.bias), dx = reference_backward_data(p.g, p.dy, p.w);
    for (double& v : y) v = v > 0 ? v : 0;
    for (std::size_t i = 0; i < dx.size(); ++i) dx[i] = p.gate[i] > 0 ? dx[i] : 0;
    expect_exact<TypeParam>(depthwise_forward(device, p, true), y);
    expect_exact<TypeParam>(depthwise_backward_data(device, p, true), dx);
  }
}

// Real numbers within the bound, by the same bits in every order of threads and by every width of access.
template <class T>
void expect_bound_and_bits(const MmaCase& c) {
  const Problem<T> p(c, Numbers::reals, false);
  const Conv2dGeometry& g = p.g;
  const Doubles x2 = squares(p.x), w2 = squares(p.w), dy2 = squares(p.dy);
  EmuDevice device, reversed(EmuOptions{EmuSchedule::reverse, 0});
  const Doubles y = depthwise_forward(device, p), dx = depthwise_backward_data(device, p),
                dw = depthwise_backward_filter(device, p);
  expect_within<T>(y, reference_forward(g, p.x, p.w, p.bias), reference_forward(g, x2, w2, squares(p.bias)),
                   g.R * g.S + (p.bias.empty() ? 0 : 1));
  expect_within<T>(dx, reference_backward_data(g, p.dy, p.w), reference_backward_data(g, dy2, w2),
                   g.filters_per_group() * g.R * g.S);
  expect_within<float>(dw, reference_backward_filter(g, p.x, p.dy), reference_backward_filter(g, x2, dy2),
                       g.N * g.P * g.Q);
  for (const Begins begins : {Begins::aligned, Begins::one_element_off}) {
    EXPECT_EQ(depthwise_forward(reversed, p, false, begins), y);
    EXPECT_EQ(depthwise_backward_data(reversed, p, false, begins), dx);
    EXPECT_EQ(depthwise_backward_filter(reversed, p, begins), dw);
  }
}
TYPED_TEST(Conv2dDepthwise, WithinTheBound) {
  for (const MmaCase& c : depthwise_cases()) {
    SCOPED_TRACE(c);
    expect_bound_and_bits<TypeParam>(c);
  }
}

MmaCase random_depthwise_case(RandomStream& random) {
  using test::pick;
  Conv2dOptions o;
  o.groups = test::pick_bool(random) ? 8 * pick(random, 1, 3) : pick(random, 1, 12);
  o.out_channels = o.groups * std::max<std::int64_t>(1, pick(random, -2, 3));
  o.kernel = test::pick_size(random, 1, 4);
  o.stride = test::pick_size(random, 1, 3);
  o.dilation = test::pick_size(random, 1, 2);
  o.padding = test::pick_padding(random, o.kernel.h - 1, o.kernel.w - 1);
  o.bias = test::pick_bool(random);
  const std::int64_t h = o.dilation.h * (o.kernel.h - 1) + 1, w = o.dilation.w * (o.kernel.w - 1) + 1;
  return {"Random", "drawn", {pick(random, 1, 3), o.groups, h + pick(random, 0, 8), w + pick(random, 0, 8)}, o};
}

TYPED_TEST(Conv2dDepthwise, OnRandomConfigurations) {
  const test::RandomOptions options = test::random_options(10);
  test::print_once(options);
  ASSERT_GT(options.cases, 0u);
  for (std::uint64_t i = 0; i < options.cases && !testing::Test::HasFailure(); ++i) {
    RandomStream random(options.seed, RandomPurpose::test, i);
    MmaCase c = random_depthwise_case(random);
    c.name += std::to_string(options.seed) + "Depthwise" + std::to_string(i);
    SCOPED_TRACE("random case " + std::to_string(i) + " of FOVEA_RANDOM_SEED=" + std::to_string(options.seed) + ": x " +
                 c.x.to_string() + ", w " + conv2d_filter_shape(c.options, c.x).to_string());
    expect_bound_and_bits<TypeParam>(c);
    const Problem<TypeParam> p(c, Numbers::integers, false);
    EmuDevice device;
    expect_exact<TypeParam>(depthwise_forward(device, p), reference_forward(p.g, p.x, p.w, p.bias));
    expect_exact<TypeParam>(depthwise_backward_data(device, p), reference_backward_data(p.g, p.dy, p.w));
    expect_exact<float>(depthwise_backward_filter(device, p), reference_backward_filter(p.g, p.x, p.dy));
  }
}

TEST(Conv2dDepthwiseSlices, FollowFromTheShapes) {
  const auto bytes = [](std::int64_t N, std::int64_t C, std::int64_t extent) {
    return conv2d_backward_filter_depthwise_workspace(
        conv2d_geometry({.out_channels = C, .kernel = 3, .padding = 1, .groups = C}, {N, C, extent, extent}));
  };
  EXPECT_EQ(bytes(1, 8, 16), 1u * 8 * 9 * sizeof(float));
  EXPECT_EQ(bytes(2, 8, 16), 2u * 8 * 9 * sizeof(float));
  EXPECT_EQ(bytes(128, 32, 112), 256u * 32 * 9 * sizeof(float)) << "64 columns: one for each filter and chunk";
  EXPECT_EQ(bytes(128, 1024, 7), 8u * 1024 * 9 * sizeof(float));
}

// What of a convolution is a case for these kernels, on which engine, and how images lie then.
TEST(ConvolutionDepthwise, IsChosenByShapeAndLayout) {
  const Conv2dOptions depthwise{.out_channels = 16, .kernel = 3, .groups = 8}, one{.out_channels = 1, .kernel = 3},
      several{.out_channels = 6, .kernel = 3}, grouped{.out_channels = 16, .kernel = 3, .groups = 4};
  const Shape x{1, 8, 5, 5}, grey{1, 1, 5, 5};
  EXPECT_TRUE(serves_conv2d_depthwise(depthwise, x, Layout::nhwc));
  EXPECT_TRUE(serves_conv2d_depthwise(one, grey, Layout::nhwc));
  EXPECT_FALSE(serves_conv2d_depthwise(several, grey, Layout::nhwc));
  EXPECT_FALSE(serves_conv2d_depthwise(grouped, x, Layout::nhwc));
  EXPECT_FALSE(serves_conv2d_depthwise(depthwise, x, Layout::nchw));

  EmuDevice device;
  NativeOps native(device.stream, device.memory, ConvAlgorithm::implicit_gemm),
      direct(device.stream, device.memory, ConvAlgorithm::direct);
  const auto layout = [&](NativeOps& ops, const Conv2dOptions& options, DType dtype, Layout given) {
    const Conv2dLayouts lie = ops.conv2d_layouts(options, x, dtype, given, true);
    EXPECT_TRUE(lie.x == lie.y && lie.x == lie.dx);
    return lie.x;
  };
  EXPECT_EQ(layout(native, depthwise, DType::bf16, Layout::nchw), Layout::nhwc);
  EXPECT_EQ(layout(native, depthwise, DType::f32, Layout::nchw), Layout::nchw) << "not asked for";
  EXPECT_EQ(layout(native, depthwise, DType::f32, Layout::nhwc), Layout::nhwc);
  EXPECT_EQ(layout(native, grouped, DType::f32, Layout::nhwc), Layout::nchw);
  EXPECT_EQ(layout(direct, depthwise, DType::f32, Layout::nhwc), Layout::nchw);
}

// Each pass of an engine computes the reference's bits in exactly the workspace that it asks for, which is not what tensor
// cores want, and refuses a byte less.
template <class T>
void expect_passes_of(ConvAlgorithm algorithm) {
  const MmaCase c{
      "Engine", "", {2, 8, 5, 6}, {.out_channels = 16, .kernel = 3, .stride = 2, .padding = 1, .groups = 8}};
  const Problem<T> p(c, Numbers::integers, false);
  const Conv2dGeometry& g = p.g;
  const Shape w_shape = conv2d_filter_shape(c.options, c.x), y_shape = conv2d_output_shape(c.options, c.x);
  constexpr DType dtype = dtype_of<T>::value;
  EmuDevice device;
  NativeOps ops(device.stream, device.memory, algorithm);
  const auto view = [&](auto* data, const Shape& shape, DType stored_as, Layout layout) {
    return View{data, shape, stored_as, layout, &device.memory};
  };
  const View x = view(images<T>(device, p.x, g.N, g.C), c.x, dtype, Layout::nhwc);
  const View gate = view(images<T>(device, p.gate, g.N, g.C), c.x, dtype, Layout::nhwc);
  const View dy = view(images<T>(device, p.dy, g.N, g.K), y_shape, dtype, Layout::nhwc);
  const View w = view(device.upload(stored<T>(p.w)), w_shape, dtype, Layout::nchw);
  const View bias = view(device.upload(stored<float>(p.bias)), {g.K}, DType::f32, Layout::nchw);
  const View y = view(device.allocate<T>(p.dy.size()), y_shape, dtype, Layout::nhwc);
  const View dx = view(device.allocate<T>(p.x.size()), c.x, dtype, Layout::nhwc);
  const View dw = view(device.allocate<float>(p.w.size()), w_shape, DType::f32, Layout::nchw);
  const auto values = [&](const View& image) {
    return widened(transposed(device.download(static_cast<const T*>(image.data), at(image.elements())), g.N,
                              image.shape[2] * image.shape[3], image.shape[1]));
  };
  Doubles wanted_y = reference_forward(g, p.x, p.w, p.bias), wanted_dx = reference_backward_data(g, p.dy, p.w);

  const auto run = [&](Conv2dPass pass, std::size_t expected_bytes, auto call) {
    const std::size_t bytes =
        ops.conv2d_workspace_in(pass, c.options, c.x, dtype, {Layout::nhwc, Layout::nhwc, Layout::nhwc});
    EXPECT_EQ(bytes, expected_bytes);
    void* space = device.memory.allocate(bytes);
    try {
      call(Workspace{space, bytes - 1});
      ADD_FAILURE() << "no error about " << bytes - 1 << " bytes";
    } catch (const InputError& error) {
      const std::string text = "workspace: expected " + std::to_string(expected_bytes) + " bytes, got ";
      EXPECT_NE(std::string(error.what()).find(text), std::string::npos) << error.what();
    }
    const std::uint64_t before = device.stream.launches();
    call(Workspace{space, bytes});
    EXPECT_EQ(device.stream.launches() - before, 2u);
  };
  const std::size_t of_filters = p.w.size() * sizeof(T), of_slices = p.w.size() * sizeof(float);
  ASSERT_NE(of_filters % 256, 0u) << "tensor cores want whole pieces of 256 bytes";
  run(Conv2dPass::forward, of_filters, [&](Workspace s) { ops.conv2d_forward(c.options, x, w, bias, y, s); });
  expect_exact<T>(values(y), wanted_y);
  run(Conv2dPass::forward, of_filters, [&](Workspace s) { ops.conv2d_forward_relu(c.options, x, w, bias, y, s); });
  for (double& v : wanted_y) v = v > 0 ? v : 0;
  expect_exact<T>(values(y), wanted_y);
  run(Conv2dPass::backward_data, of_filters, [&](Workspace s) { ops.conv2d_backward_data(c.options, dy, w, dx, s); });
  expect_exact<T>(values(dx), wanted_dx);
  run(Conv2dPass::backward_data, of_filters,
      [&](Workspace s) { ops.conv2d_backward_data_relu(c.options, gate, dy, w, dx, s); });
  for (std::size_t i = 0; i < wanted_dx.size(); ++i) wanted_dx[i] = p.gate[i] > 0 ? wanted_dx[i] : 0;
  expect_exact<T>(values(dx), wanted_dx);
  run(Conv2dPass::backward_filter, of_slices,
      [&](Workspace s) { ops.conv2d_backward_filter(c.options, x, dy, dw, s); });
  expect_exact<float>(widened(device.download(static_cast<const float*>(dw.data), p.w.size())),
                      reference_backward_filter(g, p.x, p.dy));
}
TEST(ConvolutionDepthwise, ServesEveryPassOfTheEngines) {
  expect_passes_of<bf16_t>(ConvAlgorithm::implicit_gemm);
  expect_passes_of<f16_t>(ConvAlgorithm::implicit_gemm);
  expect_passes_of<float>(ConvAlgorithm::implicit_gemm);
  expect_passes_of<float>(ConvAlgorithm::tf32);  // which rounds nothing here
}

}  // namespace
}  // namespace fovea::emu
