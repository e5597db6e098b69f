// SPDX-License-Identifier: Apache-2.0
//
// Which engines are chosen, on a device whose times are known. Seeded faults that turn these red: the slowest in place
// of the fastest; forward's times for backward too; picks that no plan reads, or that go before a layer's own wish; a
// search that measures what is known, that forgets the hardware, or whose own picks stay when it fails; a refusal that
// ends the search; further plans that are not tried.
#include "core/tuning/choose_engines.h"

#include <gtest/gtest.h>

#include <thread>

#include "core/train/training_model.h"
#include "tests/data/files.h"
#include "tests/train/small_runs.h"
#include "tests/tuning/two_engines.h"

namespace fovea::test {
namespace {

constexpr std::int64_t batch = 4;
constexpr Direction forward = Direction::forward, backward = Direction::backward;

PlanOptions training_plan(const Model& model, Precision precision = Precision::fp32) {
  return pass_options(model, precision, batch, true);
}

EngineTable choose(const Model& model, Backend& backend, EngineTimes& times) {
  return choose_engines(model.graph, backend, {training_plan(model)}, times);
}

std::map<std::string, std::string> engines_of(const Model& model, Backend& backend, const PlanOptions& options) {
  std::map<std::string, std::string> engines;
  const Plan plan = make_plan(model.graph, ParameterLayout::of(model.graph), backend, options);
  for (const PlanStep& step : plan.steps)
    if (step.kind == StepKind::forward || step.kind == StepKind::backward)
      engines[model.graph.node(step.node).name + (step.kind == StepKind::forward ? " forward" : " backward")] =
          step.engine.engine;
  return engines;
}

// In milliseconds.
void expect_row(const EngineRow& row, const EnginePick& pick, double native, double other) {
  SCOPED_TRACE(pick.layer + (pick.direction == forward ? " forward" : " backward"));
  EXPECT_EQ((EnginePick{row.layer, row.direction, row.engine}), pick);
  ASSERT_EQ(row.times.size(), 2u);
  EXPECT_EQ(row.times[0].engine, "native");
  EXPECT_EQ(row.times[1].engine, "other");
  ASSERT_TRUE(row.times[0].seconds && row.times[1].seconds);
  EXPECT_NEAR(1e3 * *row.times[0].seconds, native, 1e-6);
  EXPECT_NEAR(1e3 * *row.times[1].seconds, other, 1e-6);
}

TEST(ChooseEngines, TheFastestOfEachLayerAndDirection) {
  TwoEngines backend;
  const Model model = plain_net();
  EngineTimes times;
  const EngineTable table = choose(model, backend, times);
  ASSERT_EQ(table.rows.size(), 4u);
  expect_row(table.rows[0], {"conv", forward, "other"}, 1, 0.5);
  expect_row(table.rows[1], {"conv", backward, "other"}, 1, 0.5);  // of the filters; images need no gradient
  expect_row(table.rows[2], {"fc", forward, "native"}, 1, 2);
  expect_row(table.rows[3], {"fc", backward, "other"}, 2, 1.1);
  EXPECT_EQ(table.rows[0].op, "conv2d");
  EXPECT_EQ(table.measured, 8u);
  EXPECT_EQ(table.remembered, 0u);
  EXPECT_TRUE(table.unmeasured.empty());

  EXPECT_EQ(backend.picked_engines(), table.picks());
  const auto engines = engines_of(model, backend, training_plan(model));
  EXPECT_EQ(engines.at("conv forward"), "other");
  EXPECT_EQ(engines.at("conv backward"), "other");
  EXPECT_EQ(engines.at("fc forward"), "native");
  EXPECT_EQ(engines.at("fc backward"), "other");
  EXPECT_EQ(engines.at("relu forward"), "native") << "there is no choice";
  // Evaluations too, whose plans have another batch.
  EXPECT_EQ(engines_of(model, backend, pass_options(model, Precision::fp32, 7, false)).at("conv forward"), "other");
}

TEST(ChooseEngines, EqualsKeepTheDevicesOwn) {
  TwoEngines backend;
  backend.other_costs = backend.native_costs;
  EngineTimes times;
  for (const EngineRow& row : choose(plain_net(), backend, times).rows) EXPECT_EQ(row.engine, "native") << row.layer;
}

TEST(ChooseEngines, ByTheClockOnTheWall) {
  class Sleepy final : public ReferenceOps {
   public:
    void linear_forward(const LinearOptions& o, ConstView x, ConstView w, ConstView bias, View y,
                        Workspace workspace) override {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      ReferenceOps::linear_forward(o, x, w, bias, y, workspace);
    }
  };
  class Host final : public Backend {
   public:
    std::string name() const override { return "host:auto"; }
    std::shared_ptr<Memory> memory() override { return host_memory(); }
    EngineChoice choose(std::string_view op, Direction direction, std::string_view forced) override {
      require(forced != "quick" || (op == "linear" && direction == Direction::forward),
              [] { return std::string("no"); });
      if (forced == "quick") return {&quick_, "quick"};
      return {&sleepy_, "sleepy"};
    }
    std::vector<std::string> measured_engines() const override { return {"sleepy", "quick"}; }
    std::string hardware() const override { return "this host"; }
    std::uint64_t executed() const override { return sleepy_.executed() + quick_.executed(); }

   private:
    Sleepy sleepy_;
    ReferenceOps quick_;
  } backend;
  EngineTimes times;
  const EngineTable table = choose(linear_net(), backend, times);
  ASSERT_EQ(table.rows.size(), 1u) << "backward there is one engine";
  EXPECT_EQ(table.rows[0].engine, "quick");
  EXPECT_GE(table.rows[0].times[0].seconds.value(), 5e-3);
}

TEST(ChooseEngines, NothingIsMeasuredTwice) {
  const Model model = plain_net();
  TwoEngines backend;
  EngineTimes times;
  const EnginePicks picks = choose(model, backend, times).picks();
  const int reads = backend.clock.reads;
  EXPECT_GT(reads, 0);
  const EngineTable again = choose(model, backend, times);
  EXPECT_EQ(backend.clock.reads, reads);
  EXPECT_EQ(again.measured, 0u);
  EXPECT_EQ(again.remembered, 8u);
  EXPECT_EQ(again.picks(), picks);
  // Nor where nothing may be measured.
  backend.pick_engines({});
  EXPECT_EQ(choose_engines(model.graph, backend, {training_plan(model)}, times, false).picks(), picks);
  // What is known goes before what would be measured now, also after a way through a file.
  TwoEngines slower;
  slower.other_costs.otherwise = 1;
  slower.other_costs.calls.clear();
  EXPECT_EQ(choose(model, slower, times).picks(), picks);

  // Another driver, batch or type: other times.
  backend.gpu = "a made-up GPU, driver 2";
  EXPECT_EQ(choose(model, backend, times).measured, 8u);
  EXPECT_EQ(
      choose_engines(model.graph, backend, {pass_options(model, Precision::fp32, batch + 1, true)}, times).measured,
      8u);
}

TEST(ChooseEngines, EqualLayersAreMeasuredOnce) {
  Graph g("repeated");
  NodeId x = g.input("image", {4, 8, 8});
  for (const char* name : {"a", "b", "c"}) x = g.add(name, Conv2d({.out_channels = 4, .kernel = 3, .padding = 1}), x);
  g.add("fc", Linear({.out_features = 3}), x);
  const Model model = make_classifier(g);
  TwoEngines backend;
  EngineTimes times;
  const EngineTable table = choose(model, backend, times);
  EXPECT_EQ(table.rows.size(), 8u);
  // conv2d forward, conv2d backward without and with the gradient of its input, and linear: each on two engines.
  EXPECT_EQ(table.measured, 10u);
}

TEST(ChooseEngines, WhereNothingMayBeMeasuredTheDevicesOwn) {
  TwoEngines backend;
  EngineTimes times;
  const Model model = plain_net();
  const EngineTable table = choose_engines(model.graph, backend, {training_plan(model)}, times, false);
  EXPECT_EQ(backend.clock.reads, 0);
  EXPECT_EQ(table.unmeasured, (std::vector<std::string>{"conv", "fc"}));
  for (const EngineRow& row : table.rows) {
    EXPECT_EQ(row.engine, "native");
    EXPECT_FALSE(row.times[0].seconds || row.times[1].seconds);
  }
}

TEST(ChooseEngines, WhoRefusesIsNotChosen) {
  const Model model = plain_net();
  TwoEngines backend;
  EngineTimes times;
  const EngineTable table = choose_engines(model.graph, backend, {training_plan(model, Precision::bf16)}, times);
  EXPECT_EQ(table.measured, 0u) << "there is no choice";
  EXPECT_TRUE(table.unmeasured.empty());
  ASSERT_EQ(table.rows.size(), 4u);
  for (const EngineRow& row : table.rows) {
    EXPECT_EQ(row.engine, "native");
    EXPECT_EQ(row.times[0].refusal, "");
    EXPECT_TRUE(holds(row.times[1].refusal, {row.layer, "'other'", "float32 only"})) << row.times[1].refusal;
  }
  // Nor who refuses one of the other plans.
  const EngineTable both =
      choose_engines(model.graph, backend, {training_plan(model), training_plan(model, Precision::bf16)}, times);
  for (const EngineRow& row : both.rows) EXPECT_EQ(row.engine, "native") << row.layer;
}

TEST(ChooseEngines, ALayersOwnWishGoesFirst) {
  Graph g("wish");
  const auto conv = std::make_shared<const Conv2d>(Conv2dOptions{.out_channels = 4, .kernel = 3, .padding = 1});
  const NodeId x = g.add("conv", conv, {g.input("image", {1, 8, 8})}, "native");
  g.add("fc", Linear({.out_features = 3}), x);
  const Model model = make_classifier(g);
  TwoEngines backend;
  EngineTimes times;
  const EngineTable table = choose(model, backend, times);
  ASSERT_EQ(table.rows.size(), 2u);
  EXPECT_EQ(table.rows[0].layer, "fc");
  backend.pick_engines({{"conv", forward, "other"}});
  EXPECT_EQ(engines_of(model, backend, training_plan(model)).at("conv forward"), "native");
}

TEST(ChooseEngines, InferenceHasForwardOnly) {
  TwoEngines backend;
  EngineTimes times;
  const Model model = plain_net();
  const EngineTable table =
      choose_engines(model.graph, backend, {pass_options(model, Precision::fp32, batch, false)}, times);
  EXPECT_EQ(table.picks(), (EnginePicks{{"conv", forward, "other"}, {"fc", forward, "native"}}));
}

TEST(ChooseEngines, OnADeviceWithoutAChoiceNothingHappens) {
  TwoEngines backend;
  EngineTimes times;
  const EnginePicks before{{"fc", forward, "native"}};
  backend.pick_engines(before);
  backend.engines = {};
  EXPECT_TRUE(choose(plain_net(), backend, times).rows.empty());
  EXPECT_EQ(backend.picked_engines(), before);
  backend.engines = {"native"};
  EXPECT_TRUE(choose(plain_net(), backend, times).rows.empty());
  EXPECT_EQ(backend.clock.reads, 0);
}

TEST(ChooseEngines, AFailedSearchLeavesThePicks) {
  TwoEngines backend;
  EngineTimes times;
  const EnginePicks before{{"fc", forward, "other"}};
  backend.pick_engines(before);
  const Model model = plain_net();
  PlanOptions nothing = training_plan(model);
  nothing.batch = 0;
  EXPECT_EQ(input_error([&] { choose_engines(model.graph, backend, {nothing}, times); }),
            "batch: expected at least 1, got 0");
  EXPECT_EQ(backend.picked_engines(), before);
}

TEST(ChooseEngines, APickThatTheDeviceCannotKeepIsAnError) {
  TwoEngines backend;
  const Model model = plain_net();
  backend.pick_engines({{"relu", forward, "other"}});
  EXPECT_EQ(input_error([&] { engines_of(model, backend, training_plan(model)); }),
            "layer 'relu': engine 'other' of device two:auto has no relu");
}

}  // namespace
}  // namespace fovea::test
