// SPDX-License-Identifier: Apache-2.0
//
// Adam (Kingma and Ba 2015) and AdamW (Loshchilov and Hutter 2019), on a flat arena of parameters; PyTorch's formulae:
//
//   g' = decoupled ? g : g + weight_decay * w
//   m  = m + (1 - beta1) * (g' - m)                           (m and v start at 0)
//   v  = beta2 * v + (1 - beta2) * (g' * g')
//   w' = decoupled ? (1 - learning_rate * weight_decay) * w : w
//   w  = w' - (learning_rate / correction1) * (m / (sqrt(v) / sqrt(correction2) + epsilon))
//
// with correction = 1 - beta^t in step t = 1, 2, ... w, g, m, v: f32, the same number of elements. The factors come from
// AdamFactors, computed in double and rounded once: 1 - 0.999f would be wrong in the fifth digit. Everything else is
// float arithmetic in the order written, each operation rounded by itself, so that all devices give the same bits.
//
// `copy`, 16 bits or empty: update_memory.h.
#pragma once
#include <cmath>

#include "core/ops/update_memory.h"

namespace fovea {

struct AdamOptions {
  double learning_rate = 1e-3;
  double beta1 = 0.9, beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;
  bool decoupled = false;                   // AdamW
  double correction1 = 1, correction2 = 1;  // of this step
  UpdateMemory memory = {};                 // of AdamFactors<float>
};

// `options` with the corrections of step t, from 1 on.
inline AdamOptions at_step(AdamOptions options, std::int64_t t) {
  options.correction1 = 1 - std::pow(options.beta1, static_cast<double>(t));
  options.correction2 = 1 - std::pow(options.beta2, static_cast<double>(t));
  return options;
}

// The constants of one step, as T.
template <class T>
struct AdamFactors {
  T added_decay;  // of w to g; 0 where decoupled
  T keep;         // of w; 1 where not decoupled
  T rest1, beta2, rest2;
  T root2;  // sqrt(correction2)
  T epsilon;
  T rate;  // learning_rate / correction1

  explicit AdamFactors(const AdamOptions& o)
      : added_decay(static_cast<T>(o.decoupled ? 0 : o.weight_decay)),
        keep(static_cast<T>(o.decoupled ? 1 - o.learning_rate * o.weight_decay : 1)),
        rest1(static_cast<T>(1 - o.beta1)),
        beta2(static_cast<T>(o.beta2)),
        rest2(static_cast<T>(1 - o.beta2)),
        root2(static_cast<T>(std::sqrt(o.correction2))),
        epsilon(static_cast<T>(o.epsilon)),
        rate(static_cast<T>(o.learning_rate / o.correction1)) {}
};

class AdamOps {
 public:
  virtual ~AdamOps() = default;
  virtual void adam_step(const AdamOptions& options, View w, ConstView g, View m, View v, View copy) = 0;
};

}  // namespace fovea
