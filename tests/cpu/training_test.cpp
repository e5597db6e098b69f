// SPDX-License-Identifier: Apache-2.0
//
// Training on the cpu device beside the reference: the same course, the same bits every time, the same checkpoints.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iterator>

#include "core/backend/device_list.h"
#include "core/graph/net_file.h"
#include "core/support/parallel.h"
#include "core/train/trainer.h"

namespace fovea {
namespace {

constexpr std::int64_t batch = 32;
constexpr SgdOptions sgd{.learning_rate = 0.05f, .momentum = 0.9f, .weight_decay = 1e-4f};

Model net(const std::string& name) {
  return make_classifier(read_net(FOVEA_SOURCE_DIR "/examples/nets/" + name + ".toml"));
}

// Convolutions, batch_norm, shortcuts and an average over 28 x 28 positions, for the digits.
Model residual() {
  return make_classifier(parse_net(R"(
name = "residual"
input = [1, 28, 28]
[[layer]]
name = "conv0"
type = "conv2d"
out_channels = 16
kernel = 3
padding = 1
bias = false
[[layer]]
name = "norm0"
type = "batch_norm"
[[layer]]
name = "relu0"
type = "relu"
[[layer]]
name = "conv1"
type = "conv2d"
out_channels = 16
kernel = 3
padding = 1
bias = false
[[layer]]
name = "norm1"
type = "batch_norm"
[[layer]]
name = "add1"
type = "add"
inputs = ["norm1", "relu0"]
[[layer]]
name = "relu1"
type = "relu"
[[layer]]
name = "mean"
type = "global_avg_pool2d"
[[layer]]
name = "fc"
type = "linear"
out_features = 10
)",
                                   "residual"));
}

const DataSplits& digits() {
  static const DataSplits data = open_data("digits");
  return data;
}

// The losses of so many steps of SGD.
std::vector<double> losses(const Model& model, const std::string& device, bool passes, int steps = 20) {
  const auto backend = open_device(device);
  const auto weights = std::make_shared<ParameterArena>(ParameterLayout::of(model.graph), backend->memory());
  initialise(*weights, 5);
  ParameterArena momenta(weights->layout(), backend->memory());
  Executor executor(
      model.graph, *backend, weights,
      {.batch = batch, .training = true, .target = model.loss, .passes = {.layouts = passes, .fuse = passes}});
  const Normalization normalization = measure_normalization(*digits().train);
  const std::vector<std::int64_t> order = epoch_order(digits().train->size(), 5, 0);
  std::vector<double> result;
  for (int step = 0; step < steps; ++step) {
    const auto samples = std::span(order).subspan(static_cast<std::size_t>(step * batch), batch);
    const Batch images = make_batch(*digits().train, samples, normalization);
    executor.set_input(model.image, images.images);
    executor.set_input(model.label, images.labels);
    executor.forward();
    result.push_back(static_cast<double>(executor.read(model.loss).span<float>()[0]));
    executor.backward();
    backend->choose("sgd", Direction::forward, {})
        .ops->sgd_step(sgd, weights->trained(), executor.gradients()->trained(), momenta.trained(), {});
  }
  return result;
}

// Rounding makes two right runs drift apart; to 1e-4 in so few steps.
void expect_same_course(const std::vector<double>& a, const std::vector<double>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-4 * std::abs(b[i])) << "step " << i;
}

class CpuTraining : public testing::TestWithParam<std::string> {
 protected:
  const Model model_ = GetParam() == "residual" ? residual() : net(GetParam());
};

TEST_P(CpuTraining, FollowsTheReference) {
  const std::vector<double> reference = losses(model_, "reference", true), optimised = losses(model_, "cpu", true);
  if (GetParam() == "lenet5") {  // which learns so fast
    EXPECT_LT(optimised.back(), 0.9 * optimised.front()) << "a course that goes nowhere would prove little";
  }
  expect_same_course(optimised, reference);
  expect_same_course(losses(model_, "cpu", false), reference);
}

TEST_P(CpuTraining, FollowsItselfOnAnyNumberOfThreads) {
  const std::vector<double> expected = losses(model_, "cpu", true);
  for (const int threads : {1, 3}) {
    set_thread_count(threads);
    expect_same_course(losses(model_, "cpu", true), expected);
    set_thread_count(0);
  }
}

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// A run of `steps` steps in all on `device`, from a checkpoint where one is named, that ends in another.
struct CheckpointedRun {
  std::string file, metrics;

  CheckpointedRun(const Model& model, const std::string& device, std::int64_t steps, std::string to,
                  const std::string& from = {})
      : file(std::move(to)) {
    const auto backend = open_device(device);
    Trainer trainer(model, *backend, *digits().train, "digits",
                    {.batch = batch,
                     .optimizer = {.learning_rate = 0.05, .momentum = 0.9, .weight_decay = 1e-4},
                     .seed = 5,
                     .max_steps = steps});
    if (!from.empty()) trainer.resume(read_checkpoint(from), from);
    while (trainer.step()) continue;
    EXPECT_EQ(trainer.steps_done(), steps);
    write_checkpoint(file, trainer.checkpoint());
    metrics = trainer.metrics();
  }
  ~CheckpointedRun() { std::remove(file.c_str()); }
  CheckpointedRun(const CheckpointedRun&) = delete;
  CheckpointedRun& operator=(const CheckpointedRun&) = delete;
};

std::string scratch(const std::string& name) { return testing::TempDir() + "cpu_training_" + name + ".safetensors"; }

TEST_P(CpuTraining, TwiceGivesTheSameCheckpointAndSoDoesAResumedRun) {
  const std::string name = scratch(GetParam());
  const CheckpointedRun first(model_, "cpu", 20, name + ".1"), second(model_, "cpu", 20, name + ".2");
  EXPECT_EQ(first.metrics, second.metrics);
  EXPECT_FALSE(bytes_of(first.file).empty());
  EXPECT_TRUE(bytes_of(first.file) == bytes_of(second.file));
  const CheckpointedRun half(model_, "cpu", 9, name + ".3"), rest(model_, "cpu", 20, name + ".4", half.file);
  EXPECT_TRUE(bytes_of(rest.file) == bytes_of(first.file));
  EXPECT_EQ(half.metrics + rest.metrics, first.metrics);
}

// There and back again: any device reads any other's checkpoint.
TEST_P(CpuTraining, CheckpointsGoToTheReferenceAndBack) {
  const std::string name = scratch(GetParam() + "_devices");
  const CheckpointedRun on_cpu(model_, "cpu", 5, name + ".1");
  const CheckpointedRun on_reference(model_, "reference", 8, name + ".2", on_cpu.file);
  const CheckpointedRun back(model_, "cpu", 12, name + ".3", on_reference.file);
  const auto steps = [](const std::string& metrics) { return std::ranges::count(metrics, '\n'); };
  EXPECT_EQ(steps(on_reference.metrics), 3);
  EXPECT_EQ(steps(back.metrics), 4);
}

INSTANTIATE_TEST_SUITE_P(Nets, CpuTraining, testing::Values("lenet5", "residual"),
                         [](const auto& name) { return name.param; });

}  // namespace
}  // namespace fovea
