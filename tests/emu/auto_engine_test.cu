// SPDX-License-Identifier: Apache-2.0
//
// The engine auto on our own kernels, between native and direct, which in 16 bits want their images in different
// layouts. What the emulator takes for a kernel says nothing, so times are measured once and then told: all keys of a
// run are read from the file of times, and written again with times of the test's choice. Seeded faults that turn these
// red: conversions that are not counted; an engine that computes backward in layouts that another one left; a pair that
// cannot be planned and ends the search.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "core/executor/executor.h"
#include "core/layers/conv2d.h"
#include "core/layers/linear.h"
#include "core/layers/max_pool2d.h"
#include "core/layers/relu.h"
#include "core/tuning/choose_engines.h"
#include "cuda/device_backend.h"
#include "tests/data/files.h"

namespace fovea::emu {
namespace {

using test::TemporaryDirectory;

std::unique_ptr<Backend> measuring_backend() {
  MeasuredEngines measured{{"native", "direct"}, "an emulator"};
  return std::make_unique<DeviceBackend>(
      "emu:auto", Stream(), "native", std::function<std::vector<DeviceBackend::Engine>(Stream&, const DeviceMemory&)>{},
      std::move(measured));
}

Model two_convolutions() {
  Graph g("two convolutions");
  NodeId x = g.add("conv1", Conv2d({.out_channels = 8, .kernel = 3, .padding = 1}), g.input("image", {3, 6, 6}));
  x = g.add("relu1", Relu(), x);
  x = g.add("conv2", Conv2d({.out_channels = 8, .kernel = 3, .padding = 1}), x);
  x = g.add("relu2", Relu(), x);
  x = g.add("pool", MaxPool2d({.kernel = 6, .stride = 6}), x);  // one pixel lies alike in every layout
  g.add("fc", Linear({.out_features = 3}), x);
  return make_classifier(g);
}

PlanOptions step_of(const Model& model, DType dtype) {
  return {.batch = 2, .training = true, .target = model.loss, .dtype = dtype};
}

// The file with every time replaced.
void retell(const std::string& path, const std::function<double(const std::string& key)>& microseconds) {
  nlohmann::ordered_json json = nlohmann::ordered_json::parse(std::ifstream(path));
  for (auto& [hardware, steps] : json["microseconds"].items())
    for (auto& [key, value] : steps.items()) value = microseconds(key);
  std::ofstream(path) << json.dump();
}

bool has(const std::string& key, const char* part) { return key.find(part) != std::string::npos; }

std::string engine_in(const EngineTable& table, const std::string& layer, Direction direction) {
  for (const EngineRow& row : table.rows)
    if (row.layer == layer && row.direction == direction) return row.engine;
  return "none";
}

void expect_finite_step(const Model& model, Backend& backend, DType dtype) {
  auto weights = std::make_shared<ParameterArena>(ParameterLayout::of(model.graph), backend.memory());
  initialise(*weights, 1);
  Executor executor(model.graph, backend, weights, step_of(model, dtype));
  executor.set_input(model.image, Tensor::zeros({2, 3, 6, 6}));
  executor.set_input(model.label, Tensor::zeros({2}, DType::i32));
  executor.forward();
  executor.backward();
  EXPECT_TRUE(std::isfinite(executor.read(model.loss).span<float>()[0]));
}

TEST(AutoEngine, InFloat32EachDirectionByItself) {
  const TemporaryDirectory directory;
  const std::string path = directory / "engines.json";
  const Model model = two_convolutions();
  const auto backend = measuring_backend();
  EngineTimes measured(path);
  const EngineTable first = choose_engines(model.graph, *backend, {step_of(model, DType::f32)}, measured);
  ASSERT_EQ(first.rows.size(), 6u) << "three layers have two engines";
  for (const EngineRow& row : first.rows)
    for (const EngineTime& time : row.times) EXPECT_TRUE(time.seconds) << row.layer << " " << time.engine;
  measured.save();
  retell(path, [](const std::string& key) {
    return has(key, "forward by direct") || has(key, "backward by native") ? 1 : 9;
  });
  EngineTimes told(path);
  const EngineTable table = choose_engines(model.graph, *backend, {step_of(model, DType::f32)}, told, false);
  EXPECT_EQ(table.measured, 0u);
  EXPECT_TRUE(table.unmeasured.empty());
  for (const char* layer : {"conv1", "conv2"}) {
    EXPECT_EQ(engine_in(table, layer, Direction::forward), "direct") << layer;
    EXPECT_EQ(engine_in(table, layer, Direction::backward), "native") << layer;
  }
  expect_finite_step(model, *backend, DType::f32);
}

// native has images in NHWC, direct in NCHW: both directions by one of them, and conversions around direct.
TEST(AutoEngine, In16BitsConversionsAreCounted) {
  const TemporaryDirectory directory;
  const std::string path = directory / "engines.json";
  const Model model = two_convolutions();
  const auto backend = measuring_backend();
  EngineTimes measured(path);
  choose_engines(model.graph, *backend, {step_of(model, DType::bf16)}, measured);
  measured.save();
  const auto choose_with = [&](double conversion) {
    retell(path, [&](const std::string& key) {
      return has(key, "convert_layout") ? conversion : has(key, "by direct") ? 1.0 : has(key, "conv2d") ? 10.0 : 2.0;
    });
    EngineTimes told(path);
    return choose_engines(model.graph, *backend, {step_of(model, DType::bf16)}, told, false);
  };
  for (const double conversion : {0.0, 1000.0}) {
    SCOPED_TRACE(conversion);
    const EngineTable table = choose_with(conversion);
    EXPECT_TRUE(table.unmeasured.empty());
    for (const Direction direction : {Direction::forward, Direction::backward})
      EXPECT_EQ(engine_in(table, "conv2", direction), conversion > 0 ? "native" : "direct");
    expect_finite_step(model, *backend, DType::bf16);
  }
  backend->pick_engines({{"conv2", Direction::backward, "direct"}});
  const std::string refusal = test::input_error(
      [&] { make_plan(model.graph, ParameterLayout::of(model.graph), *backend, step_of(model, DType::bf16)); });
  EXPECT_EQ(refusal,
            "layer 'conv2': engine 'direct' wants its images otherwise backward than they lie forward, by another "
            "engine");
}

}  // namespace
}  // namespace fovea::emu
