// SPDX-License-Identifier: Apache-2.0
//
// compare() on whole nets: agreement where devices agree, and the right layer named where one of them is wrong.
#include "core/compare/compare.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "core/compare/decisions.h"
#include "core/support/error.h"
#include "cpu_reference/reference_backend.h"
#include "cuda/emu_backend.h"
#include "tests/compare/faulty_layer.h"
#include "tests/compare/small_models.h"
#include "tests/core/small_nets.h"
#include "tests/support/checks.h"
#include "tests/support/devices.h"
#include "tests/support/fill.h"

namespace fovea::test {
namespace {

// Real pictures: most of each image is one and the same background, so that sums tie exactly.
Batch digits_batch(std::int64_t n) {
  const DataSplits data = open_data("digits");
  std::vector<std::int64_t> indices;
  for (std::int64_t i = 0; i < n; ++i) indices.push_back(i);
  Normalization normalization{.mean = {0.13f}, .deviation = {0.31f}};
  return make_batch(*data.test, indices, normalization);
}

struct Devices {
  std::unique_ptr<Backend> a = make_reference_backend(), truth = make_reference_backend();
  std::unique_ptr<Backend> b;
  explicit Devices(std::string_view engine = "native") : b(make_emu_backend(engine)) {}

  Comparison compare(const Model& model, const Batch& batch, const CompareOptions& options) {
    return fovea::compare(model, *a, *b, *truth, initial_weights(model, 1), batch, options);
  }
};

std::string failures(const Comparison& c) {
  std::string text = "first divergent '" + c.first_divergent + "', undecided " + std::to_string(c.undecided) + " of " +
                     std::to_string(c.decisions) + "\n";
  for (const TensorComparison& t : c.tensors)
    if (!t.ok)
      text += t.layer + " " + t.direction + " " + t.tensor + ": " + std::to_string(t.worst_ratio) + " at " +
              std::to_string(t.worst_index) + "\n";
  return text;
}

const TensorComparison& find(const Comparison& c, std::string_view layer, std::string_view tensor) {
  for (const TensorComparison& t : c.tensors)
    if (t.layer == layer && t.tensor == tensor) return t;
  throw InputError("no " + std::string(layer) + " " + std::string(tensor));
}

// Values, their gradients and the weights of products in 16 bits: each layer within its bound and half a step.
TEST(Compare, SixteenBitValues) {
  Devices devices;
  for (const DType dtype : {DType::bf16, DType::f16}) {
    for (const Model& model : {every_layer(), residual()}) {
      const Batch batch = random_batch(model, 3, 1);
      const Comparison c = devices.compare(model, batch, {.dtype = dtype});
      EXPECT_TRUE(c.ok) << name_of(dtype) << ": " << failures(c);
      EXPECT_GT(c.worst_ratio, 0.5) << "nothing was rounded to 16 bits";
      EXPECT_THROW(devices.compare(model, batch, {.mode = CompareMode::chained, .dtype = dtype}), InputError);
    }
    const Model model = every_layer();
    const Comparison damaged = devices.compare(model, random_batch(model, 3, 1), {.inject = "conv", .dtype = dtype});
    EXPECT_FALSE(damaged.ok);
    EXPECT_EQ(damaged.first_divergent, "conv");
  }
}

class BothModes : public testing::TestWithParam<CompareMode> {};
INSTANTIATE_TEST_SUITE_P(Compare, BothModes, testing::Values(CompareMode::isolated, CompareMode::chained),
                         [](const auto& mode) {
                           return std::string(mode.param == CompareMode::isolated ? "Isolated" : "Chained");
                         });

// The nets for digits; tests/cli/compare_models_test.py compares all.
TEST_P(BothModes, ReferenceAndEmulatorAgreeOnTheBuiltInNetsForDigits) {
  Devices devices;
  for (const BuiltinNet& net : builtin_nets()) {
    if (net.sample_shape != Shape{1, 28, 28}) continue;
    const Model model = make_classifier(net.build(net.sample_shape, net.classes));
    const Comparison c = devices.compare(model, digits_batch(2), {.mode = GetParam()});
    EXPECT_TRUE(c.ok) << net.name << ": " << failures(c);
    EXPECT_LE(c.worst_ratio, 1) << net.name;
    EXPECT_GT(c.worst_ratio, 0) << net.name << ": two devices that agree to the last bit were not compared";
    EXPECT_GT(c.executed_a, 0u);
    EXPECT_GT(c.executed_b, 0u);
    EXPECT_EQ(c.first_divergent, "");
    std::printf("worst error/bound  %s %s  %.3g, undecided %lld of %lld\n", std::string(net.name).c_str(),
                GetParam() == CompareMode::isolated ? "isolated" : "chained", c.worst_ratio,
                static_cast<long long>(c.undecided), static_cast<long long>(c.decisions));
  }
}

// Of whole images and, for the cross-entropies, of every position.
TEST_P(BothModes, LossesOverLabels) {
  Devices devices;
  const auto agrees = [&](Graph graph, std::shared_ptr<const Layer> loss) {
    graph.set_loss(std::move(loss));
    const Model model = make_classifier(std::move(graph));
    const Comparison c = devices.compare(model, random_batch(model, 4, 3), {.mode = GetParam()});
    EXPECT_TRUE(c.ok) << failures(c);
    EXPECT_GT(find(c, "loss", "output").worst_ratio, 0);
    EXPECT_GT(find(c, "fc", "weight_gradient").worst_ratio, 0);
  };
  const auto dense = [] {
    Graph g("dense");
    g.add("fc", Linear({.out_features = 5}), g.input("image", {2, 6, 7}));
    return g;
  };
  const auto positions = [] {
    Graph g("positions");
    g.add("fc", Conv2d({.out_channels = 5, .kernel = 3, .padding = 1}), g.input("image", {2, 6, 7}));
    return g;
  };
  for (const HingeLossOptions& options : {HingeLossOptions{}, HingeLossOptions{.squared = true},
                                          HingeLossOptions{.margin = 0.1, .average_classes = true}})
    agrees(dense(), std::make_shared<HingeLoss>(options));
  for (const SoftmaxCrossEntropyOptions& options :
       {SoftmaxCrossEntropyOptions{}, SoftmaxCrossEntropyOptions{.label_smoothing = 0.1},
        SoftmaxCrossEntropyOptions{.label_smoothing = 0.2, .class_weights = {1, 0.5, 0, 2, 3}}}) {
    agrees(dense(), std::make_shared<SoftmaxCrossEntropy>(options));
    agrees(positions(), std::make_shared<SoftmaxCrossEntropy>(options));
  }
}

TEST_P(BothModes, EveryLayer) {
  const Model model = every_layer();
  for (const char* engine : {"native", "direct"}) {
    Devices devices(engine);
    const Comparison c = devices.compare(model, random_batch(model, 3, 5), {.mode = GetParam()});
    EXPECT_TRUE(c.ok) << engine << ": " << failures(c);
    EXPECT_NO_THROW(find(c, "conv", "weight_gradient"));
    EXPECT_NO_THROW(find(c, "maxpool", "index"));
    EXPECT_NO_THROW(find(c, "loss", "probabilities"));
  }
}

TEST_P(BothModes, AnInjectedErrorIsFoundInItsLayer) {
  Devices devices;
  const Model model = every_layer();
  int layers = 0;
  for (const Node& node : model.graph.nodes()) {
    if (!node.layer) continue;
    const Comparison c = devices.compare(model, random_batch(model, 2, 5), {.mode = GetParam(), .inject = node.name});
    EXPECT_FALSE(c.ok) << node.name;
    EXPECT_GT(c.worst_ratio, 1) << node.name;
    EXPECT_EQ(c.first_divergent, node.name);
    EXPECT_FALSE(find(c, node.name, "output").ok) << node.name;
    ++layers;
  }
  EXPECT_EQ(layers, 12);
}

TEST(Compare, IsolatedLayersDoNotInheritAnError) {
  Devices devices;
  const Model model = every_layer();
  const Comparison c = devices.compare(model, random_batch(model, 2, 5), {.inject = "conv"});
  for (const TensorComparison& t : c.tensors) EXPECT_EQ(t.ok, t.layer != "conv" || t.tensor != "output") << t.layer;
}

// Changes one element on the emulated device, whose memory lies in this process.
void spoil(const View& view) {
  if (view.memory->device() != "emu") return;
  float value = 0;
  std::memcpy(&value, view.data, sizeof value);
  value += 0.01f;
  std::memcpy(view.data, &value, sizeof value);
}

// A ReLU that is right on the host and wrong on the emulated device, forward or backward.
Model with_faulty_relu(bool in_backward) {
  Graph g("faulty");
  const NodeId image = g.input("image", {1, 6, 6});
  const NodeId conv1 = g.add("conv1", Conv2d({.out_channels = 4, .kernel = 3}), image);
  const NodeId relu1 = g.add(
      "relu1",
      in_backward
          ? FaultyLayer(std::make_shared<Relu>(), nullptr, [](const auto& args) { spoil(args.input_gradients[0]); })
          : FaultyLayer(
                std::make_shared<Relu>(), [](const auto& args) { spoil(args.output); }, nullptr),
      conv1);
  const NodeId conv2 = g.add("conv2", Conv2d({.out_channels = 4, .kernel = 3}), relu1);
  g.add("fc", Linear({.out_features = 3}), g.add("flat", Flatten(), conv2));
  return make_classifier(g);
}

TEST_P(BothModes, AWrongForwardIsFound) {
  Devices devices;
  const Model model = with_faulty_relu(false);
  const Comparison c = devices.compare(model, random_batch(model, 2, 5), {.mode = GetParam()});
  EXPECT_FALSE(c.ok);
  EXPECT_EQ(c.first_divergent, "relu1");
  EXPECT_FALSE(find(c, "relu1", "output").ok);
  EXPECT_EQ(find(c, "relu1", "output").worst_index, 0);
}

TEST_P(BothModes, AWrongBackwardIsFound) {
  Devices devices;
  const Model model = with_faulty_relu(true);
  const Comparison c = devices.compare(model, random_batch(model, 2, 5), {.mode = GetParam()});
  EXPECT_FALSE(c.ok);
  EXPECT_EQ(c.first_divergent, "relu1");
  EXPECT_TRUE(find(c, "relu1", "output").ok);
  EXPECT_FALSE(find(c, "relu1", "input_gradient").ok);
}

TEST(Compare, NaNWeightsCountAsEqualOnlyWhereBothHaveThem) {
  Devices devices;
  const Model model = every_layer();
  std::vector<Tensor> weights = initial_weights(model, 1);
  weights[0].span<float>()[0] = std::numeric_limits<float>::quiet_NaN();
  const Comparison c = compare(model, *devices.a, *devices.b, *devices.truth, weights, random_batch(model, 2, 5), {});
  EXPECT_TRUE(c.ok) << failures(c);
  EXPECT_FALSE(
      compare(model, *devices.a, *devices.b, *devices.truth, weights, random_batch(model, 2, 5), {.inject = "conv"})
          .ok);
}

// A net whose every ReLU input lies within its tolerance of 0: x and -x, so that every sum cancels, up to a residue.
struct Cancelling {
  Model model;
  std::vector<Tensor> weights;
  Batch batch;
  explicit Cancelling(std::int64_t samples) {
    Graph g("flat");
    const NodeId image = g.input("image", {8});
    const NodeId fc1 = g.add("fc1", Linear({.out_features = 64}), image);
    g.add("fc2", Linear({.out_features = 3}), g.add("relu", Relu(), fc1));
    model = make_classifier(g);
    weights = initial_weights(model, 1);
    for (std::size_t row = 0; row < 64; ++row)
      for (std::size_t i = 0; i < 4; ++i)
        weights[0].span<float>()[row * 8 + i + 4] = -weights[0].span<float>()[row * 8 + i];
    batch = random_batch(model, samples, 5);
    for (std::size_t n = 0; n < static_cast<std::size_t>(samples); ++n)
      for (std::size_t i = 0; i < 4; ++i)
        batch.images.span<float>()[n * 8 + i + 4] = batch.images.span<float>()[n * 8 + i];
  }
  Comparison compare(const CompareOptions& options) const {
    Devices devices;
    return fovea::compare(model, *devices.a, *devices.b, *devices.truth, weights, batch, options);
  }
};

TEST(Compare, TooManyUndecidedDecisionsFail) {
  const Cancelling net(1);
  const Comparison c = net.compare({.mode = CompareMode::chained});
  EXPECT_EQ(c.undecided, 64);
  EXPECT_EQ(c.decisions, 64);
  EXPECT_FALSE(c.ok);
  EXPECT_LE(c.worst_ratio, 1) << "nothing is wrong; too little was decided";
  EXPECT_TRUE(net.compare({.mode = CompareMode::chained, .max_undecided = 1}).ok);
  EXPECT_TRUE(net.compare({.mode = CompareMode::isolated}).ok) << "isolated inputs are exact";
}

// Over a batch, gates that differ would add up in full where the chained rule adds squares; the devices follow the
// truth's, and what is compared is arithmetic.
TEST(Compare, DevicesFollowTheTruthsUndecidedDecisions) {
  const Cancelling net(64);
  const Comparison c = net.compare({.mode = CompareMode::chained, .max_undecided = 1});
  EXPECT_EQ(c.undecided, 64 * 64);
  EXPECT_TRUE(c.ok) << failures(c);
  EXPECT_LT(find(c, "fc1", "weight_gradient").worst_ratio, 0.1) << "a gate was decided otherwise";
}

TEST(Decisions, AreFollowedWithinTheToleranceOnly) {
  const auto tensor = [](std::vector<double> v) {
    return Tensor::from<double>({static_cast<std::int64_t>(v.size())}, std::span<const double>(v));
  };
  //                       same side, other side, beyond, from 0,      to 0, NaN
  const Uncertain truth{tensor({1.0, 0.5, 0.5, 1e-60, -0.25, 0.5}), tensor({1, 1, 0.1, 1, 1, 1})};
  Tensor actual = Tensor::from({6}, {1.5f, -0.25f, -0.25f, 0.0f, 0.25f, std::numeric_limits<float>::quiet_NaN()});
  EXPECT_TRUE(follow_decisions(actual, truth));
  const auto v = actual.span<float>();
  EXPECT_EQ(v[0], 1.5f);
  EXPECT_EQ(v[1], 0.5f);
  EXPECT_EQ(v[2], -0.25f);
  EXPECT_EQ(v[3], std::numeric_limits<float>::min()) << "0 would be on the other side again";
  EXPECT_EQ(v[4], -0.25f);
  EXPECT_TRUE(std::isnan(v[5]));
  EXPECT_FALSE(follow_decisions(actual, {truth.value, {}})) << "an exact truth leaves nothing to follow";

  const std::vector<std::int32_t> winners{3, 4};
  Tensor index = Tensor::from<std::int32_t>({2}, std::span<const std::int32_t>(winners));
  EXPECT_TRUE(follow_decisions(index, {tensor({5, 5}), tensor({std::numeric_limits<double>::infinity(), 0})}));
  EXPECT_EQ(index.span<std::int32_t>()[0], 5);
  EXPECT_EQ(index.span<std::int32_t>()[1], 4);
}

// What compare sees step by step, with every buffer kept, is what an ordinary run computes.
TEST(Executor, ReusingTheArenaChangesNoBitOnTheEmulator) {
  const Model model = every_layer();
  const std::vector<Tensor> weights = initial_weights(model, 1);
  const Batch batch = random_batch(model, 3, 5);
  const auto results = [&](Backend& device, bool retain) {
    auto arena = std::make_shared<ParameterArena>(ParameterLayout::of(model.graph), device.memory());
    for (std::size_t i = 0; i < weights.size(); ++i) arena->set(i, weights[i]);
    Executor executor(model.graph, device, arena,
                      {.batch = 3, .training = true, .target = model.loss, .retain = retain});
    executor.set_input(model.image, batch.images);
    executor.set_input(model.label, batch.labels);
    executor.forward();
    executor.backward();
    std::vector<Tensor> all{executor.read(model.loss)};
    for (std::size_t i = 0; i < weights.size(); ++i) all.push_back(executor.gradients()->get(i));
    return std::pair{executor.plan().arena_bytes, all};
  };
  for (const char* schedule : {"forward", "reverse", "shuffled"}) {
    const auto device = make_emu_backend("native", EmuOptions::parse(schedule));
    const auto [bytes_kept, kept] = results(*device, true);
    const auto [bytes_reused, reused] = results(*device, false);
    EXPECT_LT(bytes_reused, bytes_kept);
    ASSERT_EQ(kept.size(), reused.size());
    for (std::size_t i = 0; i < kept.size(); ++i) EXPECT_TRUE(same_bits(kept[i], reused[i])) << schedule << " " << i;
  }
}

TEST(Compare, RefusesWhatItCannotDo) {
  Devices devices;
  const Model model = every_layer();
  const Batch batch = random_batch(model, 2, 5);
  EXPECT_THROW(devices.compare(model, batch, {.inject = "conv9"}), InputError);
  EXPECT_THROW(devices.compare(model, batch, {.inject = "image"}), InputError);
  EXPECT_THROW(compare(model, *devices.a, *devices.b, *devices.truth, {}, batch, {}), InputError);
  EXPECT_THROW(compare(model, *devices.a, *devices.a, *devices.truth, initial_weights(model, 1), batch, {}),
               InputError);
}

}  // namespace
}  // namespace fovea::test
