// SPDX-License-Identifier: Apache-2.0
//
// ReLUs that the operation before applies, and their gradients, which the backward of the operation behind applies, on
// the engines of our own kernels: which ones, what that saves, and that it changes no bit in any type of storage. Who
// fuses is the engine's to say; who may be fused, the graph's.
#include "core/executor/plan_fusion.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/backend/device_list.h"
#include "core/executor/executor.h"
#include "core/executor/plan_launches.h"
#include "core/executor/step_call.h"
#include "core/layers/avg_pool2d.h"
#include "core/layers/conv1d.h"
#include "core/layers/conv_transpose2d.h"
#include "core/layers/dropout.h"
#include "core/models/models.h"
#include "tests/core/plan_trace.h"
#include "tests/core/small_nets.h"
#include "tests/support/checks.h"

namespace fovea::test {
namespace {

constexpr std::int64_t batch = 3;
constexpr DType stored_types[] = {DType::f32, DType::bf16, DType::f16};
using Names = std::vector<std::string>;

PlanOptions options_for(const Model& model, bool training, DType dtype = DType::f32) {
  return {.batch = batch, .training = training, .target = training ? model.loss : model.logits, .dtype = dtype};
}
PlanOptions unfused(PlanOptions options) {
  options.passes.fuse = false;
  return options;
}

// What a device would run, by the names that profilers are told.
struct Planned {
  Names fused, gradients, ranges;  // steps that apply a ReLU forward, and backward
  std::int64_t launches = 0, conversions = 0;
  Plan plan;

  Planned(const Model& model, const char* device, const PlanOptions& options) {
    const std::unique_ptr<Backend> dry = open_dry_device(device);
    const ParameterLayout layout = ParameterLayout::of(model.graph);
    plan = make_plan(model.graph, layout, *dry, options);
    for (const PlanStep& step : plan.steps) {
      conversions += step.kind == StepKind::convert;
      ranges.push_back(range_name(model.graph, step));
      if (step.fused_relu >= 0) (step.kind == StepKind::forward ? fused : gradients).push_back(ranges.back());
    }
    for (const std::int64_t of_step : count_launches(model.graph, layout, plan, *dry)) launches += of_step;
  }
  bool has(const std::string& range) const { return std::ranges::find(ranges, range) != ranges.end(); }
};

std::size_t bytes_of_buffers(const Plan& plan) {
  std::size_t bytes = 0;
  for (const PlanBuffer& buffer : plan.buffers) bytes += buffer.bytes;
  return bytes;
}

struct BuiltIn {
  const char* name;
  Names fused, gradients;
  std::int64_t inference_launches;  // one for each layer that is left
};

Names resnet20_fused() {
  Names names{"bn1+relu forward"};
  for (const char* stage : {"layer1", "layer2", "layer3"})
    for (const char* number : {"-0-", "-1-", "-2-"}) {
      const std::string block = std::string(stage) + number;
      names.push_back(block + "bn1+" + block + "relu1 forward");
      names.push_back(block + "add+" + block + "relu forward");
    }
  return names;
}

Names resnet18_fused() {
  Names names{"bn1+relu forward"};
  for (const char* block :
       {"layer1-0-", "layer1-1-", "layer2-0-", "layer2-1-", "layer3-0-", "layer3-1-", "layer4-0-", "layer4-1-"}) {
    const std::string b = block;
    names.push_back(b + "bn1+" + b + "relu1 forward");
    names.push_back(b + "add+" + b + "relu forward");
  }
  return names;
}

// Within each block, from the last to the first. What a block leaves has two readers, or adaptive pooling reads it.
Names gradients_within(Names blocks) {
  Names names;
  std::ranges::reverse(blocks);
  for (const std::string& b : blocks) names.push_back(b + "conv2+" + b + "relu1 backward");
  return names;
}
Names resnet18_gradients() {
  Names names = gradients_within(
      {"layer1-0-", "layer1-1-", "layer2-0-", "layer2-1-", "layer3-0-", "layer3-1-", "layer4-0-", "layer4-1-"});
  names.push_back("maxpool+relu backward");
  return names;
}

const std::vector<BuiltIn>& built_in() {
  static const std::vector<BuiltIn> nets{
      // 2 convolutions, 2 pools, 3 dense layers.
      {"lenet5",
       {"conv1+relu1 forward", "conv2+relu2 forward", "fc1+relu3 forward", "fc2+relu4 forward"},
       {"fc3+relu4 backward", "fc2+relu3 backward", "pool2+relu2 backward", "pool1+relu1 backward"},
       7},
      // 5 convolutions, 3 pools and the adaptive one, 3 dense layers; dropout is nothing in inference.
      {"alexnet",
       {"features-0+features-1 forward", "features-3+features-4 forward", "features-6+features-7 forward",
        "features-8+features-9 forward", "features-10+features-11 forward", "classifier-1+classifier-2 forward",
        "classifier-4+classifier-5 forward"},
       // Behind the first dense layer's ReLU is dropout.
       {"classifier-6+classifier-5 backward", "features-12+features-11 backward", "features-10+features-9 backward",
        "features-8+features-7 backward", "features-5+features-4 backward", "features-2+features-1 backward"},
       12},
      // 19 convolutions, each with its batch norm; 9 sums, 2 shortcuts of two steps, the mean, the dense layer.
      {"resnet20", resnet20_fused(),
       gradients_within({"layer1-0-", "layer1-1-", "layer1-2-", "layer2-0-", "layer2-1-", "layer2-2-", "layer3-0-",
                         "layer3-1-", "layer3-2-"}),
       19 + 19 + 9 + 2 * 2 + 1 + 1},
      // 20 convolutions, each with its batch norm; 8 sums, the pool, the mean, the dense layer.
      {"resnet18", resnet18_fused(), resnet18_gradients(), 20 + 20 + 8 + 1 + 1 + 1},
  };
  return nets;
}

TEST(PlanFusion, BuiltInNetsOnOurOwnKernels) {
  for (const BuiltIn& net : built_in())
    for (const char* device : {"emu", "emu:direct"})
      for (const DType dtype : stored_types)
        for (const bool training : {false, true}) {
          SCOPED_TRACE(std::string(net.name) + " on " + device + ", " + std::string(name_of(dtype)) +
                       (training ? ", training" : ", inference"));
          const Model model = make_classifier(load_net(net.name));
          const PlanOptions options = options_for(model, training, dtype);
          const Planned fused(model, device, options), plain(model, device, unfused(options));
          const std::size_t steps = net.fused.size() + (training ? net.gradients.size() : 0);
          EXPECT_EQ(fused.fused, net.fused);
          EXPECT_EQ(fused.gradients, training ? net.gradients : Names{});
          EXPECT_EQ(plain.fused, Names{});
          EXPECT_EQ(plain.gradients, Names{});
          EXPECT_EQ(plain.plan.steps.size() - fused.plan.steps.size(), steps);
          EXPECT_EQ(plain.launches - fused.launches, static_cast<std::int64_t>(steps)) << "a launch each";
          EXPECT_LT(bytes_of_buffers(fused.plan), bytes_of_buffers(plain.plan));
          EXPECT_TRUE(PlanTrace(model.graph, fused.plan).check());
          if (!training && dtype == DType::f32) {
            EXPECT_EQ(fused.launches, net.inference_launches);
          }
        }
}

TEST(PlanFusion, ReferenceFusesNothing) {
  for (const BuiltIn& net : built_in()) {
    const Model model = make_classifier(load_net(net.name));
    const Planned planned(model, "reference", options_for(model, true));
    EXPECT_EQ(planned.fused, Names{}) << net.name;
    EXPECT_EQ(planned.gradients, Names{}) << net.name;
  }
}

// conv2d and linear are the libraries', which have such a form in 16 bits only; what they lack is native, and fuses.
TEST(PlanFusion, LibraryEngineFusesWhatIsNative) {
  const std::vector<DeviceInfo> devices = list_devices();
  const auto cuda = std::ranges::find(devices, std::string("cuda"), &DeviceInfo::name);
  if (!cuda->available) GTEST_SKIP() << "cuda:library: " << cuda->detail;
  const auto library = std::ranges::find(cuda->engines, std::string("library"), &EngineInfo::name);
  if (!library->available) GTEST_SKIP() << "cuda:library: " << library->detail;
  for (const BuiltIn& net : built_in()) {
    const Model model = make_classifier(load_net(net.name));
    const Planned planned(model, "cuda:library", options_for(model, true));
    EXPECT_EQ(planned.fused, std::string_view(net.name).starts_with("resnet") ? net.fused : Names{}) << net.name;
    Names pools;
    for (const std::string& name : net.gradients)
      if (name.starts_with("pool") || name.starts_with("maxpool") || name.starts_with("features-2+") ||
          name.starts_with("features-5+") || name.starts_with("features-12+"))
        pools.push_back(name);
    EXPECT_EQ(planned.gradients, pools) << net.name;
    for (const DType dtype : {DType::bf16, DType::f16}) {
      const Planned narrow(model, "cuda:library", options_for(model, true, dtype));
      EXPECT_EQ(narrow.fused, net.fused) << net.name;
      EXPECT_EQ(narrow.gradients, pools) << net.name;
      EXPECT_LE(narrow.conversions, Planned(model, "cuda:native", options_for(model, true, dtype)).conversions);
    }
  }
}

// Groups, holes, no bias, sequences, dense layers, dropout behind.
Model rectified_images() {
  Graph g("images");
  NodeId x = g.input("image", {4, 7, 6});
  x = g.add("wide", Conv2d({.out_channels = 6, .kernel = 3, .padding = 2, .dilation = 2, .groups = 2}), x);
  x = g.add("relu0", Relu(), x);
  x = g.add("plain", Conv2d({.out_channels = 5, .kernel = 3, .stride = 2, .bias = false}), x);
  x = g.add("relu1", Relu(), x);
  x = g.add("fc", Linear({.out_features = 9}), g.add("flat", Flatten(), x));
  x = g.add("drop", Dropout({.rate = 0.4}), g.add("relu2", Relu(), x));
  g.add("out", Linear({.out_features = 4, .bias = false}), x);
  return make_classifier(g);
}
Model rectified_sequences() {
  Graph g("sequences");
  const NodeId x = g.add("conv", Conv1d({.out_channels = 5, .kernel = 3, .padding = 1}), g.input("image", {3, 11}));
  g.add("out", Linear({.out_features = 4}), g.add("flat", Flatten(), g.add("relu", Relu(), x)));
  return make_classifier(g);
}
// A transposed convolution is the data gradient of another one, and adds its bias afterwards: nothing to fuse into.
Model rectified_transposed() {
  Graph g("transposed");
  const NodeId x =
      g.add("up", ConvTranspose2d({.out_channels = 3, .kernel = 2, .stride = 2}), g.input("image", {2, 3, 3}));
  g.add("out", Linear({.out_features = 4}), g.add("flat", Flatten(), g.add("relu", Relu(), x)));
  return make_classifier(g);
}

TEST(PlanFusion, FollowsTheGraph) {
  const auto fused = [](const Model& model, PlanOptions options) { return Planned(model, "emu", options).fused; };
  for (const bool training : {false, true}) {
    const auto of = [&](const Model& model) { return fused(model, options_for(model, training)); };
    EXPECT_EQ(of(rectified_images()), (Names{"wide+relu0 forward", "plain+relu1 forward", "fc+relu2 forward"}));
    EXPECT_EQ(of(rectified_sequences()), Names{"conv+relu forward"});
    EXPECT_EQ(of(rectified_transposed()), Names{});
    EXPECT_EQ(of(branching()), Names{}) << "a convolution with three readers";
    EXPECT_EQ(of(preactivated()), Names{}) << "values that a shortcut reads too";
    EXPECT_EQ(of(pixelwise()), Names{"conv+relu forward"});
  }
  const Model model = pixelwise();
  PlanOptions options = options_for(model, false);
  options.keep = {model.graph.find("conv")};
  EXPECT_EQ(fused(model, options), Names{}) << "the caller wants the value between";
  options.keep = {model.graph.find("relu")};
  EXPECT_EQ(fused(model, options), Names{"conv+relu forward"});
  options.keep = {};
  options.retain = true;
  EXPECT_EQ(fused(model, options), Names{});
  options.retain = false;
  options.target = model.graph.find("relu");
  EXPECT_EQ(fused(model, options), Names{"conv+relu forward"});
  options.target = model.graph.find("conv");
  EXPECT_EQ(fused(model, options), Names{});
}

// Views between a ReLU and its one reader, pools of every kind, sequences; and what stands in the way: a second reader
// of the ReLU or of its input, dropout, an operation that knows no such form.
Model gradients_through_views() {
  Graph g("views");
  NodeId x = g.add("conv0", Conv2d({.out_channels = 4, .kernel = 3, .padding = 1}), g.input("image", {2, 8, 8}));
  x = g.add("average", AvgPool2d({.kernel = 3, .stride = 2, .padding = 1}), g.add("relu0", Relu(), x));
  x = g.add("norm", BatchNorm({}), x);
  x = g.add("relu1", Relu(), x);
  x = g.add("fc1", Linear({.out_features = 6}), g.add("flat1", Flatten(), g.add("flat0", Flatten(), x)));
  x = g.add("drop", Dropout({.rate = 0.4}), g.add("relu2", Relu(), x));
  x = g.add("fc2", Linear({.out_features = 5}), x);
  g.add("out", Linear({.out_features = 4}), g.add("relu3", Relu(), x));
  return make_classifier(g);
}
Model gradients_in_the_way() {
  Graph g("in_the_way");
  const Conv2dOptions same{.out_channels = 3, .kernel = 3, .padding = 1};
  const NodeId a = g.add("conv0", Conv2d(same), g.input("image", {2, 6, 6}));
  const NodeId b = g.add("conv1", Conv2d(same), g.add("relu0", Relu(), a));  // conv0 is read by relu0 and sum
  const NodeId c = g.add("relu1", Relu(), g.add("sum", Add(), {a, b}));      // read by two convolutions
  const NodeId d = g.add("sum2", Add(), {g.add("conv2", Conv2d(same), c), g.add("conv3", Conv2d(same), c)});
  const NodeId e = g.add("mean", GlobalAvgPool2d(), g.add("relu2", Relu(), d));
  const NodeId f = g.add("fc1", Linear({.out_features = 5}), g.add("flat", Flatten(), e));
  g.add("out", Linear({.out_features = 4}), g.add("relu4", Relu(), g.add("flat2", Flatten(), f)));  // of a view
  return make_classifier(g);
}

TEST(PlanFusion, GradientsFollowTheGraph) {
  const auto gradients = [](const Model& model, PlanOptions options) {
    const Planned planned(model, "emu", options);
    EXPECT_TRUE(PlanTrace(model.graph, planned.plan).check());
    return planned.gradients;
  };
  const auto of = [&](const Model& model) { return gradients(model, options_for(model, true)); };
  EXPECT_EQ(of(gradients_through_views()),
            (Names{"out+relu3 backward", "fc1+relu1 backward", "average+relu0 backward"}));
  EXPECT_EQ(of(gradients_in_the_way()), Names{});
  EXPECT_EQ(of(rectified_images()), (Names{"fc+relu1 backward", "plain+relu0 backward"}));
  EXPECT_EQ(of(rectified_sequences()), Names{"out+relu backward"});
  EXPECT_EQ(of(rectified_transposed()), Names{"out+relu backward"}) << "the ReLU is applied by nobody forward";
  EXPECT_EQ(of(branching()), Names{});
  EXPECT_EQ(of(preactivated()), Names{}) << "ReLUs of values that a shortcut reads too";
  EXPECT_EQ(of(flattening()), Names{"pool+relu backward"});
  EXPECT_EQ(of(residual()), Names{"conv2+relu1 backward"});
  const Model model = pixelwise();
  PlanOptions options = options_for(model, true);
  EXPECT_EQ(gradients(model, options), Names{"score+relu backward"});
  options.keep = {model.graph.find("conv"), model.graph.find("relu")};
  EXPECT_EQ(gradients(model, options), Names{"score+relu backward"}) << "values are kept, not gradients";
  options.retain = true;
  EXPECT_EQ(gradients(model, options), Names{});
  EXPECT_EQ(gradients(model, options_for(model, false)), Names{});
}

// The ReLU of an image: the gradient that is left is the image's.
TEST(PlanFusion, GradientOfTheInput) {
  Graph g("rectified_input");
  const NodeId x = g.add("relu", Relu(), g.input("image", {2, 5, 4}));
  g.add("score", Conv2d({.out_channels = 4, .kernel = 1}), x);
  const Model model = make_classifier(g);
  PlanOptions options = options_for(model, true);
  EXPECT_EQ(Planned(model, "emu", options).gradients, Names{}) << "nobody wants it";
  options.input_gradient = true;
  const Planned planned(model, "emu", options);
  EXPECT_EQ(planned.gradients, Names{"score+relu backward"});
  const BufferUse& gradient = planned.plan.gradients[static_cast<std::size_t>(model.image)];
  ASSERT_NE(gradient.buffer, no_buffer);
  const PlanBuffer& buffer = planned.plan.buffers[static_cast<std::size_t>(gradient.buffer)];
  EXPECT_EQ(buffer.name, "image.gradient");
  EXPECT_EQ(buffer.last_step, static_cast<int>(planned.plan.steps.size()) - 1);
}

// The value between is gone; its gradient is not the ReLU's.
TEST(PlanFusion, TheOperationKeepsAGradientOfItsOwn) {
  const Model model = pixelwise();
  const Planned planned(model, "emu", options_for(model, true));
  const auto buffers = [&](const std::string& name) {
    return std::ranges::count(planned.plan.buffers, name, &PlanBuffer::name);
  };
  EXPECT_EQ(buffers("conv"), 0);
  EXPECT_EQ(buffers("relu.gradient"), 0);
  for (const char* name : {"relu", "conv.gradient"}) EXPECT_EQ(buffers(name), 1) << name;
  EXPECT_EQ(planned.plan.gradients[static_cast<std::size_t>(model.graph.find("relu"))].buffer, no_buffer);
  EXPECT_TRUE(planned.has("conv+relu forward") && planned.has("score+relu backward") && planned.has("conv backward"));
  EXPECT_FALSE(planned.has("relu forward") || planned.has("relu backward"));
  // The value of the ReLU stays until the step that reads it for both.
  const PlanBuffer& value = *std::ranges::find(planned.plan.buffers, "relu", &PlanBuffer::name);
  EXPECT_EQ(planned.ranges[static_cast<std::size_t>(value.last_step)], "score+relu backward");
}

// One pass, and what it leaves.
std::vector<Tensor> results_of(const Model& model, Backend& backend, PlanOptions options, NodeId inject = -1) {
  options.keep = options.training ? std::vector<NodeId>{model.logits} : std::vector<NodeId>{};
  const auto weights = std::make_shared<ParameterArena>(ParameterLayout::of(model.graph), backend.memory());
  initialise(*weights, 3);
  Executor executor(model.graph, backend, weights, options);
  const std::vector<Shape> shapes = model.graph.shapes(batch);
  executor.set_input(model.image, random_tensor(shapes[static_cast<std::size_t>(model.image)], 0));
  if (options.training) executor.set_input(model.label, labels(shapes[static_cast<std::size_t>(model.label)], 4));
  executor.set_random(7, 1);
  if (inject >= 0) executor.inject(inject);
  executor.forward();
  std::vector<Tensor> results{executor.read(model.logits)};
  if (!options.training) return results;
  executor.backward();
  results.push_back(executor.read(model.loss));
  for (std::size_t i = 0; i < weights->layout().entries.size(); ++i)
    results.push_back(weights->layout().entries[i].trained ? executor.gradients()->get(i) : weights->get(i));
  return results;
}

TEST(PlanFusion, ChangesNoBit) {
  const std::vector<Model> models{
      rectified_images(), rectified_sequences(),     rectified_transposed(), residual(), flattening(), pixelwise(),
      preactivated(),     gradients_through_views(), gradients_in_the_way()};
  for (const char* device : {"emu", "emu:direct"}) {
    const std::unique_ptr<Backend> backend = open_device(device);
    for (const Model& model : models)
      for (const DType dtype : stored_types)
        for (const bool training : {false, true}) {
          const PlanOptions options = options_for(model, training, dtype);
          const std::vector<Tensor> fused = results_of(model, *backend, options);
          const std::vector<Tensor> plain = results_of(model, *backend, unfused(options));
          ASSERT_EQ(fused.size(), plain.size());
          for (std::size_t i = 0; i < fused.size(); ++i)
            EXPECT_TRUE(same_bits(fused[i], plain[i]))
                << model.graph.name() << " on " << device << ", " << name_of(dtype) << ", result " << i;
        }
  }
}

// Either name stands for the step that computes both.
TEST(PlanFusion, AFaultIsInjectedUnderEitherName) {
  const Model model = pixelwise();
  const std::unique_ptr<Backend> backend = open_device("emu");
  for (const char* layer : {"conv", "relu"}) {
    const std::vector<Tensor> damaged = results_of(model, *backend, options_for(model, false), model.graph.find(layer));
    const auto values = damaged[0].span<float>();
    EXPECT_TRUE(std::ranges::any_of(values, [](float v) { return std::isnan(v); })) << layer;
    EXPECT_FALSE(std::ranges::all_of(values, [](float v) { return std::isnan(v); })) << layer;
  }
}

}  // namespace
}  // namespace fovea::test
