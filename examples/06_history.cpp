// SPDX-License-Identifier: Apache-2.0
//
// 6. Three steps of history on the truth tables of AND, OR and XOR, with inputs and targets -1 and 1.
//    Perceptron (Rosenblatt 1958): corrects its weights by each sample that it gets wrong, and stops when none is.
//    ADALINE (Widrow and Hoff 1960): least squares, so that it also learns from samples that are right already.
//    Both draw one straight line, and no line separates XOR (Minsky and Papert 1969). A net of two layers, trained by
//    back-propagation (Rumelhart, Hinton, Williams 1986), bends it.
#include <cstdio>

#include "core/backend/device_list.h"
#include "core/data/memory_dataset.h"
#include "core/layers/linear.h"
#include "core/layers/tanh.h"
#include "core/models/models.h"
#include "core/train/trainer.h"

namespace {
using namespace fovea;

struct Result {
  double right = 0, loss = 0;  // of the four rows
  std::int64_t epochs = 0;
};

// Trains until all four rows are right, or for `epochs` when that is not asked for.
Result train(const Model& model, const Dataset& table, bool until_right, TrainOptions options) {
  const auto device = open_device("reference");
  Trainer trainer(model, *device, table, "truth table", options);
  Result result;
  while (trainer.step()) {
    if (trainer.steps_done() % trainer.steps_per_epoch() != 0) continue;
    const Evaluation now = evaluate(model, *device, trainer.weights(), table, trainer.normalization());
    result = {4 * now.accuracy, now.loss, trainer.steps_done() / trainer.steps_per_epoch()};
    if (until_right && now.accuracy == 1) break;
  }
  return result;
}

Model two_layers() {
  Graph g("two-layers");
  const NodeId x = g.input("bits", Shape{2, 1});
  const NodeId hidden = g.add("tanh", Tanh(), g.add("hidden", Linear({.out_features = 4}), x));
  g.add("output", Linear({.out_features = 2}), hidden);
  return make_classifier(g);
}

}  // namespace

int main() {
  struct Gate {
    const char* name;
    std::vector<std::int32_t> outputs;  // for 00, 01, 10, 11
  };
  const std::vector<std::uint8_t> rows{0, 0, 0, 255, 255, 0, 255, 255};  // normalisation makes -1 and 1 of them
  for (const Gate& gate : {Gate{"AND", {0, 0, 0, 1}}, Gate{"OR", {0, 1, 1, 1}}, Gate{"XOR", {0, 1, 1, 0}}}) {
    const MemoryDataset table(Shape{2, 1}, {"false", "true"}, rows, gate.outputs);

    const Result rosenblatt = train(make_classifier(perceptron(Shape{2, 1}, 2)), table, true,
                                    {.epochs = 100, .batch = 1, .optimizer = {.learning_rate = 0.1}});
    std::printf("%-3s  perceptron  ", gate.name);
    if (rosenblatt.right == 4)
      std::printf("all right after epoch %lld\n", static_cast<long long>(rosenblatt.epochs));
    else
      std::printf("never all right in %lld epochs\n", static_cast<long long>(rosenblatt.epochs));

    const Result widrow = train(make_classifier(adaline(Shape{2, 1}, 2)), table, false,
                                {.epochs = 200, .batch = 4, .optimizer = {.learning_rate = 0.1}});
    std::printf("     ADALINE     mean squared error %.3f%s\n", widrow.loss,
                widrow.loss > 0.99 ? ": no better than answering 0" : "");

    const Result net =
        train(two_layers(), table, true, {.epochs = 500, .batch = 4, .optimizer = {.learning_rate = 0.5}});
    std::printf("     two layers  %.0f of 4 right after epoch %lld\n", net.right, static_cast<long long>(net.epochs));
  }
}
