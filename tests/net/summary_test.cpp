// SPDX-License-Identifier: Apache-2.0
#include "core/executor/summary.h"

#include <gtest/gtest.h>

#include <map>

#include "core/graph/net_file.h"
#include "core/models/models.h"
#include "core/support/error.h"
#include "cpu_reference/reference_backend.h"

namespace fovea {
namespace {

NetSummary summary_of(const Graph& graph, std::int64_t batch = 1) {
  const auto backend = make_reference_backend();
  return summarise(make_classifier(graph), *backend, batch);
}

const LayerSummary& layer(const NetSummary& s, const std::string& name) {
  for (const LayerSummary& l : s.layers) {
    if (l.name == name) return l;
  }
  throw InputError("no layer " + name);
}

TEST(Summary, CountsLeNet5) {
  const NetSummary s = summary_of(load_net("lenet5"), 3);
  EXPECT_EQ(s.parameters, 61706);
  EXPECT_EQ(s.macs, 416520);
  EXPECT_EQ(s.layers.size(), 11u);  // neither the input, nor the label, nor the loss
  EXPECT_EQ(layer(s, "conv1").parameters, 156);
  EXPECT_EQ(layer(s, "conv1").macs, 117600);
  EXPECT_EQ(layer(s, "conv2").macs, 240000);
  EXPECT_EQ(layer(s, "fc1").parameters, 48120);
  EXPECT_EQ(layer(s, "pool2").output, Shape({3, 16, 5, 5}));
  EXPECT_EQ(layer(s, "pool2").activation_bytes, 3u * 16 * 5 * 5 * 4);
  EXPECT_EQ(layer(s, "relu1").inputs, std::vector<std::string>{"conv1"});
}

// By hand: conv1 sees 5; pool1 6 (steps of 2 from here); conv2 6 + 4*2 = 14; pool2 14 + 2 = 16; then everything.
TEST(Summary, WalksBackToTheReceptiveField) {
  const NetSummary s = summary_of(load_net("lenet5"));
  EXPECT_EQ(layer(s, "conv1").receptive_field.h, 5);
  EXPECT_EQ(layer(s, "relu1").receptive_field.h, 5);
  EXPECT_EQ(layer(s, "pool1").receptive_field.h, 6);
  EXPECT_EQ(layer(s, "conv2").receptive_field.h, 14);
  EXPECT_EQ(layer(s, "pool2").receptive_field.w, 16);
  EXPECT_FALSE(layer(s, "pool2").receptive_field.whole_input);
  EXPECT_TRUE(layer(s, "fc1").receptive_field.whole_input);
  EXPECT_EQ(layer(s, "fc3").receptive_field.h, 28);
}

// Dilation 2 makes 3 taps span 5; stride 2 doubles the next step; a sum sees what its wider branch sees.
TEST(Summary, ReceptiveFieldsOfDilationStrideAndBranches) {
  const NetSummary s = summary_of(parse_net(R"(
input = [1, 32, 16]
[[layer]]
name = "a"
type = "conv2d"
out_channels = 2
kernel = [3, 1]
dilation = [2, 1]
stride = [2, 1]
padding = [2, 0]
[[layer]]
name = "b"
type = "conv2d"
out_channels = 2
kernel = 3
padding = 1
[[layer]]
name = "sum"
type = "add"
inputs = ["a", "b"]
[[layer]]
name = "wide"
type = "conv2d"
out_channels = 1
kernel = [1, 16]
[[layer]]
name = "fc"
type = "linear"
out_features = 2
)",
                                            "branches.toml"));
  const auto expect_field = [&](const char* name, std::int64_t h, std::int64_t w) {
    EXPECT_EQ(layer(s, name).receptive_field.h, h) << name;
    EXPECT_EQ(layer(s, name).receptive_field.w, w) << name;
  };
  expect_field("a", 5, 1);
  expect_field("b", 9, 3);  // 5 + 2*2, 1 + 2
  expect_field("sum", 9, 3);
  expect_field("wide", 9, 16);  // 3 + 15, but the input has no more
}

// By hand: conv1 7; pool1 7 + 3 = 10 (steps of 4 from here); conv2 10 + 4*4 = 26; pool2 26 + 3*4 = 38 (steps of 16);
// conv3 38 + 2*16 = 70.
TEST(Summary, ReceptiveFieldsOfSequences) {
  const NetSummary s = summary_of(load_net("conv1d-small"));
  for (const auto& [name, width] : std::map<std::string, std::int64_t>{
           {"conv1", 7}, {"pool1", 10}, {"conv2", 26}, {"pool2", 38}, {"conv3", 70}, {"fc", 128}}) {
    EXPECT_EQ(layer(s, name).receptive_field.w, width) << name;
    EXPECT_EQ(layer(s, name).receptive_field.h, 1) << name;
  }
  EXPECT_TRUE(layer(s, "fc").receptive_field.whole_input);
}

// By hand: pool2 sees 10 in steps of 4, conv4 10 + 2 * (2*4) = 26; an output of up2 reads two neighbours, 26 + 4, in
// steps of 2; of up1 two of those, 30 + 2, all there is. score1 sees what conv1 sees.
TEST(Summary, ReceptiveFieldsThroughTransposedConvolutions) {
  const NetSummary s = summary_of(fcn_small({1, 64, 64}, 4));
  for (const auto& [name, extent] : std::map<std::string, std::int64_t>{{"conv1", 3},
                                                                        {"pool1", 4},
                                                                        {"conv2", 8},
                                                                        {"pool2", 10},
                                                                        {"conv4", 26},
                                                                        {"up2", 30},
                                                                        {"up1", 32},
                                                                        {"score1", 3},
                                                                        {"logits", 32}})
    EXPECT_EQ(layer(s, name).receptive_field.h, extent) << name;
}

TEST(Summary, PlansMemoryForTrainingAndInference) {
  const NetSummary one = summary_of(load_net("lenet5"), 1), many = summary_of(load_net("lenet5"), 64);
  EXPECT_GE(one.weight_bytes, 61706u * 4);
  EXPECT_LT(one.weight_bytes, 61706u * 4 + 10 * 64 * 4);  // ten tensors, each rounded up to 64 elements
  EXPECT_GT(one.inference_bytes, one.weight_bytes);
  EXPECT_GT(one.training_bytes, one.inference_bytes + 2 * one.weight_bytes);  // gradients and momenta
  EXPECT_EQ(one.weight_bytes, many.weight_bytes);
  EXPECT_GT(many.training_bytes, one.training_bytes + 60 * (one.training_bytes - 3 * one.weight_bytes) / 2);
  EXPECT_EQ(many.activation_bytes, 64 * one.activation_bytes);
}

TEST(Summary, RefusesABatchOfNone) { EXPECT_THROW(summary_of(load_net("mlp"), 0), InputError); }

}  // namespace
}  // namespace fovea
