// SPDX-License-Identifier: Apache-2.0
//
// The convolutions of NativeOps on tensor cores (cuda/convolution_mma.h): NHWC views with plain filters, the workspace,
// and what is refused. What the kernels compute is for conv2d_mma_test.cu.
#include "cuda/convolution_mma.h"

#include "cpu_reference/conv2d.h"
#include "cuda/kernels/kernels_mma.h"
#include "tests/emu/emu_test.h"
#include "tests/support/fill.h"

namespace fovea::emu {
namespace {

const Conv2dOptions options{.out_channels = 16, .kernel = 3, .stride = 2, .padding = 1};
const Shape x_shape{2, 8, 5, 6}, y_shape{2, 16, 3, 3};

// Tensors of one convolution in bf16 on emu; images in nhwc, each of one number only.
struct Convolution {
  EmuDevice device;
  std::vector<bf16_t> w;
  View x, filters, y, dx, dw;
  Workspace workspace;

  Convolution() : Convolution(options, x_shape) {}
  Convolution(const Conv2dOptions& of, const Shape& x_of) {
    const Shape w_shape = conv2d_filter_shape(of, x_of), y_of = conv2d_output_shape(of, x_of);
    const Tensor drawn = test::integers(w_shape, test::stream_for("w", 0), 3);
    for (const float v : drawn.span<float>()) w.push_back(bf16_t(v));
    x = image(x_of, bf16_t(2.0f));
    y = image(y_of, bf16_t(3.0f));
    dx = image(x_of, bf16_t(0.0f));
    filters = View{device.upload(w), w_shape, DType::bf16, Layout::nchw, &device.memory};
    dw = View{device.allocate<float>(w.size()), w_shape, DType::f32, Layout::nchw, &device.memory};
    workspace.bytes = 1 << 22;
    workspace.data = device.memory.allocate(workspace.bytes);
  }
  View image(const Shape& shape, bf16_t value) {
    const std::vector<bf16_t> values(static_cast<std::size_t>(shape.elements()), value);
    return View{device.upload(values), shape, DType::bf16, Layout::nhwc, &device.memory};
  }
  std::vector<bf16_t> values(const View& of) {
    return device.download(static_cast<const bf16_t*>(of.data), static_cast<std::size_t>(of.elements()));
  }
  static std::vector<double> all(const Shape& shape, double value) {
    return std::vector<double>(static_cast<std::size_t>(shape.elements()), value);
  }
  std::vector<double> w_wide() const { return {w.begin(), w.end()}; }
};

// Element (n, c, i) of an NHWC tensor against that of an NCHW one.
void expect_nhwc(const std::vector<bf16_t>& actual, const std::vector<double>& truth, const Shape& shape) {
  const auto C = static_cast<std::size_t>(shape[1]), pixels = static_cast<std::size_t>(shape[2] * shape[3]);
  for (std::size_t i = 0; i < truth.size(); ++i) {
    const std::size_t n = i / (C * pixels), c = i / pixels % C, pixel = i % pixels;
    ASSERT_EQ(static_cast<float>(actual[(n * pixels + pixel) * C + c]), static_cast<float>(bf16_t(truth[i])))
        << "image " << n << ", channel " << c << ", pixel " << pixel;
  }
}

TEST(ConvolutionMma, TakesPlainFiltersAndNhwcImages) {
  Convolution c;
  const Conv2dGeometry g = conv2d_geometry(options, x_shape);
  const std::vector<double> x = Convolution::all(x_shape, 2), dy = Convolution::all(y_shape, 3), w = c.w_wide();
  std::vector<double> y(dy.size()), dx(x.size()), dw(w.size());
  reference::conv2d_forward<double>(g, x.data(), w.data(), nullptr, y.data());
  reference::conv2d_backward_data<double>(g, dy.data(), w.data(), dx.data());
  reference::conv2d_backward_filter<double>(g, x.data(), dy.data(), dw.data());

  const Arguments arguments("conv2d", c.device.memory);
  run_conv2d_backward_data_mma(c.device.stream, arguments, MmaFloats::tf32, options, nullptr, c.y, c.filters, c.dx,
                               c.workspace);
  run_conv2d_backward_filter_mma(c.device.stream, arguments, MmaFloats::tf32, options, c.x, c.y, c.dw, c.workspace);
  run_conv2d_mma(c.device.stream, arguments, MmaFloats::tf32, false, options, c.x, c.filters, {}, c.y, c.workspace);
  expect_nhwc(c.values(c.dx), dx, x_shape);
  expect_nhwc(c.values(c.y), y, y_shape);
  const std::vector<float> dw_values = c.device.download(static_cast<const float*>(c.dw.data), dw.size());
  for (std::size_t i = 0; i < dw.size(); ++i) ASSERT_EQ(dw_values[i], dw[i]) << "element " << i;
}

// As few channels and as many products as it takes.
TEST(ConvolutionMma, FoldsWhereItPays) {
  const Conv2dOptions first{.out_channels = 128, .kernel = 11, .padding = 5, .bias = false};
  const Shape image{1, 3, 38, 39};
  const Conv2dGeometry g = conv2d_geometry(first, image);
  ASSERT_TRUE(folding_pays(g));
  Convolution c(first, image);
  const Shape output = c.y.shape;
  const std::vector<double> x = Convolution::all(image, 2), dy = Convolution::all(output, 3), w = c.w_wide();
  std::vector<double> y(dy.size()), dw(w.size());
  reference::conv2d_forward<double>(g, x.data(), w.data(), nullptr, y.data());
  reference::conv2d_backward_filter<double>(g, x.data(), dy.data(), dw.data());

  const auto exactly = [&](Conv2dPass pass) {
    return Workspace{c.workspace.data, conv2d_mma_workspace(pass, first, image, DType::bf16)};
  };
  ASSERT_LE(exactly(Conv2dPass::backward_filter).bytes, c.workspace.bytes);
  const Arguments arguments("conv2d", c.device.memory);
  run_conv2d_backward_filter_mma(c.device.stream, arguments, MmaFloats::tf32, first, c.x, c.y, c.dw,
                                 exactly(Conv2dPass::backward_filter));
  run_conv2d_mma(c.device.stream, arguments, MmaFloats::tf32, false, first, c.x, c.filters, {}, c.y,
                 exactly(Conv2dPass::forward));
  expect_nhwc(c.values(c.y), y, output);
  const std::vector<float> dw_values = c.device.download(static_cast<const float*>(c.dw.data), dw.size());
  for (std::size_t i = 0; i < dw.size(); ++i) ASSERT_EQ(dw_values[i], dw[i]) << "element " << i;
}

TEST(ConvolutionMma, RefusesWhatItDoesNotServe) {
  Convolution c;
  const Arguments arguments("conv2d_forward", c.device.memory);
  const auto expect_refusal = [&](const View& x, const Workspace& workspace, const std::string& part) {
    try {
      run_conv2d_mma(c.device.stream, arguments, MmaFloats::tf32, false, options, x, c.filters, {}, c.y, workspace);
      ADD_FAILURE() << "no error about " << part;
    } catch (const InputError& error) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  };
  View plain = c.x, wide = c.x;
  plain.layout = Layout::nchw;
  wide.dtype = DType::f32;
  expect_refusal(plain, c.workspace, "x: expected bf16 [2, 8, 5, 6] nhwc");
  expect_refusal(wide, c.workspace, "w: expected f32");
  expect_refusal(c.x, Workspace{c.workspace.data, 2 * c.w.size() - 1}, "workspace: expected 2304 bytes, got 2303");
  EXPECT_EQ(conv2d_mma_workspace(Conv2dPass::forward, options, x_shape, DType::bf16), 2304u);
  EXPECT_EQ(conv2d_mma_workspace(Conv2dPass::backward_filter, options, x_shape, DType::bf16), 4 * c.w.size());
}

// Float32, tf32 or not as it is asked for: of a number between two of tf32, times 1 at one pixel, all is left or not.
TEST(ConvolutionMma, MultipliesFloatsAsAsked) {
  EmuDevice device;
  const Conv2dOptions one{.out_channels = 4, .kernel = 1, .bias = false};
  const Shape image{1, 4, 1, 1}, filter{4, 4, 1, 1};
  const float number = 1 + 0x1p-20f;
  std::vector<float> identity(16);
  for (std::size_t i = 0; i < 4; ++i) identity[5 * i] = 1;
  const View x{device.upload(std::vector<float>(4, number)), image, DType::f32, Layout::nhwc, &device.memory};
  const View w{device.upload(identity), filter, DType::f32, Layout::nchw, &device.memory};
  const View y{device.allocate<float>(4), image, DType::f32, Layout::nhwc, &device.memory};
  const View dx{device.allocate<float>(4), image, DType::f32, Layout::nhwc, &device.memory};
  const View dw{device.allocate<float>(16), filter, DType::f32, Layout::nchw, &device.memory};
  const View features{x.data, {1, 4}, DType::f32, Layout::nchw, &device.memory};
  const View weights{w.data, {4, 4}, DType::f32, Layout::nchw, &device.memory};
  const View outputs{y.data, {1, 4}, DType::f32, Layout::nchw, &device.memory};
  const View dfeatures{dx.data, {1, 4}, DType::f32, Layout::nchw, &device.memory};
  const View dweights{dw.data, {4, 4}, DType::f32, Layout::nchw, &device.memory};
  const View ones{device.upload(std::vector<float>(4, 1.0f)), image, DType::f32, Layout::nhwc, &device.memory};
  const View one_each{ones.data, {1, 4}, DType::f32, Layout::nchw, &device.memory};
  const Workspace workspace{device.memory.allocate(1 << 12), 1 << 12};
  const LinearOptions dense{.out_features = 4, .bias = false};
  const Arguments arguments("floats", device.memory);
  for (const MmaFloats floats : {MmaFloats::tf32, MmaFloats::fp32x3}) {
    const float left = floats == MmaFloats::tf32 ? 1 : number;
    const auto expect = [&](const View& result, std::size_t count) {
      for (const float v : device.download(static_cast<const float*>(result.data), count)) EXPECT_EQ(v, left);
    };
    run_conv2d_mma(device.stream, arguments, floats, false, one, x, w, {}, y, workspace);
    expect(y, 4);
    run_conv2d_backward_data_mma(device.stream, arguments, floats, one, nullptr, x, w, dx, workspace);
    expect(dx, 4);
    run_conv2d_backward_filter_mma(device.stream, arguments, floats, one, x, ones, dw, workspace);
    expect(dw, 16);
    run_linear_mma(device.stream, arguments, floats, false, dense, features, weights, {}, outputs);
    expect(y, 4);
    run_linear_backward_data_mma(device.stream, arguments, floats, dense, nullptr, features, weights, dfeatures);
    expect(dx, 4);
    run_linear_backward_weight_mma(device.stream, arguments, floats, dense, features, one_each, dweights, workspace);
    expect(dw, 16);
  }
}

TEST(ConvolutionMma, Serves16BitsInNhwc) {
  EmuDevice device;
  EXPECT_TRUE(serves_conv2d_mma(device.stream, DType::bf16, Layout::nhwc));
  EXPECT_TRUE(serves_conv2d_mma(device.stream, DType::f16, Layout::nhwc));
  EXPECT_FALSE(serves_conv2d_mma(device.stream, DType::f32, Layout::nhwc));
  EXPECT_FALSE(serves_conv2d_mma(device.stream, DType::bf16, Layout::nchw));
}

}  // namespace
}  // namespace fovea::emu
