// SPDX-License-Identifier: Apache-2.0
//
// Training with values in 16 bits. Every layer of every step is held against its bound, and the step is shown to be made
// of just those layers and of float32 weights.
#include <gtest/gtest.h>

#include <cmath>

#include "core/backend/device_list.h"
#include "core/compare/compare.h"
#include "core/models/models.h"
#include "cpu_reference/reference_backend.h"
#include "cuda/emu_backend.h"
#include "tests/data/files.h"
#include "tests/support/checks.h"
#include "tests/train/small_runs.h"
#include "tests/train/trained_step.h"

namespace fovea::test {
namespace {

// AlexNet in small: convolutions and pooling, then linear layers behind dropout.
Model small_alexnet() {
  Graph g("small-alexnet");
  NodeId x = g.input("image", {1, 8, 8});
  x = g.add("relu1", Relu(), g.add("conv1", Conv2d({.out_channels = 8, .kernel = 5, .padding = 2}), x));
  x = g.add("pool1", MaxPool2d({}), x);
  x = g.add("relu2", Relu(), g.add("conv2", Conv2d({.out_channels = 12, .kernel = 3, .padding = 1}), x));
  x = g.add("pool2", MaxPool2d({}), x);
  x = g.add("relu3", Relu(), g.add("fc1", Linear({.out_features = 16}), g.add("drop1", Dropout({.rate = 0.5}), x)));
  g.add("fc2", Linear({.out_features = 3}), g.add("drop2", Dropout({.rate = 0.5}), x));
  return make_classifier(g);
}

Model small_resnet() { return make_classifier(resnet_cifar(8, {1, 8, 8}, 3)); }

class SixteenBits : public testing::TestWithParam<Precision> {};

TEST_P(SixteenBits, EveryStepIsItsLayersWithinTheirBounds) {
  const Pairs data(12);
  const DType dtype = storage_of(GetParam());
  for (const Model& model : {small_resnet(), small_alexnet()})
    for (const std::string device : {"reference", "emu"}) {
      SCOPED_TRACE(model.graph.name() + " on " + device);
      const auto backend = open_device(device), other = open_device(device == "emu" ? "reference" : "emu"),
                 truth = open_device("reference");
      TrainOptions options{.batch = 4, .optimizer = {.learning_rate = 0.05}, .seed = 3};  // no momentum
      options.precision = GetParam();
      Trainer trainer(model, *backend, data, "pairs", options);
      for (int step = 0; step < 3; ++step) {
        const Replay replay = trainer.replay();
        const Comparison c =
            compare(model, *backend, *other, *truth, weights_of(replay), replay.batch, {.dtype = dtype});
        EXPECT_TRUE(c.ok) << c.first_divergent << ": " << c.worst_ratio;
        const Step wanted = computed(model, *backend, replay, options, dtype);
        ASSERT_TRUE(trainer.step());
        expect_left(trainer, wanted);
        EXPECT_NE(computed(model, *backend, replay, options, DType::f32).loss, wanted.loss) << "nothing was rounded";
      }
      // The master weights are float32: rounded, most of them would be others.
      std::size_t rounded = 0, all = 0;
      for (const auto& [name, tensor] : trainer.checkpoint().weights) {
        ASSERT_EQ(tensor.dtype(), DType::f32);
        if (!name.ends_with(".weight")) continue;
        const Tensor stored = tensor.converted(dtype).converted(DType::f32);
        for (std::size_t i = 0; i < stored.span<float>().size(); ++i)
          rounded += stored.span<float>()[i] == tensor.span<float>()[i], ++all;
      }
      EXPECT_LT(rounded, all / 4);
    }
}

TEST_P(SixteenBits, TrainAndEvaluateInOnePrecision) {
  const Pairs data(60);
  const auto backend = make_reference_backend();
  const Model model = plain_net();
  TrainOptions options{.epochs = 12, .batch = 10, .optimizer = {.learning_rate = 0.05, .momentum = 0.9}};
  options.precision = GetParam();
  Trainer trainer(model, *backend, data, "pairs", options, {.training = 60, .evaluated = {60}});
  const auto evaluated = [&](Precision precision) {
    // The trainer's arena was planned for its own precision.
    return evaluate(model, *backend, trainer.evaluation_weights(), data, trainer.normalization(), 60,
                    precision == trainer.precision() ? trainer.arena() : Tensor(), precision);
  };
  const double before = evaluated(trainer.precision()).loss;
  while (trainer.step()) continue;
  const Evaluation stored = evaluated(trainer.precision()), wide = evaluated(Precision::fp32);
  EXPECT_LT(stored.loss, 0.5 * before);
  EXPECT_GT(stored.accuracy, 0.9);
  EXPECT_LT(wide.loss, 0.5 * before);
  EXPECT_NE(stored.loss, wide.loss);
}

// Accumulated pieces are the batch: gradients are float32 in both.
TEST_P(SixteenBits, PiecesOfABatchAreAddedUpInFloat32) {
  const Pairs data(32);
  const auto backend = make_reference_backend();
  const Model model = margin_net();
  const auto weights = [&](std::int64_t piece) {
    TrainOptions o{.batch = 32, .optimizer = {.learning_rate = 1}, .max_steps = 1};
    o.micro_batch = piece;
    o.precision = GetParam();
    Trainer trainer(model, *backend, data, "pairs", o);
    while (trainer.step()) continue;
    return values_of(trainer.checkpoint().weights);
  };
  const std::vector<float> whole = weights(0);
  for (const std::int64_t piece : {4, 8, 16}) EXPECT_EQ(weights(piece), whole) << piece;
}

TEST_P(SixteenBits, TakeLessMemory) {
  const auto backend = make_reference_backend();
  const Model model = whole_net();
  TrainOptions options{.batch = 64};
  const TrainingSets sets{.training = 64, .evaluated = {64}};
  const TrainingMemory wide = plan_memory(model, *backend, options, sets);
  options.precision = GetParam();
  const TrainingMemory stored = plan_memory(model, *backend, options, sets);
  EXPECT_LT(static_cast<double>(stored.arena), 0.7 * static_cast<double>(wide.arena));
  EXPECT_EQ(stored.total() - stored.arena - ParameterArena::copy_bytes(ParameterLayout::of(model.graph), DType::f16),
            wide.total() - wide.arena)
      << "weights and gradients stay float32, and weights have a copy";
}

// Where the kernels of a device have float32 only, a plan says so, and nothing else is taken for it.
TEST_P(SixteenBits, AreRefusedWhereTheyAreMissing) {
  std::unique_ptr<Backend> cpu;
  try {
    cpu = open_device("cpu");
  } catch (const DeviceError& error) {
    GTEST_SKIP() << error.what();
  }
  const Pairs data(20);
  const Model model = plain_net();
  TrainOptions options{.batch = 10};
  options.precision = GetParam();
  EXPECT_EQ(input_error([&] { Trainer(model, *cpu, data, "pairs", options); }),
            "layer 'conv': engine 'onednn' of device cpu:onednn computes conv2d in float32 only, not in " +
                std::string(name_of(storage_of(GetParam()))) +
                "; the devices reference, emu and cuda (its own kernels) do");
  const std::unique_ptr<Backend> loops = open_device("cpu:reference");
  Trainer(model, *loops, data, "pairs", options).step();
}

INSTANTIATE_TEST_SUITE_P(All, SixteenBits, testing::Values(Precision::bf16, Precision::fp16),
                         [](const auto& instance) { return std::string(name_of(instance.param)); });

// Through the graph: layouts, fused ReLUs and all.
TEST(Fp32x3, EveryStepIsItsLayersWithinTheBoundsOfFloat32) {
  const Pairs data(12);
  for (const Model& model : {small_resnet(), small_alexnet()}) {
    SCOPED_TRACE(model.graph.name());
    const auto backend = open_device("emu:native-fp32x3"), native = open_device("emu"),
               reference = open_device("reference"), truth = open_device("reference");
    TrainOptions options{.batch = 4, .optimizer = {.learning_rate = 0.05}, .seed = 3};
    options.precision = Precision::fp32x3;
    Trainer trainer(model, *backend, data, "pairs", options);
    for (int step = 0; step < 2; ++step) {
      const Replay replay = trainer.replay();
      const Comparison c = compare(model, *backend, *reference, *truth, weights_of(replay), replay.batch, {});
      EXPECT_TRUE(c.ok) << c.first_divergent << ": " << c.worst_ratio;
      const Step wanted = computed(model, *backend, replay, options, DType::f32);
      ASSERT_TRUE(trainer.step());
      expect_left(trainer, wanted);
      const Step other = computed(model, *native, replay, options, DType::f32);
      std::size_t alike = 0;
      for (std::size_t i = 0; i < wanted.weights.size(); ++i)
        alike += same_bits(wanted.weights[i], other.weights[i]) ? 1 : 0;
      EXPECT_LT(alike, wanted.weights.size()) << "tensor cores had no part in it";
    }
  }
}

TEST(Fp32x3, IsOneEngineOfTwoDevices) {
  const Pairs data(20);
  const Model model = plain_net();
  TrainOptions options{.batch = 10};
  const auto x3 = open_device("emu:native-fp32x3");
  EXPECT_EQ(input_error([&] { Trainer(model, *x3, data, "pairs", options); }),
            "precision fp32: emu:native-fp32x3 computes in fp32x3 only");
  options.precision = Precision::fp32x3;
  for (const std::string device : {"reference", "emu", "emu:direct"}) {
    const auto backend = open_device(device);
    EXPECT_EQ(input_error([&] { Trainer(model, *backend, data, "pairs", options); }),
              "precision fp32x3: expected device cuda or emu with its engine native-fp32x3, which alone has it, got " +
                  backend->name());
  }
  options.precision = Precision::bf16;
  EXPECT_EQ(input_error([&] { Trainer(model, *x3, data, "pairs", options); }),
            "precision bf16: emu:native-fp32x3 computes in fp32x3 only");
}

TEST(Tf32, IsOneEngineOfOneDevice) {
  const Pairs data(20);
  const Model model = plain_net();
  TrainOptions options{.batch = 10};
  options.precision = Precision::tf32;
  for (const std::string device : {"reference", "emu", "cpu"}) {
    std::unique_ptr<Backend> backend;
    try {
      backend = open_device(device);
    } catch (const DeviceError&) {
      continue;
    }
    EXPECT_EQ(input_error([&] { Trainer(model, *backend, data, "pairs", options); }),
              "precision tf32: expected device cuda with its engine library-tf32, which alone has it, got " +
                  backend->name());
  }
}

TEST(PrecisionNames, AreReadAndWritten) {
  for (const auto& [precision, word] : precision_names) {
    EXPECT_EQ(name_of(precision), word);
    EXPECT_EQ(precision_named(word), precision);
  }
  EXPECT_EQ(input_error([] { precision_named("fp61"); }),
            "precision: expected fp32, tf32, fp32x3, bf16 or fp16, got 'fp61' (did you mean 'fp16'?)");
  EXPECT_EQ(storage_of(Precision::fp32), DType::f32);
  EXPECT_EQ(storage_of(Precision::tf32), DType::f32);
  EXPECT_EQ(storage_of(Precision::fp32x3), DType::f32);
  EXPECT_EQ(storage_of(Precision::bf16), DType::bf16);
  EXPECT_EQ(storage_of(Precision::fp16), DType::f16);
}

}  // namespace
}  // namespace fovea::test
