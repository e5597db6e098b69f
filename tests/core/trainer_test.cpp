// SPDX-License-Identifier: Apache-2.0
#include "core/train/trainer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/layers/batch_norm.h"
#include "core/layers/conv2d.h"
#include "core/layers/dropout.h"
#include "core/layers/linear.h"
#include "core/layers/max_pool2d.h"
#include "core/layers/relu.h"
#include "core/support/error.h"
#include "core/support/philox.h"
#include "cpu_reference/reference_backend.h"

namespace fovea {
namespace {

// Bars: class 0 is horizontal, class 1 vertical, class 2 a bright spot; with noise.
class Bars final : public Dataset {
 public:
  explicit Bars(std::int64_t size) : size_(size) {}
  std::int64_t size() const override { return size_; }
  Shape sample_shape() const override { return {1, 8, 8}; }
  const std::vector<std::string>& class_names() const override { return names_; }
  std::int32_t read(std::int64_t index, std::span<std::uint8_t> pixels) const override {
    RandomStream random(5, RandomPurpose::test, static_cast<std::uint64_t>(index));
    const auto label = static_cast<std::int32_t>(random.below(3));
    const std::size_t at = 1 + random.below(6);
    for (std::size_t i = 0; i < 64; ++i) {
      const std::size_t y = i / 8, x = i % 8;
      const bool on = label == 0 ? y == at : label == 1 ? x == at : (y / 2 == at / 2 && x / 2 == at / 2);
      pixels[i] = static_cast<std::uint8_t>((on ? 200 : 0) + random.below(56));
    }
    return label;
  }

 private:
  std::int64_t size_;
  std::vector<std::string> names_{"horizontal", "vertical", "spot"};
};

Model small_net() {
  Graph g("small");
  NodeId x = g.input("image", {1, 8, 8});
  x = g.add("conv", Conv2d({.out_channels = 4, .kernel = 3, .padding = 1}), x);
  x = g.add("relu", Relu(), x);
  x = g.add("pool", MaxPool2d({}), x);
  g.add("fc", Linear({.out_features = 3}), x);
  return make_classifier(g);
}

// Two dropouts: each draws its own mask.
Model dropout_net(double rate) {
  Graph g("dropping");
  NodeId x = g.input("image", {1, 8, 8});
  x = g.add("conv", Conv2d({.out_channels = 4, .kernel = 3, .padding = 1}), x);
  x = g.add("relu", Relu(), x);
  x = g.add("drop1", Dropout({.rate = rate}), x);
  x = g.add("pool", MaxPool2d({}), x);
  x = g.add("drop2", Dropout({.rate = rate}), x);
  g.add("fc", Linear({.out_features = 3}), x);
  return make_classifier(g);
}

// The same with state: running statistics after the convolution and, where a batch of one has one value, at the end.
Model normalised_net(bool dense) {
  Graph g("normalised");
  NodeId x = g.input("image", {1, 8, 8});
  x = g.add("conv", Conv2d({.out_channels = 4, .kernel = 3, .padding = 1, .bias = false}), x);
  x = g.add("norm", BatchNorm({}), x);
  x = g.add("relu", Relu(), x);
  x = g.add("pool", MaxPool2d({}), x);
  x = g.add("fc", Linear({.out_features = 3}), x);
  if (dense) g.add("last", BatchNorm({}), x);
  return make_classifier(g);
}

const TrainOptions options{
    .epochs = 4, .batch = 32, .optimizer = {.learning_rate = 0.05, .momentum = 0.9, .weight_decay = 1e-4}, .seed = 9};

std::vector<float> all_weights(Trainer& trainer) {
  std::vector<float> all;
  const Checkpoint c = trainer.checkpoint();
  std::vector<const Checkpoint::Tensors*> lists{&c.weights, &c.state};
  for (const auto& [slot, tensors] : c.slots) lists.push_back(&tensors);
  for (const auto* list : lists)
    for (const auto& [name, tensor] : *list)
      all.insert(all.end(), tensor.span<float>().begin(), tensor.span<float>().end());
  return all;
}

TEST(Trainer, LearnsAndEvaluates) {
  const Bars train(200), test(100);
  const Model model = small_net();
  const auto backend = make_reference_backend();
  Trainer trainer(model, *backend, train, "bars", options);
  const double before = evaluate(model, *backend, trainer.weights(), test, trainer.normalization(), 64).loss;
  int finished_epochs = 0;
  trainer.run([&](const Progress& p) { finished_epochs += p.epoch_finished; });
  const Evaluation after = evaluate(model, *backend, trainer.weights(), test, trainer.normalization(), 64);
  EXPECT_EQ(finished_epochs, 4);
  EXPECT_EQ(trainer.steps_done(), 4 * 7);  // 200 = 6 * 32 + 8: the small last batch counts
  EXPECT_EQ(after.images, 100);
  EXPECT_LT(after.loss, 0.5 * before);
  EXPECT_GT(after.accuracy, 0.8);
  // The batch size of an evaluation does not matter.
  EXPECT_EQ(evaluate(model, *backend, trainer.weights(), test, trainer.normalization(), 7).accuracy, after.accuracy);
}

TEST(Trainer, TheSameRunTwiceGivesTheSameBits) {
  const Bars data(100);
  const Model model = small_net();
  const auto backend = make_reference_backend();
  Trainer a(model, *backend, data, "bars", options), b(model, *backend, data, "bars", options);
  a.run([](const Progress&) {}), b.run([](const Progress&) {});
  EXPECT_EQ(all_weights(a), all_weights(b));
  EXPECT_EQ(a.metrics(), b.metrics());
  TrainOptions other_seed = options;
  other_seed.seed = 10;
  Trainer c(model, *backend, data, "bars", other_seed);
  c.run([](const Progress&) {});
  EXPECT_NE(all_weights(a), all_weights(c));
}

// Cut in the middle of an epoch, at its end, and after one step.
TEST(Trainer, ACutAndResumedRunEqualsTheWholeOne) {
  const Bars data(100);
  const Model model = small_net();
  const auto backend = make_reference_backend();
  Trainer whole(model, *backend, data, "bars", options);
  whole.run([](const Progress&) {});
  for (const std::int64_t cut : {1, 4, 6, 15}) {
    TrainOptions first_part = options;
    first_part.max_steps = cut;
    Trainer first(model, *backend, data, "bars", first_part), second(model, *backend, data, "bars", options);
    first.run([](const Progress&) {});
    EXPECT_EQ(first.steps_done(), cut);
    second.resume(first.checkpoint(), "test");
    double last_epoch_loss = 0, whole_loss = whole.epoch_mean_loss();
    second.run([&](const Progress& p) { last_epoch_loss = p.loss; });
    EXPECT_EQ(all_weights(second), all_weights(whole)) << cut;
    EXPECT_EQ(first.metrics() + second.metrics(), whole.metrics()) << cut;
    EXPECT_EQ(last_epoch_loss, whole_loss) << cut;
  }
}

TEST(Trainer, RunningStatisticsSurviveACut) {
  const Bars data(100);
  const Model model = normalised_net(true);
  const auto backend = make_reference_backend();
  Trainer whole(model, *backend, data, "bars", options);
  whole.run([](const Progress&) {});
  EXPECT_EQ(whole.checkpoint().state.size(), 4u);
  for (const std::int64_t cut : {1, 6, 8}) {
    TrainOptions first_part = options;
    first_part.max_steps = cut;
    Trainer first(model, *backend, data, "bars", first_part), second(model, *backend, data, "bars", options);
    first.run([](const Progress&) {});
    second.resume(first.checkpoint(), "test");
    EXPECT_EQ(all_weights(second), all_weights(first)) << cut;
    second.run([](const Progress&) {});
    EXPECT_EQ(all_weights(second), all_weights(whole)) << cut;
    EXPECT_EQ(first.metrics() + second.metrics(), whole.metrics()) << cut;
    // Evaluation reads the state and leaves it alone.
    const std::vector<float> before = all_weights(second);
    evaluate(model, *backend, second.weights(), data, second.normalization(), 7);
    EXPECT_EQ(all_weights(second), before);
  }
  // The test can fail: without its state the second half is another one.
  TrainOptions first_part = options;
  first_part.max_steps = 6;
  Trainer first(model, *backend, data, "bars", first_part), second(model, *backend, data, "bars", options);
  first.run([](const Progress&) {});
  Checkpoint forgetful = first.checkpoint();
  for (auto& [name, tensor] : forgetful.state) tensor = Tensor::zeros(tensor.shape());
  second.resume(forgetful, "test");
  second.run([](const Progress&) {});
  EXPECT_NE(all_weights(second), all_weights(whole));
}

// 97 = 3 * 32 + 1: the last batch of an epoch holds one image, of which [1, 3] has no variance.
TEST(Trainer, ALastBatchOfOneIsRefusedBeforeTraining) {
  const Bars data(97);
  const auto backend = make_reference_backend();
  Trainer(normalised_net(false), *backend, data, "bars", options);  // 64 values per channel
  const Model model = normalised_net(true);
  try {
    Trainer(model, *backend, data, "bars", options);
    FAIL();
  } catch (const InputError& e) {
    EXPECT_EQ(std::string(e.what()),
              "batch: of 97 images, batches of 32 leave 1 for the last step of an epoch: layer 'last': batch_norm: "
              "expected more than one value per channel in training, got 1 sample of 1 position: the variance of one "
              "value says nothing; choose another --batch");
  }
  TrainOptions one = options;
  one.batch = 1;
  EXPECT_THROW(Trainer(model, *backend, data, "bars", one), InputError);
  one.batch = 97;
  Trainer(model, *backend, data, "bars", one);
}

// Dropout draws by seed, step and layer, so a resumed run drops what the whole run dropped.
TEST(Trainer, ARunWithDropoutResumesByteIdentically) {
  const Bars data(100);
  const Model model = dropout_net(0.3);
  const auto backend = make_reference_backend();
  Trainer whole(model, *backend, data, "bars", options);
  whole.run([](const Progress&) {});
  for (const std::int64_t cut : {1, 6, 8}) {  // in the middle of the first and second epoch, at an epoch's end
    TrainOptions first_part = options;
    first_part.max_steps = cut;
    Trainer first(model, *backend, data, "bars", first_part), second(model, *backend, data, "bars", options);
    first.run([](const Progress&) {});
    second.resume(first.checkpoint(), "test");
    second.run([](const Progress&) {});
    EXPECT_EQ(all_weights(second), all_weights(whole)) << cut;
    EXPECT_EQ(first.metrics() + second.metrics(), whole.metrics()) << cut;
  }
}

TEST(Trainer, DropoutLearnsAndDropsInTrainingOnly) {
  const Bars train(200), test(100);
  const Model model = dropout_net(0.3), without = dropout_net(0);
  const auto backend = make_reference_backend();
  TrainOptions longer = options;
  longer.epochs = 8;
  Trainer trainer(model, *backend, train, "bars", longer), other(without, *backend, train, "bars", longer);
  const auto evaluated = [&](const Model& net) {
    return evaluate(net, *backend, trainer.weights(), test, trainer.normalization(), 64);
  };
  const double before = evaluated(model).loss;
  trainer.run([](const Progress&) {}), other.run([](const Progress&) {});
  EXPECT_NE(all_weights(trainer), all_weights(other)) << "nothing was dropped";
  EXPECT_LT(evaluated(model).loss, 0.5 * before);
  EXPECT_GT(evaluated(model).accuracy, 0.8);
  EXPECT_EQ(evaluated(model).loss, evaluated(without).loss) << "evaluation dropped something";
}

TEST(Trainer, ResumeRefusesAnotherRunsCheckpoint) {
  const Bars data(100);
  const Model model = small_net();
  const auto backend = make_reference_backend();
  Trainer trainer(model, *backend, data, "bars", options);
  const Checkpoint good = trainer.checkpoint();
  const auto refuses = [&](auto&& change, const char* word) {
    Checkpoint bad = good;
    change(bad);
    try {
      trainer.resume(bad, "FILE");
      ADD_FAILURE() << "accepted another " << word;
    } catch (const InputError& e) {
      EXPECT_NE(std::string(e.what()).find(word), std::string::npos) << e.what();
      EXPECT_NE(std::string(e.what()).find("FILE"), std::string::npos) << e.what();
    }
  };
  refuses([](Checkpoint& c) { c.options.seed = 77; }, "seed");
  refuses([](Checkpoint& c) { c.options.batch = 16; }, "batch");
  refuses([](Checkpoint& c) { c.options.optimizer.learning_rate = 1; }, "learning rate");
  refuses([](Checkpoint& c) { c.data = "other"; }, "data");
  refuses([](Checkpoint& c) { c.net += "# changed\n"; }, "net");
  refuses([](Checkpoint& c) { c.weights.pop_back(); }, "fc.bias");
  trainer.resume(good, "FILE");
}

TEST(Trainer, RefusesDataThatDoNotFit) {
  const Bars data(10);
  const Model model = small_net();
  const auto backend = make_reference_backend();
  TrainOptions o = options;
  o.batch = 11;
  EXPECT_THROW(Trainer(model, *backend, data, "bars", o), InputError);
  o.batch = 0;
  EXPECT_THROW(Trainer(model, *backend, data, "bars", o), InputError);
  o.batch = 10;
  Graph g("other");
  g.add("fc", Linear({.out_features = 2}), g.input("image", {1, 8, 8}));  // two classes only
  const Model two = make_classifier(g);
  EXPECT_THROW(Trainer(two, *backend, data, "bars", o), InputError);
}

TEST(Trainer, StopsWhenTheLossIsNoLongerFinite) {
  const Bars data(100);
  const Model model = small_net();
  const auto backend = make_reference_backend();
  TrainOptions o = options;
  o.optimizer.learning_rate = 1e20;
  Trainer trainer(model, *backend, data, "bars", o);
  try {
    trainer.run([](const Progress&) {});
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("diverged"), std::string::npos) << e.what();
  }
}

// The pass that found the loss not finite had already moved the running statistics.
TEST(Trainer, DivergenceLeavesTheStateOfTheStepBefore) {
  const Bars data(100);
  const Model model = normalised_net(false);
  const auto backend = make_reference_backend();
  Trainer trainer(model, *backend, data, "bars", options);
  ASSERT_TRUE(trainer.step());
  Checkpoint spoilt = trainer.checkpoint();
  for (auto& [name, tensor] : spoilt.weights)
    if (name == "fc.bias") tensor.span<float>()[0] = std::numeric_limits<float>::infinity();
  trainer.resume(spoilt, "test");
  const std::vector<float> before = all_weights(trainer);
  EXPECT_THROW(trainer.step(), Error);
  EXPECT_EQ(all_weights(trainer), before);
}

}  // namespace
}  // namespace fovea
