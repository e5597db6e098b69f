// SPDX-License-Identifier: Apache-2.0
//
// The layers that move elements and those made of other layers' operations, in whole nets: views between steps, a
// concatenation of which some inputs want no gradient, and convolutions run backwards.
#include <gtest/gtest.h>

#include "core/compare/compare.h"
#include "core/layers/avg_pool1d.h"
#include "core/layers/concat.h"
#include "core/layers/conv1d.h"
#include "core/layers/conv_transpose2d.h"
#include "core/layers/crop.h"
#include "core/layers/max_pool1d.h"
#include "core/layers/pad.h"
#include "core/layers/reshape.h"
#include "core/layers/upsample2d.h"
#include "cpu_reference/reference_backend.h"
#include "cuda/emu_backend.h"
#include "tests/compare/small_models.h"

namespace fovea::test {
namespace {

// Down, up again, and beside what was there before: the picture itself, whose gradient nobody wants, comes first.
Model images() {
  Graph g("images");
  const NodeId x = g.input("image", {2, 6, 6});
  const NodeId padded = g.add("pad", Pad({.padding = {1, 0, 0, 1}, .front = 1, .value = 0.25}), x);
  const NodeId conv = g.add("conv", Conv2d({.out_channels = 4, .kernel = 3, .stride = 2, .padding = 1}), padded);
  const NodeId relu = g.add("relu", Relu(), conv);
  const NodeId up = g.add(
      "up", ConvTranspose2d({.out_channels = 3, .kernel = 3, .stride = 2, .padding = 1, .output_padding = 1}), relu);
  const NodeId cut = g.add("crop", Crop({.cut = {1, 1}, .front = 1}), up);
  const NodeId smooth = g.add("bilinear", Upsample2d({.size = 6, .mode = UpsampleMode::bilinear}), conv);
  const NodeId near =
      g.add("nearest", Upsample2d({.scale = {1, 2}, .size = {6, 0}}), g.add("cut4", Crop({.cut = {0, 0, 0, 1}}), relu));
  const NodeId all = g.add("concat", Concat(), {x, cut, smooth, near, smooth});
  g.add("fc", Linear({.out_features = 5}), all);
  return make_classifier(g);
}

// The rows of an image as a sequence.
Model sequences() {
  Graph g("sequences");
  const NodeId x = g.input("image", {2, 4, 9});
  const NodeId rows = g.add("rows", Reshape({.shape = {8, -1}}), x);
  const NodeId conv = g.add("conv", Conv1d({.out_channels = 6, .kernel = 3, .padding = {2, 0}, .groups = 2}), rows);
  const NodeId pool = g.add("max", MaxPool1d({.kernel = 3, .stride = 2}), g.add("tanh", Tanh(), conv));
  const NodeId mean = g.add("mean", AvgPool1d({.kernel = 2, .stride = 1, .padding = {1, 0}}), pool);
  const NodeId both = g.add("concat", Concat({.axis = 2}), {pool, mean});
  g.add("fc", Linear({.out_features = 5}), both);
  return make_classifier(g);
}

class ShapeLayers : public testing::TestWithParam<CompareMode> {};
INSTANTIATE_TEST_SUITE_P(Compare, ShapeLayers, testing::Values(CompareMode::isolated, CompareMode::chained),
                         [](const auto& mode) {
                           return std::string(mode.param == CompareMode::isolated ? "Isolated" : "Chained");
                         });

TEST_P(ShapeLayers, DevicesAgree) {
  for (const Model& model : {images(), sequences()}) {
    for (const char* engine : {"native", "direct"}) {
      const auto a = make_reference_backend(), truth = make_reference_backend();
      const auto b = make_emu_backend(engine);
      const Comparison c =
          compare(model, *a, *b, *truth, initial_weights(model, 1), random_batch(model, 3, 5), {.mode = GetParam()});
      EXPECT_TRUE(c.ok) << model.graph.name() << " " << engine << ": '" << c.first_divergent << "', undecided "
                        << c.undecided << " of " << c.decisions;
      EXPECT_GT(c.worst_ratio, 0) << "two devices that agree to the last bit were not compared";
    }
  }
}

TEST(ShapeLayersGradcheck, EveryElement) {
  const auto truth = make_reference_backend();
  for (const Model& model : {images(), sequences()}) {
    const Gradcheck g = gradcheck(model, *truth, initial_weights(model, 5), random_batch(model, 2, 3), 0);
    EXPECT_TRUE(g.ok) << model.graph.name();
    for (const auto& t : g.tensors) EXPECT_LE(t.worst_error, 1) << model.graph.name() << " " << t.name;
  }
}

}  // namespace
}  // namespace fovea::test
