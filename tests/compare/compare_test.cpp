// SPDX-License-Identifier: Apache-2.0
#include "core/compare/compare.h"

#include <gtest/gtest.h>

#include <cctype>

#include "core/backend/device_list.h"
#include "core/support/error.h"
#include "tests/compare/small_models.h"

namespace fovea::test {
namespace {

Model model_named(const std::string& name) {
  return name == "every-layer" ? every_layer() : make_classifier(load_net(name));
}

Comparison compare_with_reference(const Model& model, const std::string& device, const CompareOptions& options,
                                  std::int64_t batch = 3) {
  const auto a = open_device("reference"), b = open_device(device), truth = open_device("reference");
  return compare(model, *a, *b, *truth, initial_weights(model, 5), random_batch(model, batch, 5), options);
}

struct NetOnDevice {
  std::string net, device;
};
std::string name_of(const testing::TestParamInfo<NetOnDevice>& info) {
  std::string name = info.param.net + "_" + info.param.device;
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
}

class CompareNets : public testing::TestWithParam<NetOnDevice> {};

TEST_P(CompareNets, AgreeInBothModes) {
  const Model model = model_named(GetParam().net);
  for (const CompareMode mode : {CompareMode::isolated, CompareMode::chained}) {
    const Comparison c = compare_with_reference(model, GetParam().device, {.mode = mode, .inject = {}});
    EXPECT_TRUE(c.ok) << "first divergent " << c.first_divergent;
    EXPECT_LE(c.worst_ratio, 1);
    EXPECT_GT(c.worst_ratio, 0);  // float32 cannot be exact throughout: nothing was compared
    EXPECT_GT(c.executed_a, 0u);
    EXPECT_GT(c.executed_b, 0u);
    EXPECT_GT(c.tensors.size(), model.graph.nodes().size());
  }
}

INSTANTIATE_TEST_SUITE_P(Nets, CompareNets,
                         testing::Values(NetOnDevice{"every-layer", "emu:native"},
                                         NetOnDevice{"every-layer", "emu:direct"}, NetOnDevice{"lenet5", "emu:native"},
                                         NetOnDevice{"lenet5-1998", "emu:native"}, NetOnDevice{"mlp", "emu:native"},
                                         NetOnDevice{"softmax", "emu:native"}),
                         name_of);

// The seeded fault: a perturbed element turns the verdict red, and its layer is named first.
TEST(Compare, NamesTheInjectedLayerFirst) {
  const Model model = every_layer();
  int layers = 0;
  for (const Node& node : model.graph.nodes()) {
    if (!node.layer || node.layer->is_view()) continue;
    for (const CompareMode mode : {CompareMode::isolated, CompareMode::chained}) {
      const Comparison c = compare_with_reference(model, "emu:native", {.mode = mode, .inject = node.name});
      EXPECT_FALSE(c.ok) << node.name;
      EXPECT_EQ(c.first_divergent, node.name);
    }
    ++layers;
  }
  EXPECT_EQ(layers, 11);
}

TEST(Compare, RefusesWhatCannotBeInjected) {
  const Model model = every_layer();
  for (const char* layer : {"nowhere", "image", "flat"})
    EXPECT_THROW(compare_with_reference(model, "emu:native", {.inject = layer}), InputError) << layer;
}

TEST(Compare, RefusesABackendComparedWithItself) {
  const Model model = every_layer();
  const auto a = open_device("reference"), truth = open_device("reference");
  EXPECT_THROW(compare(model, *a, *a, *truth, initial_weights(model, 5), random_batch(model, 2, 5), {}), InputError);
  EXPECT_THROW(compare(model, *a, *truth, *truth, initial_weights(model, 5), random_batch(model, 2, 5), {}),
               InputError);
}

// Undecided ReLU and arg max decisions are counted in chained mode and fail above their limit.
TEST(Compare, TooManyUndecidedDecisionsFail) {
  const Model model = every_layer();
  const Comparison c = compare_with_reference(model, "emu:native", {.mode = CompareMode::chained, .inject = {}});
  EXPECT_GT(c.decisions, 0);
  if (c.undecided == 0) {
    // All inputs zero: every pre-activation equals its bias, 0, and lies within its own tolerance or is decided.
    EXPECT_TRUE(c.ok);
  }
  CompareOptions strict{.mode = CompareMode::chained, .inject = {}};
  strict.max_undecided = -1;
  EXPECT_FALSE(compare_with_reference(model, "emu:native", strict).ok);
}

}  // namespace
}  // namespace fovea::test
