// SPDX-License-Identifier: Apache-2.0
//
// The cpu device: its names, its engines, and what it says about wrong ones.
#include "cpu/cpu_backend.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "core/support/error.h"
#include "core/support/parallel.h"
#include "core/tensor/tensor.h"

namespace fovea {
namespace {

std::string message_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const InputError& error) {
    return error.what();
  }
  return "no InputError";
}

TEST(CpuBackend, OpensByItsNames) {
  for (const char* spec : {"cpu", "cpu:onednn", "cpu:native", "cpu:auto"})
    EXPECT_EQ(open_device(spec)->name(), "cpu:onednn") << spec;
  EXPECT_EQ(open_device("cpu:reference")->name(), "cpu:reference");
}

TEST(CpuBackend, RefusesOtherEngines) {
  EXPECT_EQ(message_of([] { open_device("cpu:library"); }),
            "device cpu: expected an engine of onednn, reference, got 'library'");
  EXPECT_EQ(message_of([] { open_device("cpu:onedn"); }),
            "device cpu: expected an engine of onednn, reference, got 'onedn' (did you mean 'onednn'?)");
  EXPECT_EQ(message_of([] { open_device("cpu:"); }), "device cpu: expected an engine of onednn, reference, got ''");
  EXPECT_NE(message_of([] { open_device("cpu1"); }).find("only cuda devices are numbered"), std::string::npos);
  const auto cpu = open_device("cpu");
  EXPECT_EQ(message_of([&] { cpu->choose("conv2d", Direction::forward, "direct"); }),
            "device cpu: expected an engine of onednn, reference, got 'direct'");
}

TEST(CpuBackend, NamesTheReferenceForWhatTheEngineLacks) {
  for (const char* spec : {"cpu", "cpu:reference"}) {
    const auto cpu = open_device(spec);
    for (const char* forced : {"", "reference"}) {
      const EngineChoice choice = cpu->choose("one_hot", Direction::forward, forced);
      EXPECT_EQ(choice.engine, "reference");
      EXPECT_NE(choice.ops, nullptr);
    }
  }
  const auto cpu = open_device("cpu");
  for (const std::string forced : {"onednn", "native"})
    EXPECT_EQ(
        message_of([&] { cpu->choose("one_hot", Direction::forward, forced); }),
        "engine '" + forced + "' of device cpu:onednn has no one_hot; leave the engine out or choose 'reference'");
}

TEST(CpuBackend, RunsItsOwnOperationsByOneDnnAndOthersByTheReference) {
  const auto cpu = open_device("cpu");
  for (const char* op : {"conv2d", "linear", "bias", "max_pool2d", "avg_pool2d", "adaptive_pool2d", "batch_norm",
                         "relu", "add", "dropout", "sgd", "adam", "convert_layout"})
    EXPECT_EQ(cpu->choose(op, Direction::forward, {}).engine, "onednn") << op;
  for (const char* op : {"tanh",
                         "activation",
                         "prelu",
                         "multiply",
                         "concat",
                         "pad",
                         "upsample2d",
                         "lrn",
                         "softmax",
                         "log_softmax",
                         "softmax_cross_entropy",
                         "soft_cross_entropy",
                         "hinge_loss",
                         "mean_squared_error",
                         "binary_cross_entropy",
                         "one_hot",
                         "distance",
                         "rmsprop",
                         "adagrad",
                         "average",
                         "sum_of_squares",
                         "gradient_clip",
                         "nonfinite",
                         "augment"})
    EXPECT_EQ(cpu->choose(op, Direction::backward, {}).engine, "reference") << op;
}

// Bit for bit, whatever the processor fuses elsewhere: real numbers, of which no product is exact.
TEST(CpuBackend, SgdHasTheBitsOfTheReference) {
  constexpr std::int64_t elements = 1003;
  const SgdOptions options{.learning_rate = 0.013f, .momentum = 0.9f, .weight_decay = 0.0007f, .nesterov = true};
  const auto run = [&](const char* spec) {
    Tensor w({elements}), g({elements}), v({elements});
    for (std::int64_t i = 0; i < elements; ++i) {
      const auto at = static_cast<std::size_t>(i);
      const auto real = static_cast<float>(i);
      w.span<float>()[at] = std::sin(real), g.span<float>()[at] = std::sin(3 * real + 1);
      v.span<float>()[at] = std::sin(7 * real + 2);
    }
    const auto device = open_device(spec);
    device->choose("sgd", Direction::forward, {}).ops->sgd_step(options, w.view(), g.view(), v.view(), {});
    std::vector<float> bits(w.span<float>().begin(), w.span<float>().end());
    bits.insert(bits.end(), v.span<float>().begin(), v.span<float>().end());
    return bits;
  };
  EXPECT_EQ(run("cpu"), run("reference"));
}

TEST(CpuBackend, CountsWhatItExecuted) {
  const auto cpu = open_device("cpu");
  EXPECT_EQ(cpu->executed(), 0u);
  const Tensor x = Tensor::zeros({3});
  Tensor y = Tensor::zeros({3});
  cpu->choose("relu", Direction::forward, {}).ops->relu_forward(x.view(), y.view());
  cpu->choose("relu", Direction::forward, "reference").ops->relu_forward(x.view(), y.view());
  EXPECT_EQ(cpu->executed(), 2u);
}

TEST(CpuBackend, DescribesItself) {
  set_thread_count(3);
  const DeviceInfo info = cpu_device_info();
  set_thread_count(0);
  EXPECT_EQ(info.name, "cpu");
  EXPECT_TRUE(info.available);
  EXPECT_EQ(info.detail.rfind("oneDNN 3.", 0), 0u) << info.detail;
  EXPECT_NE(info.detail.find(", 3 threads, "), std::string::npos) << info.detail;
  ASSERT_EQ(info.engines.size(), 2u);
  EXPECT_EQ(info.engines[0].name, "onednn");
}

}  // namespace
}  // namespace fovea
