// SPDX-License-Identifier: Apache-2.0
//
// What is said to fit is the most that fits. That plans hold is shown in tests/emu/training_memory_test.cu.
#include "core/train/training_memory.h"

#include <gtest/gtest.h>

#include <set>

#include "cpu_reference/reference_backend.h"
#include "tests/data/files.h"
#include "tests/train/small_runs.h"

namespace fovea::test {
namespace {

// What fits by trying every number.
template <class Set>
std::int64_t by_trying(const Model& model, Backend& backend, const TrainingSets& sets, std::size_t limit,
                       std::int64_t most, const Set& set) {
  std::int64_t largest = 0;
  for (std::int64_t n = 1; n <= most; ++n) {
    try {
      if (plan_memory(model, backend, set(n), sets).total() <= limit) largest = n;
    } catch (const InputError&) {  // a rest that cannot be trained on
    }
  }
  return largest;
}

// Batch norm of single numbers: no piece may be one sample.
Model norm_of_numbers() {
  Graph g("numbers");
  const NodeId x = g.add("norm", BatchNorm({}), g.add("fc", Linear({.out_features = 5}), g.input("image", {1, 8, 8})));
  g.add("out", Linear({.out_features = 3}), x);
  return make_classifier(g);
}

TEST(TrainingMemory, TheLargestThatFitsIsFound) {
  const auto backend = make_reference_backend();
  const TrainingSets sets{.training = 37, .evaluated = {10}};
  for (const Model& model : {plain_net(), whole_net(), norm_of_numbers()}) {
    SCOPED_TRACE(model.graph.name());
    const auto batch = [](std::int64_t n) { return TrainOptions{.batch = n}; };
    const auto pieces = [](std::int64_t n) {
      TrainOptions o{.batch = 33};
      o.micro_batch = n;
      return o;
    };
    std::set<std::int64_t> found;
    for (const std::int64_t n : {5, 7, 8, 11, 20, 35, 37})
      for (const std::size_t less : {std::size_t{0}, std::size_t{1}}) {
        const std::size_t limit = plan_memory(model, *backend, batch(n), sets).total() - less;
        const std::int64_t largest = largest_batch(model, *backend, batch(5), sets, limit);
        EXPECT_EQ(largest, by_trying(model, *backend, sets, limit, 37, batch));
        const std::int64_t piece = largest_micro_batch(model, *backend, pieces(0), sets, limit);
        EXPECT_EQ(piece, by_trying(model, *backend, sets, limit, 33, pieces));
        const std::int64_t best = best_micro_batch(model, *backend, pieces(0), sets, limit);
        EXPECT_LE(best, piece);
        if (piece > 0) {
          EXPECT_EQ((33 + best - 1) / best, (33 + piece - 1) / piece);
          EXPECT_LE(plan_memory(model, *backend, pieces(best), sets).total(), limit);
        }
        found.insert(largest);
      }
    EXPECT_GE(found.size(), 8u);  // the limits tell batches apart
    EXPECT_EQ(largest_batch(model, *backend, batch(5), sets, 1), 0);
    EXPECT_EQ(best_micro_batch(model, *backend, pieces(0), sets, 1), 0);
    EXPECT_EQ(largest_batch(model, *backend, batch(5), sets, std::size_t{1} << 40), 37);
  }
}

TEST(TrainingMemory, PiecesCoverEveryBatchOfAnEpoch) {
  TrainOptions o{.batch = 16};
  EXPECT_EQ(piece_sizes(100, o), (std::vector<std::int64_t>{16, 4}));
  EXPECT_EQ(piece_sizes(96, o), (std::vector<std::int64_t>{16}));
  o.micro_batch = 6;
  EXPECT_EQ(piece_sizes(96, o), (std::vector<std::int64_t>{6, 4}));
  EXPECT_EQ(piece_sizes(103, o), (std::vector<std::int64_t>{6, 4, 1}));
}

TEST(TrainingMemory, LayersHoldWhatTheyDeclare) {
  const auto backend = make_reference_backend();
  const Model model = plain_net();
  const TrainingMemory memory = plan_memory(model, *backend, {.batch = 16}, {.training = 16});
  const auto of = [&](std::string_view name) {
    return memory.layers[static_cast<std::size_t>(model.graph.find(name))];
  };
  const std::size_t weights = (4 * 9 + 4) * 4, image = 16 * 64 * 4;
  EXPECT_EQ(of("conv").parameters, weights);
  EXPECT_EQ(of("conv").activations, 4 * image);
  EXPECT_EQ(of("conv").gradients, weights + 4 * image);
  EXPECT_EQ(of("image").activations, image);
  EXPECT_EQ(of("image").total(), image) << "nobody wants the images' gradient";
  EXPECT_EQ(of("pool").activations, image + image / 4);  // the largest elements, and a byte each for where they were
  std::size_t all = 0;
  for (const LayerMemory& layer : memory.layers) all += layer.total() - layer.parameters;
  EXPECT_GT(all, memory.arena) << "layers share bytes";
}

TEST(TrainingMemory, ARestThatCannotBeTrainedOnIsNamed) {
  const auto backend = make_reference_backend();
  const Model model = norm_of_numbers();
  TrainOptions o{.batch = 12};
  EXPECT_TRUE(holds(input_error([&] { plan_memory(model, *backend, o, {.training = 37}); }),
                    {"batch: of 37 images, batches of 12 leave 1 for the last step of an epoch: layer 'norm'"}));
  o.micro_batch = 11;
  EXPECT_TRUE(holds(input_error([&] { plan_memory(model, *backend, o, {.training = 36}); }),
                    {"micro_batch: pieces of 11 leave one of 1: layer 'norm'"}));
}

}  // namespace
}  // namespace fovea::test
