// SPDX-License-Identifier: Apache-2.0
#include "core/train/test_time.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/data/memory_dataset.h"
#include "core/layers/linear.h"
#include "core/support/error.h"
#include "cpu_reference/reference_backend.h"

namespace fovea {
namespace {

// Two pixels, whose scores are the two pixels themselves: four times the logits of a coin that the left one wins.
struct Fixture {
  Fixture() : model(make_classifier(graph())), backend(make_reference_backend()) {
    weights = std::make_shared<ParameterArena>(ParameterLayout::of(model.graph), backend->memory());
    weights->set(0, Tensor::from({2, 2}, {4, 0, 0, 4}));
    weights->set(1, Tensor::from({2}, {0, 0}));
  }
  static Graph graph() {
    Graph g("pixels");
    g.add("fc", Linear({.out_features = 2}), g.input("image", {1, 1, 2}));
    return g;
  }
  ViewsEvaluation evaluate(std::vector<std::uint8_t> pixels, std::vector<std::int32_t> labels, std::int64_t batch) {
    const MemoryDataset data({1, 1, 2}, {"left", "right"}, std::move(pixels), std::move(labels));
    return evaluate_views(model, *backend, weights, data, {{0.0f}, {1.0f}}, Views::parse("flip"), 1, batch);
  }

  Model model;
  std::unique_ptr<Backend> backend;
  std::shared_ptr<ParameterArena> weights;
};

// An image and its mirror image give p and 1 - p: the mean is a half, and of equals the first class wins.
TEST(EvaluateViews, AveragesProbabilities) {
  Fixture f;
  for (const std::int64_t batch : {1, 2, 3, 256}) {
    const ViewsEvaluation e = f.evaluate({255, 0, 0, 255, 255, 0, 0, 255}, {0, 1, 0, 1}, batch);
    EXPECT_EQ(e.images, 4);
    EXPECT_EQ(e.accuracy, 1.0);
    EXPECT_EQ(e.views_accuracy, 0.5);
    EXPECT_NEAR(e.views_loss, std::log(2.0), 1e-12);
  }
  // Grey images are their own mirror images.
  const ViewsEvaluation same = f.evaluate({100, 100, 30, 30}, {1, 0}, 2);
  EXPECT_EQ(same.accuracy, 0.5);
  EXPECT_EQ(same.views_accuracy, 0.5);
}

TEST(EvaluateViews, RefusesDataThatDoNotFit) {
  Fixture f;
  const MemoryDataset larger({1, 1, 3}, {"left", "right"}, {1, 2, 3}, {0});
  try {
    evaluate_views(f.model, *f.backend, f.weights, larger, {{0.0f}, {1.0f}}, Views::parse("flip"));
    FAIL() << "no InputError";
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find("[1, 1, 3]"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace fovea
