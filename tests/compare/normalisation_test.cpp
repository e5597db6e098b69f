// SPDX-License-Identifier: Apache-2.0
//
// Pooling and normalisation layers: how their bounds propagate, whole nets of them, and folding.
#include <gtest/gtest.h>

#include "core/compare/compare.h"
#include "core/compare/measure.h"
#include "core/executor/fold_batch_norm.h"
#include "core/layers/adaptive_pool2d.h"
#include "core/layers/batch_norm.h"
#include "core/layers/conv1d.h"
#include "core/layers/lrn.h"
#include "core/layers/min_pool2d.h"
#include "core/layers/sum_pool2d.h"
#include "core/support/error.h"
#include "cpu_reference/reference_backend.h"
#include "cuda/emu_backend.h"
#include "tests/compare/small_models.h"
#include "tests/compare/stray.h"
#include "tests/support/checks.h"

namespace fovea::test {
namespace {

Tensor doubles(const Shape& shape, std::string_view name, float low, float high) {
  return reals(shape, stream_for(name, 2), low, high).converted(DType::f64);
}

// 0.05 apart in random order: further than tolerances of 0.01 can move.
Tensor far_apart(const Shape& shape, std::string_view name) {
  Tensor result(shape, DType::f64);
  RandomStream random = stream_for(name, 3);
  const auto v = result.span<double>();
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = 0.05 * static_cast<double>(i);
  for (std::size_t i = v.size(); i > 1; --i) std::swap(v[i - 1], v[random.below(static_cast<std::uint32_t>(i))]);
  return result;
}

TEST(Propagation, Pooling) {
  const Tensor x = far_apart({2, 3, 7, 9}, "pooling");
  expect_propagation("min", MinPool2d({.kernel = 3, .stride = 2, .padding = 1}), x, {}, {}, 0.01);
  expect_propagation("sum", SumPool2d({.kernel = 3, .stride = 2, .padding = 1}), x, {}, {}, 0.01);
  expect_propagation("adaptive average", AdaptiveAvgPool2d({.output_size = {3, 5}}), x, {}, {}, 0.01);
  expect_propagation("adaptive maximum", AdaptiveMaxPool2d({.output_size = {3, 5}}), x, {}, {}, 0.01);
  expect_propagation("global average", GlobalAvgPool2d(), x, {}, {}, 0.01);
  expect_propagation("global maximum", GlobalMaxPool2d(), x, {}, {}, 0.01);
}

TEST(Propagation, UndecidedAdaptiveMaximum) {
  // 5 wins surely on the left; on the right 8 and 7.5 may.
  const std::vector<double> v{1, 5, 8, 7.5}, t{0.1, 0.2, 0.1, 0.5};
  const Shape shape{1, 1, 1, 4};
  const std::vector<Uncertain> inputs{{Tensor::from<double>(shape, v), Tensor::from<double>(shape, t)}};
  const AdaptiveMaxPool2d layer({.output_size = {1, 2}});
  Tensor index({1, 1, 1, 2}, DType::i32);
  index.span<std::int32_t>()[0] = 1;
  index.span<std::int32_t>()[1] = 2;
  std::vector<Uncertain> saved{{index, {}}};
  Uncertain y{doubles({1, 1, 1, 2}, "y", 5, 8), {}};
  ForwardToleranceArgs forward{truth_ops(), inputs, {}, y, saved};
  layer.forward_tolerance(forward);
  EXPECT_EQ(forward.decisions, 2);
  EXPECT_EQ(forward.undecided, 1);
  EXPECT_EQ(tolerance_at(y, 0), 0.2);
  EXPECT_EQ(tolerance_at(y, 1), 0.5);
  EXPECT_EQ(tolerance_at(saved[0], 0), 0);
  EXPECT_TRUE(std::isinf(tolerance_at(saved[0], 1)));
  const Uncertain dy{Tensor::from<double>({1, 1, 1, 2}, std::vector<double>{3, 4}), {}};
  Uncertain dx{Tensor::from<double>(shape, std::vector<double>{0, 3, 4, 0}), {}};
  BackwardToleranceArgs backward{truth_ops(), inputs, {}, y, dy, saved, {&dx, 1}, {}};
  layer.backward_tolerance(backward);
  EXPECT_EQ(tolerance_at(dx, 0), 0);
  EXPECT_EQ(tolerance_at(dx, 1), 0);
  EXPECT_EQ(tolerance_at(dx, 2), 4);
  EXPECT_EQ(tolerance_at(dx, 3), 4);
}

TEST(Propagation, Lrn) {
  const Tensor x = doubles({2, 8, 3, 4}, "lrn", -2, 2);
  for (const LrnRegion region : {LrnRegion::across, LrnRegion::within})
    for (const double alpha : {0.1, 1.0, 10.0})
      expect_propagation("lrn " + std::to_string(alpha),
                         Lrn({.size = 5, .alpha = alpha, .beta = 0.75, .region = region, .divide_by_size = false}), x,
                         {}, {}, 1e-3);
}

struct Norm {
  std::vector<Tensor> parameters, state;
  explicit Norm(const Shape& x)
      : parameters{doubles({x[1]}, "weight", 0.5f, 2), doubles({x[1]}, "bias", -1, 1)},
        state{doubles({x[1]}, "mean", -1, 1), doubles({x[1]}, "variance", 0.5f, 2)} {}
};

TEST(Propagation, BatchNorm) {
  for (const Shape& shape : {Shape{16, 5}, Shape{4, 3, 5, 7}, Shape{3, 4}, Shape{40, 2, 9}}) {
    const Norm n(shape);
    const Tensor x = doubles(shape, "batch norm", -1, 3);
    const std::string name = "batch_norm " + shape.to_string();
    expect_propagation(name, BatchNorm({}), x, n.parameters, n.state, 1e-3);
    expect_propagation(name + " frozen", BatchNorm({.frozen = true}), x, n.parameters, n.state, 1e-3);
    expect_propagation(name + " inference", BatchNorm({}), x, n.parameters, n.state, 1e-3, Phase::inference);
  }
}

// Tolerances of a tenth of the deviation: the derivatives change on the way.
TEST(Propagation, BatchNormOfInputsNearlyLost) {
  const Shape shape{12, 3, 4};
  const Norm n(shape);
  expect_propagation("nearly lost", BatchNorm({}), doubles(shape, "lost", -0.05f, 0.05f), n.parameters, n.state, 3e-3);
}

// A channel whose values differ by less than their tolerances may become anything, and compare must not pass for it.
TEST(Propagation, BatchNormOfInputsLostIsUndecided) {
  const Shape shape{4, 1};
  const Norm n(shape);
  Uncertain x{doubles(shape, "gone", 1, 1.0001f), Tensor(shape, DType::f64)};
  for (double& t : x.tolerance.span<double>()) t = 0.01;
  const std::vector<Uncertain> inputs{x}, parameters{{n.parameters[0], {}}, {n.parameters[1], {}}},
      state{{n.state[0], {}}, {n.state[1], {}}};
  const LayerPass truth = pass_of(BatchNorm({}), x.value, n.parameters, n.state, x.value, Phase::training);
  Uncertain output{truth.output, {}};
  std::vector<Uncertain> saved{{truth.saved[0], {}}, {truth.saved[1], {}}}, after = state;
  ForwardToleranceArgs args{truth_ops(), inputs, parameters, output, saved};
  args.state = state;
  args.new_state = after;
  BatchNorm({}).forward_tolerance(args);
  EXPECT_EQ(args.undecided, 4);
  EXPECT_EQ(args.decisions, 4);
  EXPECT_TRUE(std::isinf(tolerance_at(output, 0)));
  EXPECT_TRUE(std::isfinite(tolerance_at(saved[0], 0))) << "the mean is as certain as its values";
}

// Every layer of this page in one small net.
Model normalised_net() {
  Graph g("normalised");
  NodeId x = g.input("image", {3, 12, 12});
  x = g.add("conv1", Conv2d({.out_channels = 6, .kernel = 3, .padding = 1, .bias = false}), x);
  x = g.add("norm1", BatchNorm({}), x);
  x = g.add("tanh1", Tanh(), x);
  x = g.add("lrn", Lrn({.size = 3, .alpha = 0.5, .beta = 0.75, .k = 2}), x);
  const NodeId left = g.add("min", MinPool2d({.kernel = 3, .stride = 2, .padding = 1}), x);
  const NodeId right = g.add("sum", SumPool2d({}), x);
  x = g.add("both", Add(), {left, right});
  x = g.add("conv2", Conv2d({.out_channels = 8, .kernel = 3}), x);
  x = g.add("norm2", BatchNorm({.frozen = true}), x);
  const NodeId average = g.add("average", AdaptiveAvgPool2d({.output_size = 2}), x);
  const NodeId largest = g.add("largest", AdaptiveMaxPool2d({.output_size = 2}), x);
  x = g.add("pooled", Add(), {average, largest});
  x = g.add("fc1", Linear({.out_features = 9}), x);
  x = g.add("norm3", BatchNorm({}), x);
  g.add("fc2", Linear({.out_features = 4}), x);
  return make_classifier(g);
}

std::string failures(const Comparison& c) {
  std::string text = "undecided " + std::to_string(c.undecided) + " of " + std::to_string(c.decisions) + "\n";
  for (const TensorComparison& t : c.tensors)
    if (!t.ok) text += t.layer + " " + t.direction + " " + t.tensor + ": " + std::to_string(t.worst_ratio) + "\n";
  return text;
}

class NormalisedNet : public testing::TestWithParam<CompareMode> {
 protected:
  Comparison run(const std::string& inject = {}) {
    const auto a = make_reference_backend(), truth = make_reference_backend();
    const auto b = make_emu_backend("native");
    const Model model = normalised_net();
    return compare(model, *a, *b, *truth, initial_weights(model, 3), random_batch(model, 6, 8),
                   {.mode = GetParam(), .inject = inject});
  }
};
INSTANTIATE_TEST_SUITE_P(Compare, NormalisedNet, testing::Values(CompareMode::isolated, CompareMode::chained),
                         [](const auto& mode) {
                           return std::string(mode.param == CompareMode::isolated ? "Isolated" : "Chained");
                         });

TEST_P(NormalisedNet, ReferenceAndEmulatorAgree) {
  const Comparison c = run();
  EXPECT_TRUE(c.ok) << failures(c);
  int state = 0;
  for (const TensorComparison& t : c.tensors) state += t.tensor == "running_mean" || t.tensor == "running_var";
  EXPECT_EQ(state, 6) << "the state is compared too";
  std::printf("worst error/bound  normalised net  %.3g, undecided %lld of %lld\n", c.worst_ratio,
              static_cast<long long>(c.undecided), static_cast<long long>(c.decisions));
}

TEST_P(NormalisedNet, AnInjectedErrorIsFoundInItsLayer) {
  for (const char* layer : {"norm1", "lrn", "min", "sum", "norm2", "average", "largest", "norm3"}) {
    const Comparison c = run(layer);
    EXPECT_FALSE(c.ok) << layer;
    EXPECT_EQ(c.first_divergent, layer);
  }
}

TEST(NormalisedNet, GradientsPassFiniteDifferences) {
  const auto truth = make_reference_backend();
  const Model model = normalised_net();
  const Gradcheck g = gradcheck(model, *truth, initial_weights(model, 3), random_batch(model, 4, 8), 40);
  for (const GradcheckTensor& t : g.tensors) EXPECT_TRUE(t.ok) << t.name << " " << t.worst_error;
}

// --- Folding -----------------------------------------------------------------------------------------------------

// Weights as a training run might leave them: nothing at its initial value.
std::vector<Tensor> worn_weights(const Graph& graph) {
  std::vector<Tensor> weights;
  for (const ParameterLayout::Entry& e : ParameterLayout::of(graph).entries) {
    const bool variance = e.name.ends_with("running_var");
    weights.push_back(reals(e.spec.shape, stream_for(e.name, 0), variance ? 0.3f : -1, variance ? 2.0f : 1));
  }
  return weights;
}

Tensor output_of(const Graph& graph, Backend& backend, const std::vector<Tensor>& weights, const Tensor& x,
                 DType dtype) {
  auto arena = std::make_shared<ParameterArena>(ParameterLayout::of(graph), backend.memory(), dtype);
  for (std::size_t i = 0; i < weights.size(); ++i) arena->set(i, weights[i]);
  Executor executor(graph, backend, arena,
                    {.batch = x.shape()[0], .target = static_cast<NodeId>(graph.nodes().size()) - 1, .dtype = dtype});
  executor.set_input(0, x);
  executor.forward();
  return executor.read(static_cast<NodeId>(graph.nodes().size()) - 1);
}

// The bound of the folded net in float32: chained through its layers, with weights and biases that were rounded once.
// Its truth is that of the net before folding.
Uncertain chained_bound(const Graph& folded, const std::vector<Tensor>& weights, const Tensor& x) {
  const ParameterLayout layout = ParameterLayout::of(folded);
  std::vector<Uncertain> results;
  for (std::size_t id = 0; id < folded.nodes().size(); ++id) {
    const Node& node = folded.nodes()[id];
    if (!node.layer) {
      results.push_back({x.converted(DType::f64), {}});
      continue;
    }
    std::vector<Uncertain> inputs, parameters;
    std::vector<ConstView> input_views, parameter_views;
    std::vector<Shape> shapes;
    for (const NodeId i : node.inputs) inputs.push_back(results[static_cast<std::size_t>(i)]);
    for (std::size_t i = 0; i < layout.entries.size(); ++i) {
      if (layout.entries[i].node != static_cast<NodeId>(id)) continue;
      Uncertain p{weights[i].converted(DType::f64), Tensor(weights[i].shape(), DType::f64)};
      for (std::int64_t k = 0; k < p.value.elements(); ++k)
        p.tolerance.span<double>()[static_cast<std::size_t>(k)] =
            unit_roundoff * std::abs(values(p.value)[static_cast<std::size_t>(k)]);
      parameters.push_back(std::move(p));
    }
    for (const Uncertain& u : inputs) shapes.push_back(u.value.shape()), input_views.push_back(u.value.view());
    for (const Uncertain& u : parameters) parameter_views.push_back(u.value.view());
    Uncertain output{Tensor(node.layer->output_shape(shapes), DType::f64), {}};
    node.layer->forward(truth_ops(), {.inputs = input_views,
                                      .parameters = parameter_views,
                                      .output = output.value.view(),
                                      .saved = {},
                                      .workspace = {}});
    ForwardToleranceArgs args{truth_ops(), inputs, parameters, output, {}};
    args.phase = Phase::inference;
    node.layer->forward_tolerance(args);
    results.push_back(output);
  }
  return results.back();
}

TEST(FoldBatchNorm, ComputesWhatTheUnfoldedNetDoes) {
  Graph g("fold");
  NodeId x = g.input("image", {3, 9, 9});
  x = g.add("conv1", Conv2d({.out_channels = 6, .kernel = 3, .stride = 2, .groups = 3, .bias = false}), x);
  x = g.add("norm1", BatchNorm({.epsilon = 1e-3}), x);
  x = g.add("tanh1", Tanh(), x);
  x = g.add("conv2", Conv2d({.out_channels = 5, .kernel = {2, 3}}), x);
  x = g.add("norm2", BatchNorm({}), x);
  x = g.add("tanh2", Tanh(), x);
  x = g.add("fc", Linear({.out_features = 7}), x);
  g.add("norm3", BatchNorm({}), x);
  const std::vector<Tensor> weights = worn_weights(g);
  const FoldedNet folded = fold_batch_norm(g, weights);
  EXPECT_EQ(folded.folded, 3);
  ASSERT_EQ(folded.graph.nodes().size(), 6u);
  EXPECT_EQ(folded.graph.nodes().back().name, "fc");
  EXPECT_EQ(folded.node_of, (std::vector<NodeId>{0, 1, 1, 2, 3, 3, 4, 5, 5}));

  const Tensor images = reals({4, 3, 9, 9}, stream_for("fold", 1));
  const auto reference = make_reference_backend(), emulator = make_emu_backend("native");
  Uncertain bound = chained_bound(folded.graph, folded.weights, images);
  bound.value = output_of(g, *reference, weights, images, DType::f64);
  for (Backend* backend : {reference.get(), emulator.get()}) {
    const Tensor y = output_of(folded.graph, *backend, folded.weights, images, DType::f32);
    EXPECT_TRUE(within_tolerance(y, bound)) << backend->name();
    std::printf("worst error/bound  folded on %s  %.3g\n", backend->name().c_str(), measure(y, bound).worst_ratio);
  }
  // The check can fail: the same weights without one shift.
  std::vector<Tensor> wrong = folded.weights;
  wrong[1] = Tensor::zeros(wrong[1].shape());
  EXPECT_FALSE(within_tolerance(output_of(folded.graph, *reference, wrong, images, DType::f32), bound));
}

TEST(FoldBatchNorm, OfASequence) {
  Graph g("sequence");
  NodeId x = g.input("image", {3, 11});
  x = g.add("conv", Conv1d({.out_channels = 4, .kernel = 3, .bias = false}), x);
  g.add("norm", BatchNorm({}), x);
  const std::vector<Tensor> weights = worn_weights(g);
  const FoldedNet folded = fold_batch_norm(g, weights);
  EXPECT_EQ(folded.folded, 1);
  const Tensor images = reals({5, 3, 11}, stream_for("sequence", 1));
  const auto reference = make_reference_backend();
  Uncertain bound = chained_bound(folded.graph, folded.weights, images);
  bound.value = output_of(g, *reference, weights, images, DType::f64);
  EXPECT_TRUE(within_tolerance(output_of(folded.graph, *reference, folded.weights, images, DType::f32), bound));
}

TEST(FoldBatchNorm, LeavesWhatItCannotFold) {
  Graph g("keep");
  const NodeId image = g.input("image", {2, 5, 5});
  const NodeId conv = g.add("conv", Conv2d({.out_channels = 2, .kernel = 1}), image);
  const NodeId norm = g.add("norm", BatchNorm({}), conv);  // the convolution is read by `sum` too
  const NodeId sum = g.add("sum", Add(), {conv, norm});
  const NodeId after = g.add("after", BatchNorm({}), sum);    // not after a convolution
  const NodeId first = g.add("first", BatchNorm({}), image);  // of the image itself
  g.add("all", Add(), {after, first});
  const std::vector<Tensor> weights = worn_weights(g);
  const FoldedNet folded = fold_batch_norm(g, weights);
  EXPECT_EQ(folded.folded, 0);
  EXPECT_EQ(folded.graph.nodes().size(), g.nodes().size());
  ASSERT_EQ(folded.weights.size(), weights.size());
  const auto reference = make_reference_backend();
  const Tensor images = reals({2, 2, 5, 5}, stream_for("keep", 1));
  EXPECT_TRUE(same_bits(output_of(folded.graph, *reference, folded.weights, images, DType::f32),
                        output_of(g, *reference, weights, images, DType::f32)));
  EXPECT_THROW(fold_batch_norm(g, std::vector<Tensor>(3)), InputError);
}

TEST(FoldBatchNorm, OfAClassifierKeepsItsEnds) {
  const Model model = normalised_net();
  const FoldedModel folded = fold_batch_norm(model, worn_weights(model.graph));
  EXPECT_EQ(folded.folded, 3);
  EXPECT_EQ(folded.model.graph.node(folded.model.logits).name, "fc2");
  EXPECT_EQ(folded.model.graph.node(folded.model.loss).name, "loss");
  EXPECT_EQ(folded.model.graph.node(folded.model.label).name, "label");
  EXPECT_EQ(folded.model.classes(), 4);
}

}  // namespace
}  // namespace fovea::test
