// SPDX-License-Identifier: Apache-2.0
//
// AdaGrad (Duchi, Hazan and Singer 2011), on a flat arena of parameters; PyTorch's formulae:
//
//   g' = g + weight_decay * w
//   v  = v + g' * g'                                          (v starts at 0)
//   w  = w - learning_rate * (g' / (sqrt(v) + epsilon))
//
// PyTorch's lr_decay is the caller's: learning_rate / (1 + (t - 1) * lr_decay) in step t = 1, 2, ...
// w, g, v: f32, the same number of elements. The options are rounded to float once; everything else is float arithmetic
// in the order written, each operation rounded by itself.
//
// `copy`, 16 bits or empty: update_memory.h.
#pragma once
#include "core/ops/update_memory.h"

namespace fovea {

struct AdagradOptions {
  double learning_rate = 0.01;
  double epsilon = 1e-10;
  double weight_decay = 0;
  UpdateMemory memory = {};  // of AdagradFactors<float>
};

// The constants of one step, as T.
template <class T>
struct AdagradFactors {
  T learning_rate, epsilon, weight_decay;

  explicit AdagradFactors(const AdagradOptions& o)
      : learning_rate(static_cast<T>(o.learning_rate)),
        epsilon(static_cast<T>(o.epsilon)),
        weight_decay(static_cast<T>(o.weight_decay)) {}
};

class AdagradOps {
 public:
  virtual ~AdagradOps() = default;
  virtual void adagrad_step(const AdagradOptions& options, View w, ConstView g, View v, View copy) = 0;
};

}  // namespace fovea
