// SPDX-License-Identifier: Apache-2.0
//
// What is timed, and what a step's key says. Seeded faults that turn these red: a mean in place of the median, or the
// first call among the repeats; a key without engine, options, shape, type, layout or direction; a key with the layer's
// name.
#include "core/tuning/step_time.h"

#include <gtest/gtest.h>

#include <set>

#include "core/tuning/step_key.h"
#include "tests/train/small_runs.h"
#include "tests/tuning/two_engines.h"

namespace fovea::test {
namespace {

struct Planned {
  Model model;
  ParameterLayout parameters = ParameterLayout::of(model.graph);
  Plan plan{};

  Planned(Model net, Backend& backend, std::int64_t batch = 4, DType dtype = DType::f32) : model(std::move(net)) {
    plan = make_plan(model.graph, parameters, backend,
                     {.batch = batch, .training = true, .target = model.loss, .dtype = dtype});
  }
  const PlanStep& step(const std::string& layer, StepKind kind) const {
    for (const PlanStep& step : plan.steps)
      if (step.kind == kind && model.graph.node(step.node).name == layer) return step;
    throw InputError("no such step");
  }
  std::string key(const std::string& layer, StepKind kind = StepKind::forward) const {
    return step_key(model.graph, plan, step(layer, kind));
  }
};

// Takes one second at first, then a hundredth, now and then a tenth.
class Unsteady final : public Backend {
 public:
  std::string name() const override { return "unsteady"; }
  std::shared_ptr<Memory> memory() override { return host_memory(); }
  EngineChoice choose(std::string_view, Direction, std::string_view) override { return {&ops_, "native"}; }
  std::uint64_t executed() const override { return 0; }
  std::unique_ptr<WorkTimer> timer() override { return std::make_unique<Timer>(); }

 private:
  class Timer final : public WorkTimer {
   public:
    void start() override {}
    double seconds() override {
      const double each[] = {1, 0.01, 0.1, 0.01, 0.02, 0.01, 0.1};
      return each[next_++];
    }
    void mark() override { throw Error("nothing is marked here"); }
    std::vector<double> marks() override { return {}; }
    std::string_view clock() const override { return "device"; }

   private:
    std::size_t next_ = 0;
  };
  ReferenceOps ops_;
};

TEST(StepTime, IsTheMedianAfterWarmingUp) {
  Unsteady backend;
  const Planned net(plain_net(), backend);
  const PlanStep& step = net.step("conv", StepKind::forward);
  EXPECT_EQ(time_step(net.model.graph, net.parameters, net.plan, step, backend), 0.02);
}

TEST(StepTime, EveryStepOfATrainingCanBeTimed) {
  for (const DType dtype : {DType::f32, DType::bf16, DType::f16}) {
    TwoEngines backend;
    const Planned net(whole_net(), backend, 4, dtype);
    for (const PlanStep& step : net.plan.steps)
      EXPECT_NO_THROW(time_step(net.model.graph, net.parameters, net.plan, step, backend))
          << step_key(net.model.graph, net.plan, step);
  }
}

TEST(StepTime, ShortStepsAreCalledOften) {
  TwoEngines backend;
  backend.native_costs.calls["conv2d_forward"] = 1e-5;
  const Planned net(plain_net(), backend);
  const std::uint64_t before = backend.executed();
  EXPECT_NEAR(time_step(net.model.graph, net.parameters, net.plan, net.step("conv", StepKind::forward), backend), 1e-5,
              1e-9);
  EXPECT_GE(backend.executed() - before, 5 * 100) << "of 10 us each, for a repeat of 1 ms";
}

TEST(StepKey, SaysWhatDecides) {
  TwoEngines backend;
  const Planned net(plain_net(), backend);
  const std::string key = net.key("conv");
  for (const char* part : {"conv2d forward by native", "out_channels = 4", "kernel = 3", "training",
                           "in f32 [4, 1, 8, 8] nchw", "out f32 [4, 4, 8, 8] nchw"})
    EXPECT_NE(key.find(part), std::string::npos) << part << " in " << key;
  std::set<std::string> keys{key, net.key("conv", StepKind::backward), net.key("fc")};
  keys.insert(Planned(plain_net(), backend, 5).key("conv"));
  keys.insert(Planned(plain_net(), backend, 4, DType::bf16).key("conv"));
  Graph g("other options");
  NodeId x = g.add("another_name", Conv2d({.out_channels = 4, .kernel = 3, .padding = 1}), g.input("image", {1, 8, 8}));
  g.add("fc", Linear({.out_features = 3}), g.add("conv", Conv2d({.out_channels = 4, .kernel = 3, .stride = 2}), x));
  const Planned other(make_classifier(g), backend);
  keys.insert(other.key("conv"));
  EXPECT_EQ(keys.size(), 6u);
  EXPECT_EQ(other.key("another_name"), key) << "a name decides nothing";
  backend.pick_engines({{"conv", Direction::forward, "other"}});
  EXPECT_NE(Planned(plain_net(), backend).key("conv"), key);
}

}  // namespace
}  // namespace fovea::test
