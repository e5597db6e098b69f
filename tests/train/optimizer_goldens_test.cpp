// SPDX-License-Identifier: Apache-2.0
//
// Twenty steps of every optimizer beside PyTorch's, and clipped gradients. The chain of proof: the float64 formulas equal
// PyTorch's numbers within the double's share of the derived bound, and each device stays within the float32 bound of
// those formulas, both followed from step to step.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/tolerance/adagrad.h"
#include "core/tolerance/adam.h"
#include "core/tolerance/gradient_clip.h"
#include "core/tolerance/rmsprop.h"
#include "core/tolerance/sgd.h"
#include "core/train/gradients.h"
#include "core/train/optimizer.h"
#include "tests/support/checks.h"
#include "tests/support/devices.h"

namespace fovea::test {
namespace {

using Json = nlohmann::json;

Json goldens(const std::string& name) {
  std::ifstream file(FOVEA_SOURCE_DIR "/tests/train/goldens/" + name + ".json");
  return Json::parse(file).at("cases");
}

Tensor numbers(const Json& json) {
  const auto values = json.get<std::vector<double>>();
  return Tensor::from<double>(Shape{static_cast<std::int64_t>(values.size())}, std::span<const double>(values));
}

// One after another in an arena; each takes a multiple of 64 elements.
ParameterLayout layout_of(const std::vector<std::int64_t>& sizes) {
  ParameterLayout layout;
  for (const std::int64_t size : sizes) {
    layout.entries.push_back({"p" + std::to_string(layout.entries.size()), 0, {"w", {size}}, layout.elements, true});
    layout.parameters += size;
    layout.elements += (size + 63) / 64 * 64;
  }
  layout.trained_elements = layout.elements;
  return layout;
}

OptimizerOptions options_of(const Json& golden) {
  OptimizerOptions o;
  for (const auto& [kind, name] : optimizer_names)
    if (golden.at("optimizer") == name) o.kind = kind;
  const Json& given = golden.at("options");
  o.learning_rate = given.at("learning_rate");
  o.momentum = given.value("momentum", 0.0);
  o.weight_decay = given.value("weight_decay", 0.0);
  o.nesterov = given.value("nesterov", false);
  o.beta1 = given.value("beta1", o.beta1);
  o.beta2 = given.value("beta2", o.beta2);
  o.epsilon = given.value("epsilon", o.epsilon);
  o.alpha = given.value("alpha", o.alpha);
  o.lr_decay = given.value("lr_decay", 0.0);
  return o;
}

// The float64 formulas, with the float32 bounds of everything that they keep.
class Truth {
 public:
  Truth(const OptimizerOptions& options, const Tensor& start) : o_(options), w_{start, {}} {
    for (Uncertain* slot : {&first_, &second_}) slot->value = Tensor::zeros(start.shape(), DType::f64);
  }

  const Uncertain& step(const Tensor& gradient, std::int64_t number) {
    const Uncertain w = copy(w_), first = copy(first_), second = copy(second_), g{gradient, {}};
    const View wv = w_.value.view(), fv = first_.value.view(), sv = second_.value.view();
    Ops& ops = truth_ops();
    switch (o_.kind) {
      case OptimizerKind::sgd: {
        const SgdOptions o{.learning_rate = static_cast<float>(o_.learning_rate),
                           .momentum = static_cast<float>(o_.momentum),
                           .weight_decay = static_cast<float>(o_.weight_decay),
                           .nesterov = o_.nesterov};
        ops.sgd_step(o, wv, g.value.view(), fv, {});
        sgd_tolerance(o, w, g, first, w_, first_);
        break;
      }
      case OptimizerKind::rmsprop: {
        const RmspropOptions o{.learning_rate = o_.learning_rate,
                               .alpha = o_.alpha,
                               .epsilon = o_.epsilon,
                               .weight_decay = o_.weight_decay,
                               .momentum = o_.momentum};
        ops.rmsprop_step(o, wv, g.value.view(), fv, sv, {});
        rmsprop_tolerance(o, w, g, first, second, w_, first_, second_);
        break;
      }
      case OptimizerKind::adagrad: {
        const AdagradOptions o{.learning_rate = o_.learning_rate / (1 + static_cast<double>(number - 1) * o_.lr_decay),
                               .epsilon = o_.epsilon,
                               .weight_decay = o_.weight_decay};
        ops.adagrad_step(o, wv, g.value.view(), fv, {});
        adagrad_tolerance(o, w, g, first, w_, first_);
        break;
      }
      case OptimizerKind::adam:
      case OptimizerKind::adamw: {
        const AdamOptions o = at_step({.learning_rate = o_.learning_rate,
                                       .beta1 = o_.beta1,
                                       .beta2 = o_.beta2,
                                       .epsilon = o_.epsilon,
                                       .weight_decay = o_.weight_decay,
                                       .decoupled = o_.kind == OptimizerKind::adamw},
                                      number);
        ops.adam_step(o, wv, g.value.view(), fv, sv, {});
        adam_tolerance(o, w, g, first, second, w_, first_, second_);
        break;
      }
    }
    return w_;
  }

 private:
  static Uncertain copy(const Uncertain& u) {
    return {u.value.to_host(), u.tolerance.empty() ? Tensor{} : u.tolerance.to_host()};
  }

  OptimizerOptions o_;
  Uncertain w_, first_, second_;
};

// The roundings of a double are 2^-29 of a float's; PyTorch's own are as many again.
Tensor doubles_share(const Tensor& tolerance) {
  Tensor share = tolerance.to_host();
  for (double& value : share.span<double>()) value *= 2 * 0x1p-29;
  return share;
}

class Goldens : public testing::TestWithParam<TestDevice> {
 protected:
  void SetUp() override {
    std::string reason;
    device_ = open_test_device(GetParam(), reason);
    if (device_ == nullptr) GTEST_SKIP() << GetParam().spec << ": " << reason;
  }
  Backend& device() { return *device_; }

 private:
  Backend* device_ = nullptr;
};

TEST_P(Goldens, TwentyStepsOfEveryOptimizer) {
  std::size_t kinds = 0;
  std::string last;
  for (const Json& golden : goldens("optimizers")) {
    SCOPED_TRACE(golden.at("name").get<std::string>());
    kinds += golden.at("optimizer") != last;
    last = golden.at("optimizer");
    const OptimizerOptions options = options_of(golden);
    const Tensor start = numbers(golden.at("start"));
    const ParameterLayout layout = layout_of({start.elements()});
    ParameterArena weights(layout, device().memory()), gradients(layout, device().memory());
    weights.set(0, start);
    Optimizer optimizer(options, device(), layout, parameter_runs(layout, {}));
    Truth truth(options, start);
    const Json &steps = golden.at("gradients"), &expected = golden.at("weights");
    ASSERT_EQ(steps.size(), 20u);
    for (std::size_t t = 0; t < steps.size(); ++t) {
      const Tensor g = numbers(steps[t]);
      const Uncertain& w = truth.step(g, static_cast<std::int64_t>(t + 1));
      EXPECT_TRUE(within_tolerance(numbers(expected[t]), {w.value, doubles_share(w.tolerance)})) << "step " << t + 1;
      gradients.set(0, g);
      optimizer.step(weights, gradients, options.learning_rate, static_cast<std::int64_t>(t + 1));
      EXPECT_TRUE(within_tolerance(weights.get(0), w)) << "step " << t + 1;
    }
  }
  EXPECT_EQ(kinds, optimizer_names.size());
}

TEST_P(Goldens, ClippedGradients) {
  for (const Json& golden : goldens("clips")) {
    SCOPED_TRACE(golden.at("name").get<std::string>());
    const Tensor g = numbers(golden.at("gradient")), expected = numbers(golden.at("clipped"));
    // The parameters of the golden values, in an arena with gaps.
    const std::vector<std::int64_t> sizes{7, 20, 3};
    const auto part = [&](const Tensor& all, std::size_t i) {
      const std::size_t first = i == 0 ? 0 : i == 1 ? 7 : 27;
      return Tensor::from<double>(Shape{sizes[i]},
                                  all.span<double>().subspan(first, static_cast<std::size_t>(sizes[i])));
    };
    const ParameterLayout layout = layout_of(sizes);
    const auto arena = std::make_shared<ParameterArena>(layout, device().memory());
    for (std::size_t i = 0; i < 3; ++i) arena->set(i, part(g, i));
    Gradients gradients(device(), arena, parameter_runs(layout, {}));
    double sum = 0;
    for (const double value : g.span<double>()) sum += value * value;
    const double limit = golden.at("limit"), norm = std::sqrt(sum), factor = std::min(limit / (norm + 1e-6), 1.0);
    EXPECT_NEAR(gradients.norm(), norm, 64 * 0x1p-53 * norm);  // 30 additions and a root, twice
    const bool by_norm = golden.at("by") == "norm";
    by_norm ? gradients.clip_norm(limit) : gradients.clip_value(limit);
    for (std::size_t i = 0; i < 3; ++i) {
      Uncertain clipped{part(expected, i), {}};
      if (by_norm) gradient_scale_tolerance(factor, {part(g, i), {}}, clipped);
      EXPECT_TRUE(within_tolerance(arena->get(i), clipped)) << "part " << i;
      if (factor == 1 || !by_norm) {
        EXPECT_TRUE(equal_to_truth(arena->get(i), part(expected, i))) << "part " << i;
      }
    }
  }
}

std::optional<std::string> found_in(Gradients& gradients) {
  gradients.search();
  return gradients.first_nonfinite(gradients.found().to_host());
}

// What is frozen does not count, and neither do the gaps of the arena.
TEST_P(Goldens, FrozenGradientsAreNeitherCountedNorChanged) {
  const ParameterLayout layout = layout_of({3, 2, 3});
  const auto arena = std::make_shared<ParameterArena>(layout, device().memory());
  for (const std::size_t i : {0, 2}) arena->set(i, Tensor::from(Shape{3}, {4, 0, 3}));
  const float nan = std::nanf("");
  arena->set(1, Tensor::from(Shape{2}, {1000, nan}));
  Gradients gradients(device(), arena, parameter_runs(layout, {.freeze = {"p1"}}));
  EXPECT_EQ(found_in(gradients), std::nullopt);
  EXPECT_EQ(gradients.norm(), std::sqrt(50.0));
  gradients.clip_value(2);
  EXPECT_TRUE(equal_to_truth(arena->get(0), numbers({2, 0, 2})));
  EXPECT_TRUE(equal_to_truth(arena->get(1), numbers({1000, std::nan("")})));
  arena->set(2, Tensor::from(Shape{3}, {1, nan, 1}));
  EXPECT_EQ(found_in(gradients), "p2");
  Gradients all(device(), arena, parameter_runs(layout, {}));
  EXPECT_EQ(found_in(all), "p1");
}

INSTANTIATE_TEST_SUITE_P(All, Goldens,
                         testing::ValuesIn(test_devices("reference cpu emu:native@forward emu:native@reverse "
                                                        "emu:native@shuffled cuda:native cuda:library")),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace fovea::test
