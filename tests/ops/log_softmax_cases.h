// SPDX-License-Identifier: Apache-2.0
//
// Rows of scores for log_softmax: those of softmax and random ones.
#pragma once
#include "core/layers/log_softmax.h"
#include "tests/ops/random_configurations.h"
#include "tests/ops/softmax_cases.h"

namespace fovea::test {

inline std::vector<LayerCase> log_softmax_cases() {
  std::vector<LayerCase> cases;
  for (const SoftmaxCase& c : softmax_cases()) {
    const bool huge = std::string_view(c.name) == "Huge";
    LayerCase layer_case{.name = c.name,
                         .why = c.why,
                         .layer = std::make_shared<LogSoftmax>(),
                         .inputs = {c.x},
                         .fills = {{.low = c.offset - c.spread, .high = c.offset + c.spread}},
                         .small = c.small};
    // Differences of 20,000 leave a difference quotient no digits.
    if (huge) layer_case.phase = Phase::inference;
    // The logarithm of the only class's probability is 0, and so is its gradient.
    if (c.x[1] == 1) layer_case.forward_trust = layer_case.backward_trust = ZeroTrust::off;
    cases.push_back(std::move(layer_case));
  }
  return cases;
}

inline LayerCase random_log_softmax_case(RandomStream& random) {
  return {.name = "LogSoftmax",
          .layer = std::make_shared<LogSoftmax>(),
          .inputs = {{pick(random, 1, 9), pick(random, 2, 70)}},
          .fills = {pick_scores(random)}};
}

}  // namespace fovea::test
