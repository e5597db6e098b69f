// SPDX-License-Identifier: Apache-2.0
//
// What observers of an executor see, what profilers are told, and that a dry device counts what the device itself does.
#include "core/executor/plan_launches.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "core/backend/device_list.h"
#include "core/executor/executor.h"
#include "core/executor/step_call.h"
#include "core/support/error.h"
#include "cpu_reference/reference_backend.h"
#include "tests/core/small_nets.h"

namespace fovea::test {
namespace {

constexpr std::int64_t batch = 3;

PlanOptions options_for(const Model& model, bool training, DType dtype = DType::f32) {
  return {.batch = batch, .training = training, .target = training ? model.loss : model.logits, .dtype = dtype};
}

// The reference, with the names of its ranges.
class RecordingBackend final : public Backend {
 public:
  std::string name() const override { return backend_->name(); }
  std::shared_ptr<Memory> memory() override { return backend_->memory(); }
  EngineChoice choose(std::string_view op, Direction direction, std::string_view forced) override {
    return backend_->choose(op, direction, forced);
  }
  std::uint64_t executed() const override { return backend_->executed(); }
  void begin_range(std::string_view name) override {
    EXPECT_EQ(open_++, 0) << name;
    ranges.emplace_back(name);
  }
  void end_range() override { --open_; }

  std::vector<std::string> ranges;

 private:
  std::unique_ptr<Backend> backend_ = make_reference_backend();
  int open_ = 0;
};

// The steps by number, as "begin 3" and "end 3", and what the backend executed within each.
class Recorder final : public StepObserver {
 public:
  explicit Recorder(Executor& executor) : executor_(executor) {}
  void before(const PlanStep& step) override {
    seen.push_back("begin " + number(step));
    executed_ = executor_.backend().executed();
  }
  void after(const PlanStep& step) override {
    seen.push_back("end " + number(step));
    launches.push_back(static_cast<std::int64_t>(executor_.backend().executed() - executed_));
  }

  std::vector<std::string> seen;
  std::vector<std::int64_t> launches;

 private:
  std::string number(const PlanStep& step) const { return std::to_string(&step - executor_.plan().steps.data()); }
  Executor& executor_;
  std::uint64_t executed_ = 0;
};

struct NetRun {
  std::shared_ptr<ParameterArena> weights;
  std::unique_ptr<Executor> executor;

  NetRun(const Model& model, Backend& backend, const PlanOptions& options) {
    weights = std::make_shared<ParameterArena>(ParameterLayout::of(model.graph), backend.memory());
    initialise(*weights, 3);
    executor = std::make_unique<Executor>(model.graph, backend, weights, options);
    const std::vector<Shape> shapes = model.graph.shapes(batch);
    executor->set_input(model.image, random_tensor(shapes[static_cast<std::size_t>(model.image)], 0));
    if (options.training) executor->set_input(model.label, labels(shapes[static_cast<std::size_t>(model.label)], 4));
  }
  void pass() {
    executor->forward();
    if (executor->plan().options.training) executor->backward();
  }
};

TEST(StepObserver, SeesEachStepBeginAndEndInTheOrderOfThePlan) {
  const Model model = branching();
  RecordingBackend backend;
  NetRun run(model, backend, options_for(model, true));
  Recorder recorder(*run.executor);
  run.executor->observe(&recorder);
  run.pass();
  run.executor->observe(nullptr);
  run.pass();
  std::vector<std::string> expected;
  for (std::size_t i = 0; i < run.executor->plan().steps.size(); ++i) {
    expected.push_back("begin " + std::to_string(i));
    expected.push_back("end " + std::to_string(i));
  }
  EXPECT_EQ(recorder.seen, expected);
}

TEST(StepObserver, ChangesNoBit) {
  const Model model = residual();
  const std::unique_ptr<Backend> backend = make_reference_backend();
  NetRun plain(model, *backend, options_for(model, true)), watched(model, *backend, options_for(model, true));
  Recorder recorder(*watched.executor);
  watched.executor->observe(&recorder);
  plain.pass();
  watched.pass();
  const auto bytes_of = [](NetRun& run) {
    const Tensor gradients = [&] {
      const View all = run.executor->gradients()->all();
      Tensor host(all.shape, all.dtype);
      run.executor->backend().memory()->copy_to_host(host.view().data, all.data, all.bytes());
      return host;
    }();
    return std::vector<float>(gradients.span<float>().begin(), gradients.span<float>().end());
  };
  EXPECT_EQ(bytes_of(plain), bytes_of(watched));
}

TEST(Ranges, AreNamedLikeTheSteps) {
  const Model model = branching();
  for (const DType dtype : {DType::f32, DType::bf16}) {
    RecordingBackend backend;
    NetRun run(model, backend, options_for(model, true, dtype));
    run.pass();
    std::vector<std::string> expected;
    for (const PlanStep& step : run.executor->plan().steps) expected.push_back(range_name(model.graph, step));
    EXPECT_EQ(backend.ranges, expected);
    EXPECT_EQ(std::count(expected.begin(), expected.end(), "a forward"), 1);
    EXPECT_EQ(std::count(expected.begin(), expected.end(), "a backward"), 1);
    EXPECT_EQ(std::count(expected.begin(), expected.end(), "loss seed"), 1);
    EXPECT_EQ(std::count(expected.begin(), expected.end(), "a cast"), dtype == DType::f32 ? 0 : 1);
    EXPECT_GT(std::count(expected.begin(), expected.end(), "twice sum"), 0);
  }
}

// The reason why the device has no such plan; empty when it has one.
std::string refusal(const Model& model, Backend& backend, const PlanOptions& options) {
  try {
    make_plan(model.graph, ParameterLayout::of(model.graph), backend, options);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

// Runs a pass on the device, and an update in training, and counts it on the dry one.
void expect_equal_launches(const Model& model, Backend& backend, Backend& dry, const PlanOptions& options) {
  const ParameterLayout layout = ParameterLayout::of(model.graph);
  NetRun run(model, backend, options);
  Recorder recorder(*run.executor);
  run.executor->observe(&recorder);
  run.pass();
  const Plan plan = make_plan(model.graph, layout, dry, options);
  EXPECT_EQ(plan.arena_bytes, run.executor->plan().arena_bytes);
  EXPECT_EQ(count_launches(model.graph, layout, plan, dry), recorder.launches);
  if (!options.training) return;
  ParameterArena momenta(layout, backend.memory());
  const std::uint64_t before = backend.executed();
  backend.choose("sgd", Direction::forward, {})
      .ops->sgd_step({.momentum = 0.9f}, run.weights->trained(), run.executor->gradients()->trained(),
                     momenta.trained(), {});
  EXPECT_EQ(count_sgd_launches(layout, dry), static_cast<std::int64_t>(backend.executed() - before));
}

// Every device of this build that can be used, on nets with branches, conversions, fused ReLUs and work in place; in 16
// bits those that have them, and the others refuse them alike.
TEST(CountLaunches, AreThoseOfTheDevice) {
  const std::vector<Model> models{branching(), residual(), preactivated(), flattening(), pixelwise()};
  for (const DeviceInfo& device : list_devices()) {
    if (!device.available) continue;
    const std::unique_ptr<Backend> backend = open_device(device.name), dry = open_dry_device(device.name);
    EXPECT_EQ(dry->name(), backend->name());
    const bool stores_16_bits = std::ranges::count(device.engines.front().precisions, Precision::bf16) > 0;
    for (const Model& model : models) {
      for (const bool training : {false, true}) {
        for (const DType dtype : {DType::f32, DType::bf16}) {
          SCOPED_TRACE(device.name + ", " + model.graph.name() + (training ? ", training, " : ", inference, ") +
                       std::string(name_of(dtype)));
          const PlanOptions options = options_for(model, training, dtype);
          const std::string refused = refusal(model, *backend, options);
          EXPECT_EQ(refused.empty(), dtype == DType::f32 || stores_16_bits) << refused;
          EXPECT_EQ(refusal(model, *dry, options), refused);
          if (refused.empty()) expect_equal_launches(model, *backend, *dry, options);
        }
      }
    }
  }
}

// More than the emulated device has: described all the same, and nothing is written anywhere.
TEST(CountLaunches, NeedNoMemory) {
  Graph g("large");
  const NodeId conv =
      g.add("conv", Conv2d({.out_channels = 16, .kernel = 3, .padding = 1}), g.input("image", {1, 32, 32}));
  g.add("fc", Linear({.out_features = 4}), g.add("flat", Flatten(), conv));
  const Model model = make_classifier(g);
  for (const char* device : {"reference", "emu"}) {
    const std::unique_ptr<Backend> dry = open_dry_device(device);
    PlanOptions options = options_for(model, true);
    options.batch = 60000;
    const ParameterLayout layout = ParameterLayout::of(model.graph);
    const Plan plan = make_plan(model.graph, layout, *dry, options);
    EXPECT_GT(plan.arena_bytes, std::size_t{4} << 30);
    const std::vector<std::int64_t> launches = count_launches(model.graph, layout, plan, *dry);
    EXPECT_EQ(launches.size(), plan.steps.size());
    EXPECT_GT(launches[0], 0);
  }
}

TEST(OpenDryDevice, RefusesWhatOpenDeviceRefuses) {
  EXPECT_THROW(open_dry_device("emuu"), InputError);
  EXPECT_THROW(open_dry_device("emu:natve"), InputError);
  EXPECT_THROW(open_dry_device("reference:direct"), InputError);
}

}  // namespace
}  // namespace fovea::test
