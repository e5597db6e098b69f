// SPDX-License-Identifier: Apache-2.0
//
// 4. Do two devices agree? Every layer, forward and backward, against the bound that float32 arithmetic obeys; then
//    with one wrong number planted, to see that the check can fail. Usage: 04_compare_devices [DEVICE [DEVICE]]
#include <cstdio>
#include <numeric>

#include "core/backend/device_list.h"
#include "core/compare/compare.h"
#include "core/models/models.h"

int main(int argc, char** argv) {
  using namespace fovea;
  const Model model = make_classifier(load_net("lenet5"));
  const auto a = open_device(argc > 1 ? argv[1] : "reference"), b = open_device(argc > 2 ? argv[2] : "emu");
  const auto truth = open_device("reference");

  // Freshly initialised weights, and a batch of four digits.
  ParameterArena arena(ParameterLayout::of(model.graph), host_memory());
  initialise(arena, 1);
  std::vector<Tensor> weights;
  for (std::size_t i = 0; i < arena.layout().entries.size(); ++i) weights.push_back(arena.get(i));
  const DataSplits data = open_data("digits");
  std::vector<std::int64_t> samples(4);
  std::iota(samples.begin(), samples.end(), 0);
  const Batch batch = make_batch(*data.test, samples, measure_normalization(*data.test));

  const Comparison right = compare(model, *a, *b, *truth, weights, batch, {});
  for (const TensorComparison& t : right.tensors)
    if (t.direction == "forward" && t.tensor == "output")
      std::printf("%-8s %-18s error/bound %.3f %s\n", t.layer.c_str(), t.shape.to_string().c_str(), t.worst_ratio,
                  t.ok ? "ok" : "FAILED");
  std::printf("%s and %s %s\n", a->name().c_str(), b->name().c_str(), right.ok ? "agree" : "DISAGREE");

  const Comparison wrong = compare(model, *a, *b, *truth, weights, batch, {.inject = "conv2"});
  std::printf("with one wrong number in conv2: %s, first in %s\n", wrong.ok ? "not noticed" : "noticed",
              wrong.first_divergent.c_str());
  return right.ok && !wrong.ok && wrong.first_divergent == "conv2" ? 0 : 1;
}
