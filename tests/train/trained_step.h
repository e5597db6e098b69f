// SPDX-License-Identifier: Apache-2.0
//
// What one step of a training should do, made of the layers that compare() proves and of the optimizer.
#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/compare/net_run.h"
#include "core/train/trainer.h"
#include "tests/support/checks.h"

namespace fovea::test {

inline std::vector<Tensor> weights_of(const Replay& replay) {
  std::vector<Tensor> weights;
  for (const auto& [name, tensor] : replay.weights) weights.push_back(tensor);
  return weights;
}

inline float last_loss(const Trainer& trainer) {
  const std::string& lines = trainer.metrics();
  const std::size_t begin = lines.rfind('\n', lines.size() - 2);
  return nlohmann::json::parse(lines.substr(begin == std::string::npos ? 0 : begin + 1)).at("loss").get<float>();
}

// What a step should leave of weights and state, and its loss: the layers that compare() proves, then the optimizer.
struct Step {
  float loss = 0;
  std::vector<Tensor> weights;
};
inline Step computed(const Model& model, Backend& backend, const Replay& replay, const TrainOptions& options,
                     DType dtype) {
  NetRun run(model, backend, weights_of(replay), replay.batch, dtype, false, replay.layouts);
  run.executor().set_random(replay.seed, replay.random_step);
  run.executor().set_loss_scale(replay.loss_scale);
  run.executor().forward();
  Step step{run.executor().read(model.loss).span<float>()[0], {}};
  run.executor().backward();
  const ParameterLayout& layout = run.weights().layout();
  const std::vector<ParameterRun> all = parameter_runs(layout, {});
  Gradients(backend, run.executor().gradients(), all).scale(1 / replay.loss_scale);
  Optimizer(options.optimizer, backend, layout, all)
      .step(run.weights(), *run.executor().gradients(), options.optimizer.learning_rate, 1);
  for (std::size_t i = 0; i < layout.entries.size(); ++i) step.weights.push_back(run.weights().get(i));
  return step;
}

// That the step just taken left that, bit for bit; returns what comes next.
inline Replay expect_left(Trainer& trainer, const Step& wanted) {
  EXPECT_EQ(last_loss(trainer), wanted.loss);
  Replay next = trainer.replay();
  EXPECT_EQ(next.weights.size(), wanted.weights.size());
  for (std::size_t i = 0; i < std::min(next.weights.size(), wanted.weights.size()); ++i)
    EXPECT_TRUE(same_bits(next.weights[i].second, wanted.weights[i])) << next.weights[i].first;
  return next;
}

}  // namespace fovea::test
