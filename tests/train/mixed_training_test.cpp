// SPDX-License-Identifier: Apache-2.0
//
// A training on mixed samples: the net that its steps compute, how they are cut, and what a failed one leaves.
#include <gtest/gtest.h>

#include <cmath>

#include "core/graph/net_file.h"
#include "core/layers/mean_squared_error.h"
#include "core/layers/soft_cross_entropy.h"
#include "core/layers/softmax_cross_entropy.h"
#include "core/tolerance/bound.h"
#include "core/train/training_model.h"
#include "cpu_reference/reference_backend.h"
#include "tests/data/files.h"
#include "tests/support/checks.h"
#include "tests/train/small_runs.h"

namespace fovea::test {
namespace {

TEST(MixedTraining, TheNetWithSoftTargets) {
  const SoftmaxCrossEntropyOptions options{.label_smoothing = 0.1, .class_weights = {1, 2, 3}};
  for (const std::shared_ptr<const Layer>& loss :
       {std::shared_ptr<const Layer>(), std::shared_ptr<const Layer>(std::make_shared<SoftmaxCrossEntropy>(options)),
        std::shared_ptr<const Layer>(std::make_shared<SoftCrossEntropy>(options))}) {
    const Model hard = linear_net(loss), soft = with_soft_targets(hard);
    const Node& label = soft.graph.node(soft.label);
    EXPECT_EQ(label.dtype, DType::f32);
    EXPECT_EQ(label.sample_shape, Shape{3});
    const Node& node = soft.graph.node(soft.loss);
    EXPECT_EQ(node.layer->type(), "soft_cross_entropy");
    const auto& layer = static_cast<const SoftCrossEntropy&>(*node.layer);
    EXPECT_EQ(layer.options().class_weights, loss ? options.class_weights : std::vector<double>());
    EXPECT_EQ(layer.options().label_smoothing, loss ? 0.1 : 0);
    EXPECT_EQ(write_net(soft.graph), write_net(hard.graph)) << "files hold the net's own loss";
    // Weights and state are the same tensors at the same places.
    const ParameterLayout a = ParameterLayout::of(hard.graph), b = ParameterLayout::of(soft.graph);
    ASSERT_EQ(a.entries.size(), b.entries.size());
    for (std::size_t i = 0; i < a.entries.size(); ++i) {
      EXPECT_EQ(a.entries[i].name, b.entries[i].name);
      EXPECT_EQ(a.entries[i].node, b.entries[i].node);
    }
  }
}

TEST(MixedTraining, OtherLossesAreRefusedByName) {
  const auto message = [](const Model& model, const std::string& augment) {
    return input_error([&] { training_model(model, {.augment = augment}); });
  };
  EXPECT_EQ(
      message(margin_net(), "flip,mixup:0.2"),
      "augmentation 'flip,mixup:0.2' mixes labels: net 'margin' has the loss hinge_loss, which takes one label for "
      "each sample; expected softmax_cross_entropy or soft_cross_entropy");
  EXPECT_TRUE(holds(message(linear_net(std::make_shared<MeanSquaredError>()), "cutmix:1"),
                    {"augmentation 'cutmix:1'", "mean_squared_error", "expected softmax_cross_entropy"}));
  EXPECT_EQ(training_model(margin_net(), {.augment = "flip"}).label, margin_net().label);
  const auto backend = make_reference_backend();
  const Pairs data(20);
  const Model model = margin_net();
  EXPECT_TRUE(holds(input_error([&] { Trainer(model, *backend, data, "pairs", {.batch = 4, .augment = "mixup:1"}); }),
                    {"hinge_loss"}));
}

Checkpoint trained(const Model& model, const Dataset& data, const TrainOptions& options) {
  const auto backend = make_reference_backend();
  Trainer trainer(model, *backend, data, "pairs", options);
  while (trainer.step()) continue;
  return trainer.checkpoint();
}

// Pieces of a batch and batches that are added up are the same steps, to the last bit; so are threads of the loader.
TEST(MixedTraining, CutAsOthers) {
  const Pairs data(64);
  for (const std::string augment : {"mixup:0.4", "crop:1,cutmix:1", "noise:0.1,mixup:1,cutmix:0.5"}) {
    TrainOptions added{.epochs = 2, .batch = 8, .optimizer = {.learning_rate = 0.1}, .accumulate = 4};
    added.augment = augment;
    TrainOptions cut = added;
    cut.batch = 32, cut.accumulate = 1, cut.micro_batch = 8;
    const std::vector<float> weights = values_of(trained(whole_net(), data, added).weights);
    EXPECT_EQ(weights, values_of(trained(whole_net(), data, cut).weights)) << augment;
    for (const int threads : {0, 3}) {
      added.loader_threads = threads;
      EXPECT_EQ(weights, values_of(trained(whole_net(), data, added).weights)) << augment << ", " << threads;
    }
    added.augment = "";
    EXPECT_NE(weights, values_of(trained(whole_net(), data, added).weights)) << augment;
  }
}

// One step of size 1 moves the weights by the gradient, which is a mean over 16 samples, whatever the batches are: terms
// of at most 1/16, since probabilities differ from targets, and mixed pixels from 0, by at most 1.
TEST(MixedTraining, AccumulationIsTheBigBatchWithinTheBound) {
  const Pairs data(16);
  const Model model =
      linear_net(std::make_shared<SoftmaxCrossEntropy>(SoftmaxCrossEntropyOptions{.label_smoothing = 0.1}));
  TrainOptions whole{.batch = 16, .optimizer = {.learning_rate = 1, .momentum = 0}, .max_steps = 1};
  whole.augment = "mixup:0.5,cutmix:1";
  TrainOptions parts = whole;
  parts.batch = 6, parts.accumulate = 3;
  const std::vector<float> a = values_of(trained(model, data, whole).weights),
                           b = values_of(trained(model, data, parts).weights);
  const double of_gradient = sum_tolerance(16, 1, 16 * (1.0 / 16) * (1.0 / 16)) + 3 * operation_bound;
  double moved = 0;
  TrainOptions none = whole;
  none.max_steps = 0;
  const std::vector<float> start = values_of(trained(model, data, none).weights);
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double size = std::max(std::abs(a[i]), std::abs(b[i]));
    EXPECT_NEAR(a[i], b[i], 2 * (of_gradient + operation_bound * (size + 1))) << i;
    moved = std::max(moved, std::abs(double{a[i]} - start[i]));
  }
  // The bound tells this from a mean of the batches' means, and from a step that was not made.
  EXPECT_LT(2 * (of_gradient + operation_bound * 4), 0.01 / 16);
  EXPECT_GT(moved, 0.01);
}

// Accuracy counts the class with the largest target, of equal ones the first.
TEST(MixedTraining, LabelsOfTargets) {
  const Tensor targets =
      Tensor::from<float>({4, 3}, std::vector<float>{0.25f, 0.75f, 0, 0.5f, 0, 0.5f, 0, 0, 1, 1, 0, 0});
  EXPECT_EQ(labels_of_targets(targets), (std::vector<std::int32_t>{1, 0, 2, 0}));
}

TEST(MixedTraining, EvaluationKeepsLabelsAndLoss) {
  const Pairs data(40);
  const auto backend = make_reference_backend();
  const Model model = plain_net();
  TrainOptions o{.epochs = 3, .batch = 10, .optimizer = {.learning_rate = 0.05}};
  o.augment = "mixup:0.2";
  Trainer trainer(model, *backend, data, "pairs", o, {.training = 40, .evaluated = {40}});
  while (trainer.step()) continue;
  const Evaluation result =
      evaluate(model, *backend, trainer.evaluation_weights(), data, trainer.normalization(), 40, trainer.arena());
  EXPECT_EQ(result.confusion.labels(), 40);
  const Evaluation alone = evaluate(model, *backend, trainer.evaluation_weights(), data, trainer.normalization());
  EXPECT_EQ(result.loss, alone.loss);
  EXPECT_NE(result.loss, trainer.epoch_mean_loss());
  EXPECT_EQ(trainer.progress().accuracy * 40, std::round(trainer.progress().accuracy * 40));
}

TEST(MixedTraining, AFailedStepIsReplayed) {
  const Pairs data(40);
  const auto backend = make_reference_backend();
  const Model model = whole_net();
  TrainOptions o{.batch = 16, .max_steps = 2};
  o.augment = "noise:0.1,cutmix:1";
  Trainer trainer(model, *backend, data, "pairs", o);
  ASSERT_TRUE(trainer.step());
  trainer.inject("conv");
  EXPECT_THROW(trainer.step(), NonFiniteError);
  TemporaryDirectory directory;
  const Replay left = trainer.replay();
  write_replay(directory / "replay.safetensors", left);
  const Replay replay = read_replay(directory / "replay.safetensors");
  EXPECT_EQ(replay.batch.labels.shape(), (Shape{16, 3}));
  EXPECT_TRUE(same_bits(replay.batch.labels, left.batch.labels));
  EXPECT_TRUE(same_bits(replay.batch.images, left.batch.images));
  const Model net = model_for(make_classifier(parse_net(replay.net, "the replay's net")), replay.batch);
  EXPECT_EQ(net.graph.node(net.loss).layer->type(), "soft_cross_entropy");
  Batch labelled = replay.batch;
  labelled.labels = Tensor(Shape{16}, DType::i32);
  EXPECT_EQ(model_for(model, labelled).loss, model.loss);
}

}  // namespace
}  // namespace fovea::test
