// SPDX-License-Identifier: Apache-2.0
#include "core/train/parameter_groups.h"

#include <gtest/gtest.h>

#include "core/train/optimizer.h"
#include "cpu_reference/reference_backend.h"
#include "tests/data/files.h"
#include "tests/train/small_runs.h"

namespace fovea {
namespace {

TEST(Patterns, ByHand) {
  for (const char* pattern : {"conv1.weight", "*", "conv*", "*.weight", "c*v?.w*t", "conv?.weight", "**", "*1*", "?*"})
    EXPECT_TRUE(matches(pattern, "conv1.weight")) << pattern;
  for (const char* pattern : {"", "conv1", "conv", "weight", "conv1.weight?", "*bias", "conv??.weight", "Conv1.weight",
                              "*.weight.", "conv1*weights"})
    EXPECT_FALSE(matches(pattern, "conv1.weight")) << pattern;
  EXPECT_TRUE(matches("", ""));
  EXPECT_TRUE(matches("*", ""));
  EXPECT_FALSE(matches("?", ""));
  EXPECT_TRUE(matches("a*b*b", "aXbXXb"));  // a star that has to try again
  EXPECT_FALSE(matches("a*b*c", "aXbXXb"));
}

// conv.weight [4,1,3,3], conv.bias [4], norm.weight [4], norm.bias [4], fc.weight [3,64], fc.bias [3]; the arena gives
// each a multiple of 64 elements.
class Groups : public testing::Test {
 protected:
  struct Run {
    std::int64_t first, elements;
    double rate, decay;
    bool operator==(const Run&) const = default;
  };
  std::vector<Run> runs(const ParameterGroupOptions& options) {
    std::vector<Run> result;
    for (const ParameterRun& run : parameter_runs(layout_, options))
      result.push_back({run.first, run.elements, run.learning_rate_factor, run.decay_factor});
    return result;
  }
  const ParameterLayout layout_ = ParameterLayout::of(test::whole_net().graph);
};

TEST_F(Groups, OneWithoutRules) {
  EXPECT_EQ(runs({}), (std::vector<Run>{{0, 512, 1, 1}}));
  EXPECT_EQ(runs({.learning_rate_rules = {{"*", 0.5}}}), (std::vector<Run>{{0, 512, 0.5, 1}}));
}

TEST_F(Groups, NeighboursThatAreAlikeAreOne) {
  EXPECT_EQ(runs({.learning_rate_rules = {{"*.weight", 2}, {"norm.*", 3}}}),
            (std::vector<Run>{{0, 64, 2, 1}, {64, 64, 1, 1}, {128, 128, 3, 1}, {256, 192, 2, 1}, {448, 64, 1, 1}}));
  EXPECT_EQ(runs({.no_decay_on_biases = true}),
            (std::vector<Run>{{0, 64, 1, 1}, {64, 192, 1, 0}, {256, 192, 1, 1}, {448, 64, 1, 0}}));
  EXPECT_EQ(runs({.decay_rules = {{"fc.bias", 0.5}}, .no_decay_on_biases = true}).back(), (Run{448, 64, 1, 0.5}));
}

TEST_F(Groups, FrozenOnesAreLeftOut) {
  EXPECT_EQ(runs({.freeze = {"conv.*"}}), (std::vector<Run>{{128, 384, 1, 1}}));
  // What stands on both sides of a frozen one is not one run.
  EXPECT_EQ(runs({.freeze = {"norm.weight", "fc.bias"}}), (std::vector<Run>{{0, 128, 1, 1}, {192, 256, 1, 1}}));
  EXPECT_EQ(merged(parameter_runs(layout_, {.freeze = {"norm.weight"}, .no_decay_on_biases = true})).size(), 2u);
}

TEST_F(Groups, AStepIsOneCallForEachRun) {
  const auto backend = make_reference_backend();
  ParameterArena weights(layout_, backend->memory()), gradients(layout_, backend->memory());
  for (const auto& [options, calls] : std::vector<std::pair<ParameterGroupOptions, std::uint64_t>>{
           {{}, 1}, {{.freeze = {"conv.*"}}, 1}, {{.freeze = {"norm.weight", "fc.bias"}}, 2}})
    for (const auto& [kind, name] : optimizer_names) {
      Optimizer optimizer({.kind = kind}, *backend, layout_, parameter_runs(layout_, options));
      const std::uint64_t before = backend->executed();
      optimizer.step(weights, gradients, 0.1, 1);
      EXPECT_EQ(backend->executed() - before, calls) << name;
    }
}

TEST_F(Groups, RefusesRulesThatDoNothing) {
  const std::string names = "conv.weight, conv.bias, norm.weight, norm.bias, fc.weight, fc.bias";
  EXPECT_EQ(test::input_error([&] { runs({.freeze = {"conv1.*"}}); }),
            "freeze: expected a pattern that matches a parameter, 'conv1.*' matches none of " + names);
  // Running statistics are no parameters.
  EXPECT_EQ(test::input_error([&] {
              runs({.learning_rate_rules = {{"norm.running*", 1}}});
            }),
            "lr_mult: expected a pattern that matches a parameter, 'norm.running*' matches none of " + names);
  EXPECT_EQ(test::input_error([&] {
              runs({.decay_rules = {{"*", -1}}});
            }),
            "decay_mult: '*': expected a factor of at least 0, got -1");
  EXPECT_EQ(test::input_error([&] { runs({.freeze = {"*"}}); }),
            "freeze: expected a parameter that is left to train, all are frozen");
}

}  // namespace
}  // namespace fovea
