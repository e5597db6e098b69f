// SPDX-License-Identifier: Apache-2.0
//
// RMSProp (Tieleman and Hinton 2012), not centred, on a flat arena of parameters; PyTorch's formulae:
//
//   g' = g + weight_decay * w
//   v  = alpha * v + (1 - alpha) * (g' * g')                  (v and b start at 0)
//   b  = momentum * b + g' / (sqrt(v) + epsilon)
//   w  = w - learning_rate * b
//
// w, g, v, b: f32, the same number of elements. The factors come from RmspropFactors, computed in double and rounded
// once; everything else is float arithmetic in the order written, each operation rounded by itself.
//
// `copy`, 16 bits or empty: update_memory.h.
#pragma once
#include "core/ops/update_memory.h"

namespace fovea {

struct RmspropOptions {
  double learning_rate = 0.01;
  double alpha = 0.99;
  double epsilon = 1e-8;
  double weight_decay = 0;
  double momentum = 0;
  UpdateMemory memory = {};  // of RmspropFactors<float>
};

// The constants of one step, as T.
template <class T>
struct RmspropFactors {
  T learning_rate, alpha, rest, epsilon, weight_decay, momentum;

  explicit RmspropFactors(const RmspropOptions& o)
      : learning_rate(static_cast<T>(o.learning_rate)),
        alpha(static_cast<T>(o.alpha)),
        rest(static_cast<T>(1 - o.alpha)),
        epsilon(static_cast<T>(o.epsilon)),
        weight_decay(static_cast<T>(o.weight_decay)),
        momentum(static_cast<T>(o.momentum)) {}
};

class RmspropOps {
 public:
  virtual ~RmspropOps() = default;
  virtual void rmsprop_step(const RmspropOptions& options, View w, ConstView g, View v, View b, View copy) = 0;
};

}  // namespace fovea
