// SPDX-License-Identifier: Apache-2.0
//
// A training whose steps are captured once and replayed ends in the bytes of one that is told call by call: checkpoint
// and metrics, whatever a step decides anew, ahead of its results or not, cut and resumed, and where it fails.
#include <gtest/gtest.h>

#include <vector>

#include "core/backend/device_list.h"
#include "core/data/synthetic.h"
#include "core/models/models.h"
#include "tests/data/files.h"
#include "tests/train/small_runs.h"

namespace fovea::test {
namespace {

std::vector<std::string> capturing_devices() {
  std::vector<std::string> names;
  for (const DeviceInfo& device : list_devices())
    if (device.available && open_dry_device(device.name)->no_capture().empty()) names.push_back(device.name);
  return names;
}

// Of 52 samples in batches of 8: seven steps an epoch, the last of four samples; 21 in all.
struct Case {
  const char* name;
  TrainOptions options;
};

std::vector<Case> cases() {
  const TrainOptions base{.epochs = 3, .batch = 8, .seed = 3};
  std::vector<Case> result;
  const auto add = [&](const char* name, auto&& change) {
    result.push_back({name, base});
    change(result.back().options);
  };
  add("nesterov", [](TrainOptions& o) {
    o.optimizer = {.learning_rate = 0.05, .momentum = 0.9, .weight_decay = 1e-3, .nesterov = true};
    o.schedule = {.kind = ScheduleKind::one_cycle};
    o.groups = {.learning_rate_rules = {{"fc.*", 2}}, .no_decay_on_biases = true};
  });
  add("rmsprop", [](TrainOptions& o) {
    o.optimizer = {.kind = OptimizerKind::rmsprop, .learning_rate = 0.001, .momentum = 0.5};
    o.schedule = {.kind = ScheduleKind::plateau, .gamma = 0.5, .patience = 0, .threshold = 0.9};
    o.clip_norm = 0.5;
  });
  add("adagrad", [](TrainOptions& o) {
    o.optimizer = {.kind = OptimizerKind::adagrad, .learning_rate = 0.05, .epsilon = 1e-10, .lr_decay = 0.1};
    o.schedule = {.kind = ScheduleKind::multi_step, .warmup_steps = 3, .milestones = {1, 2}};
    o.clip_value = 0.1;
  });
  add("adam, averaged", [](TrainOptions& o) {
    o.optimizer = {.kind = OptimizerKind::adam, .learning_rate = 0.01, .weight_decay = 1e-3};
    o.schedule = {.kind = ScheduleKind::cosine, .warmup_epochs = 0.5};
    o.ema = 0.9;
  });
  add("adamw, clipped, frozen in between", [](TrainOptions& o) {
    o.optimizer = {.kind = OptimizerKind::adamw, .learning_rate = 0.01, .weight_decay = 0.1};
    o.groups = {.freeze = {"norm.*"}};
    o.clip_norm = 1;
    o.clip_value = 0.1;
    o.ema = 0.5;
  });
  add("augmented on the device", [](TrainOptions& o) {
    o.augment = "crop:1,noise:0.1,mixup:0.4";
    o.augment_on_device = true;
  });
  add("bf16", [](TrainOptions& o) {
    o.precision = Precision::bf16;
    o.schedule = {.kind = ScheduleKind::cosine};
  });
  add("fp16", [](TrainOptions& o) {
    o.optimizer = {.kind = OptimizerKind::adam, .learning_rate = 0.01};
    o.precision = Precision::fp16;
    o.clip_norm = 1;
    o.ema = 0.5;
  });
  return result;
}

enum class How { call_by_call, step_by_step, ahead };

class CapturedTraining : public testing::Test {
 protected:
  std::unique_ptr<Trainer> trainer(Backend& backend, const Model& model, TrainOptions options, How how) {
    options.capture = how != How::call_by_call;
    return std::make_unique<Trainer>(model, backend, data_, "pairs", options);
  }
  static void finish(Trainer& trainer, How how) {
    while (how == How::ahead ? trainer.enqueue() : trainer.step()) continue;
  }
  // The bytes of the checkpoint and the metrics, one after the other.
  Bytes state(const Trainer& trainer, const std::string& earlier_metrics = "") {
    write_checkpoint(path_, trainer.checkpoint());
    Bytes bytes = read_bytes(path_);
    const std::string metrics = earlier_metrics + trainer.metrics();
    bytes.insert(bytes.end(), metrics.begin(), metrics.end());
    return bytes;
  }

  TemporaryDirectory directory_;
  const std::string path_ = directory_ / "last.safetensors";
  const Pairs data_{52};
};

TEST_F(CapturedTraining, EndsInTheSameBytes) {
  const Model model = whole_net();
  for (const std::string& device : capturing_devices()) {
    for (const Case& run : cases()) {
      SCOPED_TRACE(device + ", " + run.name);
      const std::unique_ptr<Backend> backend = open_device(device);
      const auto plain = trainer(*backend, model, run.options, How::call_by_call);
      finish(*plain, How::call_by_call);
      EXPECT_EQ(backend->counts()->replays, 0u);
      EXPECT_EQ(plain->steps_done(), 21);
      for (const How how : {How::step_by_step, How::ahead}) {
        const std::uint64_t before = backend->counts()->replays;
        const auto captured = trainer(*backend, model, run.options, how);
        finish(*captured, how);
        EXPECT_TRUE(state(*captured) == state(*plain)) << captured->metrics() << plain->metrics();
        // All but the first step of each size, and those of an average before a step was made.
        const auto replays = static_cast<std::int64_t>(backend->counts()->replays - before);
        const std::int64_t skipped = captured->scaling() == nullptr ? 0 : captured->scaling()->skipped_steps;
        EXPECT_LE(replays, 19);
        EXPECT_GE(replays, 19 - skipped);
      }
    }
  }
}

// The first steps overflow: they are skipped on the device.
TEST_F(CapturedTraining, SkipsTheSameSteps) {
  const Model model = whole_net();
  TrainOptions options = cases().back().options;
  ASSERT_EQ(options.precision, Precision::fp16);
  for (const std::string& device : capturing_devices()) {
    const std::unique_ptr<Backend> backend = open_device(device);
    Checkpoint start = trainer(*backend, model, options, How::call_by_call)->checkpoint();
    start.loss_scale = LossScale{.scale = 0x1p26};
    Bytes expected;
    for (const How how : {How::call_by_call, How::step_by_step, How::ahead}) {
      const auto t = trainer(*backend, model, options, how);
      t->resume(start, "test");
      finish(*t, how);
      EXPECT_GE(t->scaling()->skipped_steps, 4);
      EXPECT_LT(t->scaling()->skipped_steps, 17);
      if (how == How::call_by_call)
        expected = state(*t);
      else
        EXPECT_TRUE(state(*t) == expected) << t->metrics();
    }
  }
}

TEST_F(CapturedTraining, IsResumedAnywhere) {
  const Model model = whole_net();
  for (const std::string& device : capturing_devices()) {
    for (const std::size_t number : {std::size_t{0}, std::size_t{3}, std::size_t{7}}) {
      const Case run = cases()[number];
      SCOPED_TRACE(device + ", " + run.name);
      const std::unique_ptr<Backend> backend = open_device(device);
      const auto whole = trainer(*backend, model, run.options, How::call_by_call);
      finish(*whole, How::call_by_call);
      for (const std::int64_t cut : {1, 5, 10}) {
        TrainOptions part = run.options;
        part.max_steps = cut;
        const auto first = trainer(*backend, model, part, How::ahead);
        finish(*first, How::ahead);
        state(*first);
        const auto second = trainer(*backend, model, run.options, How::ahead);
        second->resume(read_checkpoint(path_), path_);
        finish(*second, How::ahead);
        EXPECT_TRUE(state(*second, first->metrics()) == state(*whole)) << "cut at " << cut;
      }
    }
  }
}

// The failing step is found where it is replayed and steps behind it are under way: they are as if they had never been.
TEST_F(CapturedTraining, FailsAtTheSameStep) {
  for (const std::string& device : capturing_devices()) {
    for (const Model& model : {plain_net(), whole_net()}) {
      SCOPED_TRACE(device + ", " + model.graph.name());
      const std::unique_ptr<Backend> backend = open_device(device);
      // Weights become ten thousand times as large with each step.
      TrainOptions options{.epochs = 3, .batch = 4, .optimizer = {.learning_rate = 1e4, .weight_decay = 1}};
      options.ema = 0.5;
      const auto plain = trainer(*backend, model, options, How::call_by_call);
      const auto ahead = trainer(*backend, model, options, How::ahead);
      const auto failure = [](Trainer& t, How how) -> std::string {
        try {
          finish(t, how);
        } catch (const NonFiniteError& error) {
          return error.what();
        }
        return "none";
      };
      const std::string expected = failure(*plain, How::call_by_call);
      EXPECT_NE(expected.find("training diverged: "), std::string::npos) << expected;
      EXPECT_GE(plain->steps_done(), 2) << "not where steps are replayed";
      EXPECT_EQ(failure(*ahead, How::ahead), expected);
      EXPECT_EQ(ahead->steps_begun(), plain->steps_done());
      EXPECT_TRUE(state(*ahead) == state(*plain));
      const Replay a = ahead->replay(), b = plain->replay();
      EXPECT_EQ(a.step, b.step);
      EXPECT_EQ(a.random_step, b.random_step);
      EXPECT_EQ(a.samples, b.samples);
      EXPECT_EQ(failure(*ahead, How::ahead), expected) << "and again";
      EXPECT_TRUE(state(*ahead) == state(*plain));
    }
  }
}

// Twenty steps of LeNet-5.
TEST(CapturedLenet, EndsInTheSameBytes) {
  const DataSplits data = open_synthetic("1x28x28:10");
  const Model model = make_classifier(lenet5());
  for (const std::string& device : capturing_devices()) {
    for (const Precision precision : {Precision::fp32, Precision::bf16}) {
      const std::unique_ptr<Backend> backend = open_device(device);
      TrainOptions options{.batch = 2, .max_steps = 20};
      options.precision = precision;
      options.schedule = {.kind = ScheduleKind::cosine};
      TrainOptions plain_options = options;
      plain_options.capture = false;
      Trainer plain(model, *backend, *data.train, "synthetic", plain_options);
      Trainer ahead(model, *backend, *data.train, "synthetic", options);
      while (plain.step()) continue;
      while (ahead.enqueue()) continue;
      EXPECT_EQ(backend->counts()->replays, 19u);
      EXPECT_EQ(ahead.metrics(), plain.metrics());
      EXPECT_EQ(values_of(ahead.checkpoint().weights), values_of(plain.checkpoint().weights));
    }
  }
}

// These tests can fail: what is not in memory stays what it was when the step was captured, and it shows.
TEST(CapturedStep, FreezesWhatIsNotInMemory) {
  const Model model = whole_net();
  const ParameterLayout layout = ParameterLayout::of(model.graph);
  const OptimizerOptions adam{.kind = OptimizerKind::adam};
  const std::vector<ParameterRun> runs = parameter_runs(layout, {});
  for (const std::string& device : capturing_devices()) {
    const std::unique_ptr<Backend> backend = open_device(device);
    const auto after = [&](bool captured, bool factors_in_memory, bool random_in_memory) {
      const auto weights = std::make_shared<ParameterArena>(layout, backend->memory());
      initialise(*weights, 1);
      Executor executor(model.graph, *backend, weights, {.batch = 4, .training = true, .target = model.loss});
      Tensor images(Shape{4, 1, 8, 8}), labels = Tensor::zeros(Shape{4}, DType::i32);
      for (std::size_t i = 0; i < images.span<float>().size(); ++i)
        images.span<float>()[i] = static_cast<float>(i % 7) / 7;
      executor.set_input(model.image, images);
      executor.set_input(model.label, labels);
      Optimizer optimizer(adam, *backend, layout, runs);
      StepValues values(*backend, Optimizer::factors_per_run(adam.kind) * static_cast<std::int64_t>(runs.size()));
      std::unique_ptr<Captured> step;
      for (std::int64_t number = 1; number <= 4; ++number) {
        const double rate = 0.1 / static_cast<double>(number);
        values.send(number, 1, optimizer.factors(rate, number));
        const auto work = [&] {
          executor.set_random(5, number, random_in_memory ? values.random_step() : ConstView());
          executor.forward();
          executor.backward();
          optimizer.step(*weights, *executor.gradients(), rate, number,
                         {.factors = factors_in_memory ? values.factors() : ConstView()});
        };
        if (!captured) {
          work();
          continue;
        }
        if (!step) step = backend->capture(work);
        step->replay();
      }
      std::vector<float> result;
      for (std::size_t i = 0; i < layout.entries.size(); ++i) {
        const Tensor t = weights->get(i);
        result.insert(result.end(), t.span<float>().begin(), t.span<float>().end());
      }
      return result;
    };
    const std::vector<float> plain = after(false, false, false);
    EXPECT_EQ(after(false, true, true), plain);
    EXPECT_EQ(after(true, true, true), plain);
    EXPECT_NE(after(true, false, true), plain) << "a frozen learning rate";
    EXPECT_NE(after(true, true, false), plain) << "frozen random numbers";
  }
}

TEST(NotCaptured, IsExplained) {
  const Pairs data(16);
  const Model model = plain_net();
  const auto reason = [&](const char* device, auto&& change, const char* inject = "") {
    const std::unique_ptr<Backend> backend = open_device(device);
    TrainOptions options{.batch = 4};
    change(options);
    Trainer trainer(model, *backend, data, "pairs", options);
    if (*inject != '\0') trainer.inject(inject);
    return trainer.not_captured();
  };
  const auto nothing = [](TrainOptions&) {};
  EXPECT_EQ(reason("emu", nothing), "");
  EXPECT_EQ(reason("emu", [](TrainOptions& o) { o.capture = false; }), "it was not asked for");
  EXPECT_EQ(reason("emu", [](TrainOptions& o) { o.micro_batch = 2; }), "a step is computed in pieces");
  EXPECT_EQ(reason("emu", nothing, "conv"), "a fault is put into every step");
  EXPECT_EQ(reason("reference", nothing), "its operations are done when their calls return");
  const std::unique_ptr<Backend> reference = open_device("reference");
  try {
    reference->capture([] { FAIL() << "it was called"; });
    ADD_FAILURE();
  } catch (const DeviceError& error) {
    EXPECT_STREQ(error.what(), "device reference captures no work: its operations are done when their calls return");
  }
}

}  // namespace
}  // namespace fovea::test
