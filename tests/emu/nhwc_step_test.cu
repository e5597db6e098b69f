// SPDX-License-Identifier: Apache-2.0
//
// Whole passes in NHWC on our kernels: on native, whose convolutions ask for NHWC in 16 bits; and on an engine that is native
// but for its convolutions, which ask for NHWC in every type, and convert around native's own for NCHW where no plan sees
// it, so that nothing but layouts differs.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "core/compare/compare.h"
#include "core/layers/avg_pool2d.h"
#include "core/layers/concat.h"
#include "core/layers/dropout.h"
#include "core/layers/lrn.h"
#include "core/layers/pad.h"
#include "core/models/models.h"
#include "core/support/error.h"
#include "cpu_reference/reference_backend.h"
#include "cuda/device_backend.h"
#include "tests/compare/small_models.h"
#include "tests/core/plan_trace.h"
#include "tests/core/small_nets.h"
#include "tests/support/checks.h"

namespace fovea::emu {
namespace {

class NhwcConvolutions final : public NativeOps {
 public:
  NhwcConvolutions(Stream& stream, const DeviceMemory& memory, bool for_16_bits_only)
      : NativeOps(stream, memory, ConvAlgorithm::implicit_gemm), for_16_bits_only_(for_16_bits_only) {}
  // Where its own copies of images lie.
  void use(std::shared_ptr<Memory> memory) { memory_ = std::move(memory); }

  Conv2dLayouts conv2d_layouts(const Conv2dOptions&, const Shape&, DType dtype, Layout, bool) override {
    if (for_16_bits_only_ && !is_16_bit(dtype)) return {};
    return {.x = Layout::nhwc, .y = Layout::nhwc, .dx = Layout::nhwc};
  }
  std::size_t conv2d_workspace_in(Conv2dPass pass, const Conv2dOptions& options, const Shape& x, DType,
                                  Conv2dLayouts) override {
    return conv2d_workspace(pass, options, x);
  }
  void conv2d_forward(const Conv2dOptions& options, ConstView x, ConstView w, ConstView bias, View y,
                      Workspace workspace) override {
    Tensor result = like(y);
    NativeOps::conv2d_forward(options, plain(x).view(), w, bias, result.view(), workspace);
    deliver(result, y);
  }
  void conv2d_forward_relu(const Conv2dOptions& options, ConstView x, ConstView w, ConstView bias, View y,
                           Workspace workspace) override {
    Tensor result = like(y);
    NativeOps::conv2d_forward_relu(options, plain(x).view(), w, bias, result.view(), workspace);
    deliver(result, y);
  }
  void conv2d_backward_data(const Conv2dOptions& options, ConstView dy, ConstView w, View dx,
                            Workspace workspace) override {
    Tensor result = like(dx);
    NativeOps::conv2d_backward_data(options, plain(dy).view(), w, result.view(), workspace);
    deliver(result, dx);
  }
  void conv2d_backward_data_relu(const Conv2dOptions& options, ConstView x, ConstView dy, ConstView w, View dx,
                                 Workspace workspace) override {
    Tensor result = like(dx);
    NativeOps::conv2d_backward_data_relu(options, plain(x).view(), plain(dy).view(), w, result.view(), workspace);
    deliver(result, dx);
  }
  void conv2d_backward_filter(const Conv2dOptions& options, ConstView x, ConstView dy, View dw,
                              Workspace workspace) override {
    NativeOps::conv2d_backward_filter(options, plain(x).view(), plain(dy).view(), dw, workspace);
  }

 private:
  Tensor like(const ConstView& image) const { return Tensor(image.shape, image.dtype, memory_); }
  Tensor plain(const ConstView& image) {
    Tensor result = like(image);
    if (image.layout == Layout::nchw)
      memory_->copy(result.view().data, image.data, result.bytes());
    else
      convert_layout(image, result.view());
    return result;
  }
  void deliver(const Tensor& result, const View& to) {
    if (to.layout == Layout::nchw)
      memory_->copy(to.data, result.view().data, result.bytes());
    else
      convert_layout(result.view(), to);
  }

  std::shared_ptr<Memory> memory_;
  bool for_16_bits_only_;
};

std::unique_ptr<Backend> our_engine(const std::string& engine) {
  return std::make_unique<DeviceBackend>("emu:" + engine, Stream(), engine);
}
std::unique_ptr<Backend> native() { return our_engine("native"); }

std::unique_ptr<Backend> asking_for_nhwc(bool for_16_bits_only = false) {
  NhwcConvolutions* convolutions = nullptr;
  auto backend =
      std::make_unique<DeviceBackend>("emu:nhwc", Stream(), "nhwc", [&](Stream& stream, const DeviceMemory& memory) {
        auto ops = std::make_unique<NhwcConvolutions>(stream, memory, for_16_bits_only);
        convolutions = ops.get();
        std::vector<DeviceBackend::Engine> engines;
        engines.push_back({"nhwc", std::move(ops), {}});
        return engines;
      });
  convolutions->use(backend->memory());
  return backend;
}

constexpr DType stored_types[] = {DType::f32, DType::bf16, DType::f16};

Plan plan_of(const Model& model, Backend& backend, DType dtype, bool training = true, std::int64_t batch = 2) {
  return make_plan(
      model.graph, ParameterLayout::of(model.graph), backend,
      {.batch = batch, .training = training, .target = training ? model.loss : model.logits, .dtype = dtype});
}

// What is converted, by the names of the buffers that it goes to.
std::vector<std::string> conversions(const Plan& plan) {
  std::vector<std::string> names;
  for (const PlanStep& step : plan.steps)
    if (step.kind == StepKind::convert)
      names.push_back(plan.buffers[static_cast<std::size_t>(step.output.buffer)].name);
  return names;
}

using Names = std::vector<std::string>;

// MobileNet in small: depthwise convolutions, one with a stride and one with two filters for each channel.
Model separable() {
  Graph g("separable");
  const Conv2dOptions first{.out_channels = 8, .kernel = 3, .padding = 1, .bias = false};
  const NodeId x = g.add("norm0", BatchNorm({}), g.add("conv0", Conv2d(first), g.input("image", {3, 9, 8})));
  const Conv2dOptions strided{.out_channels = 8, .kernel = 3, .stride = 2, .padding = 1, .groups = 8, .bias = false};
  const NodeId a = g.add("norm1", BatchNorm({}), g.add("depthwise1", Conv2d(strided), g.add("relu0", Relu(), x)));
  const NodeId b = g.add("relu1", Relu(), g.add("pointwise1", Conv2d({.out_channels = 12, .kernel = 1}), a));
  const Conv2dOptions doubling{.out_channels = 24, .kernel = {3, 2}, .groups = 12};
  const NodeId c = g.add("relu2", Relu(), g.add("depthwise2", Conv2d(doubling), b));
  g.add("fc", Linear({.out_features = 4}), g.add("flat", Flatten(), g.add("mean", GlobalAvgPool2d(), c)));
  return make_classifier(g);
}

// After the input nothing is converted, forward or backward, until a view takes all positions of an image as one row.
TEST(NhwcSteps, ConvertTheInputAndWhatIsFlattened) {
  const auto asking = asking_for_nhwc(), itself = native();
  for (const DType dtype : stored_types) {
    for (const auto* backend : {&asking, &itself}) {
      if (backend == &itself && dtype == DType::f32) continue;
      SCOPED_TRACE((*backend)->name() + ", " + std::string(name_of(dtype)));
      const auto of = [&](const char* net) {
        return conversions(plan_of(make_classifier(load_net(net)), **backend, dtype));
      };
      EXPECT_EQ(of("resnet18"), Names{"image.nhwc"});
      EXPECT_EQ(of("lenet5"), (Names{"pool2.nchw", "pool2.gradient"})) << "the image has one channel";
      EXPECT_EQ(of("alexnet").size(), 3u) << "image; what is flattened, and its gradient";
      EXPECT_EQ(conversions(plan_of(test::residual(), **backend, dtype)), Names{"image.nhwc"});
      EXPECT_EQ(conversions(plan_of(test::residual(), **backend, dtype, false)), Names{"image.nhwc"});
      EXPECT_EQ(conversions(plan_of(separable(), **backend, dtype)), Names{"image.nhwc"});
      EXPECT_EQ(conversions(plan_of(test::flattening(), **backend, dtype)), (Names{"pool.nchw", "pool.gradient"}));
    }
  }
}

TEST(NhwcSteps, TheEngineIsToldTheType) {
  const auto backend = asking_for_nhwc(true);
  EXPECT_EQ(conversions(plan_of(test::residual(), *backend, DType::f32)), Names{});
  EXPECT_EQ(conversions(plan_of(test::residual(), *backend, DType::bf16)), Names{"image.nhwc"});
  EXPECT_EQ(conversions(plan_of(test::residual(), *backend, DType::f16)), Names{"image.nhwc"});
}

// float32 would become tf32 there; and the direct kernels know one layout.
TEST(NhwcSteps, NativeAsksIn16BitsOnlyAndDirectNever) {
  for (const std::string engine : {"native", "direct"}) {
    const auto backend = our_engine(engine);
    for (const DType dtype : stored_types) {
      if (engine == "native" && is_16_bit(dtype)) continue;  // above
      SCOPED_TRACE(engine + ", " + std::string(name_of(dtype)));
      const Plan plan = plan_of(test::residual(), *backend, dtype);
      EXPECT_EQ(conversions(plan), Names{});
      for (const PlanStep& step : plan.steps) EXPECT_EQ(step.output.layout, Layout::nchw);
    }
  }
}

// Every operation whose sums are the same in either layout, and a flatten that must undo it: 3 channels, 6 positions.
Model without_column_sums() {
  Graph g("same bits");
  const NodeId x = g.input("image", {3, 13, 11});
  const NodeId a = g.add("conv1", Conv2d({.out_channels = 8, .kernel = 3, .padding = 1, .bias = false}), x);
  const NodeId b = g.add("pool1", MaxPool2d({.kernel = 3, .stride = 2}), g.add("relu1", Relu(), a));
  const NodeId c = g.add("norm", Lrn({.size = 5, .alpha = 2}), b);
  const NodeId d = g.add("conv2", Conv2d({.out_channels = 5, .kernel = 3, .padding = 1, .bias = false}), c);
  const NodeId e = g.add("tanh", Tanh(), g.add("pool2", AvgPool2d({.kernel = 2, .stride = 1}), d));
  const NodeId f = g.add("concat", Concat(), {e, g.add("drop", Dropout({.rate = 0.4}), e)});
  const NodeId h = g.add("pad", Pad({.padding = 1, .value = 0.5}), f);
  const NodeId i = g.add("conv3", Conv2d({.out_channels = 3, .kernel = 3, .bias = false}), h);
  const NodeId j = g.add("mean", AdaptiveAvgPool2d({.output_size = {2, 3}}), g.add("relu3", Relu(), i));
  g.add("fc", Linear({.out_features = 4}), g.add("flat", Flatten(), j));
  return make_classifier(g);
}

// `optimise`: in the layouts that the engine wants, not in NCHW.
std::vector<Tensor> results_of(const Model& model, Backend& backend, DType dtype, bool optimise) {
  const auto weights = std::make_shared<ParameterArena>(ParameterLayout::of(model.graph), backend.memory());
  initialise(*weights, 3);
  Executor executor(model.graph, backend, weights,
                    {.batch = 2,
                     .training = true,
                     .target = model.loss,
                     .dtype = dtype,
                     .keep = {model.logits},
                     .passes = {.layouts = optimise, .fuse = optimise}});
  EXPECT_TRUE(test::PlanTrace(model.graph, executor.plan()).check());
  const std::vector<Shape> shapes = model.graph.shapes(2);
  const auto shape_of = [&](NodeId id) { return shapes[static_cast<std::size_t>(id)]; };
  executor.set_input(model.image, test::random_tensor(shape_of(model.image), 0));
  executor.set_input(model.label, test::labels(shape_of(model.label), 4));
  executor.set_random(5, 7);
  executor.forward();
  executor.backward();
  std::vector<Tensor> results{executor.read(model.logits), executor.read(model.loss)};
  for (std::size_t i = 0; i < weights->layout().entries.size(); ++i) results.push_back(executor.gradients()->get(i));
  return results;
}

// The mask of a dropout too, and the order in which the linear layer's weights meet the features.
TEST(NhwcSteps, LeaveTheBitsOfNchw) {
  const Model model = without_column_sums();
  for (const DType dtype : stored_types) {
    SCOPED_TRACE(name_of(dtype));
    const auto plain = native(), nhwc = asking_for_nhwc();
    const Plan plan = plan_of(model, *nhwc, dtype);
    EXPECT_EQ(conversions(plan), (Names{"image.nhwc", "mean.nchw", "mean.gradient"}));
    const std::vector<Tensor> expected = results_of(model, *plain, dtype, false),
                              actual = results_of(model, *nhwc, dtype, true);
    ASSERT_EQ(expected.size(), actual.size());
    for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_TRUE(test::same_bits(actual[i], expected[i])) << i;
  }
}

// Batch norms and biases add up in another order, and so do convolutions on tensor cores: within the layers' own bounds.
TEST(NhwcSteps, AreTheReferences) {
  const auto reference = make_reference_backend(), truth = make_reference_backend();
  for (const DType dtype : stored_types) {
    for (const Model& model :
         {test::residual(), test::preactivated(), test::flattening(), test::peaks(), separable()}) {
      for (const bool tensor_cores : {false, true}) {
        if (tensor_cores && !is_16_bit(dtype)) continue;
        const auto nhwc = tensor_cores ? native() : asking_for_nhwc();
        SCOPED_TRACE(model.graph.name() + ", " + std::string(name_of(dtype)) + " on " + nhwc->name());
        const Comparison comparison = compare(model, *reference, *nhwc, *truth, test::initial_weights(model, 1),
                                              test::random_batch(model, 3, 5), {.dtype = dtype});
        EXPECT_TRUE(comparison.ok) << comparison.first_divergent << ": " << comparison.worst_ratio;
        EXPECT_GT(comparison.executed_b, 0u);
      }
    }
  }
}

template <class Call>
std::string message(Call&& call) {
  try {
    call();
  } catch (const InputError& e) {
    return e.what();
  }
  return "accepted";
}

// All images of a call lie alike, in one of two layouts.
TEST(NhwcSteps, Messages) {
  const auto backend = native();
  Ops& ops = *backend->choose("relu", Direction::forward, {}).ops;
  const auto image = [&](Layout layout) { return Tensor({1, 8, 2, 2}, DType::f32, backend->memory(), layout); };
  Tensor plain = image(Layout::nchw), last = image(Layout::nhwc), blocked = image(Layout::nchw8c);
  const std::string y = "relu_forward: y: expected f32 [1, 8, 2, 2]", on(backend->memory()->device());
  EXPECT_EQ(message([&] { ops.relu_forward(last.view(), plain.view()); }),
            on + " " + y + " nhwc on " + on + ", got f32 [1, 8, 2, 2] on " + on);
  EXPECT_EQ(message([&] { ops.relu_forward(plain.view(), last.view()); }),
            on + " " + y + " on " + on + ", got f32 [1, 8, 2, 2] nhwc on " + on);
  EXPECT_EQ(message([&] { ops.relu_forward(blocked.view(), blocked.view()); }),
            on + " relu_forward: x: expected nchw, or nhwc with 4 axes, got f32 [1, 8, 2, 2] nchw8c on " + on);
  EXPECT_EQ(message([&] { ops.convert_layout(plain.view(), plain.view()); }),
            on + " convert_layout: y: expected f32 [1, 8, 2, 2] nhwc on " + on + ", got f32 [1, 8, 2, 2] on " + on);
}

// What no plan would ask for.
TEST(NhwcSteps, ConvolutionsTakeNoOtherViews) {
  const Conv2dOptions options{.out_channels = 2, .kernel = 1};
  const auto refusal = [&](const std::string& engine, DType dtype, Layout x_layout, Layout y_layout) {
    const auto backend = our_engine(engine);
    const auto tensor = [&](const Shape& shape, Layout layout) {
      return Tensor(shape, dtype, backend->memory(), layout);
    };
    Tensor x = tensor({1, 8, 2, 2}, x_layout), w = tensor({2, 8, 1, 1}, Layout::nchw),
           y = tensor({1, 2, 2, 2}, y_layout);
    Ops& ops = *backend->choose("conv2d", Direction::forward, {}).ops;
    const std::string text = message([&] { ops.conv2d_forward(options, x.view(), w.view(), {}, y.view(), {}); });
    const std::string prefix = std::string(backend->memory()->device()) + " conv2d_forward: ";
    return text.starts_with(prefix) ? text.substr(prefix.size(), text.find(" on ") - prefix.size()) : text;
  };
  EXPECT_EQ(refusal("native", DType::f32, Layout::nhwc, Layout::nhwc), "x: expected f32 [1, 8, 2, 2]");
  EXPECT_EQ(refusal("direct", DType::bf16, Layout::nhwc, Layout::nhwc), "x: expected bf16 [1, 8, 2, 2]");
  EXPECT_EQ(refusal("native", DType::bf16, Layout::nhwc, Layout::nchw), "y: expected bf16 [1, 2, 2, 2] nhwc");
  EXPECT_EQ(refusal("native", DType::bf16, Layout::nchw, Layout::nhwc), "y: expected bf16 [1, 2, 2, 2]");
  EXPECT_EQ(refusal("native", DType::bf16, Layout::nhwc, Layout::nhwc), "workspace: expected 256 bytes, got 0");
}

}  // namespace
}  // namespace fovea::emu
