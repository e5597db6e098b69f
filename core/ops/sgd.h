// SPDX-License-Identifier: Apache-2.0
//
// Stochastic gradient descent with momentum, on a flat arena of parameters; PyTorch's convention:
//
//   g' = g + weight_decay * w
//   v  = momentum * v + g'                                  (v starts at 0)
//   w -= learning_rate * (nesterov ? g' + momentum * v : v)
//
// w, g, v: f32, the same number of elements. Arithmetic in float, in the order written. A call that is captured and
// replayed finds the factors of each step in memory; `copy`, 16 bits or empty, is what it leaves beside w: update_memory.h.
#pragma once
#include "core/ops/update_memory.h"

namespace fovea {

struct SgdOptions {
  float learning_rate = 0.01f;
  float momentum = 0.0f;
  float weight_decay = 0.0f;
  bool nesterov = false;
  UpdateMemory memory = {};  // of SgdFactors
};

// The constants of one step.
struct SgdFactors {
  float learning_rate, momentum, weight_decay;

  explicit SgdFactors(const SgdOptions& o)
      : learning_rate(o.learning_rate), momentum(o.momentum), weight_decay(o.weight_decay) {}
};

class SgdOps {
 public:
  virtual ~SgdOps() = default;
  virtual void sgd_step(const SgdOptions& options, View w, ConstView g, View v, View copy) = 0;
};

}  // namespace fovea
