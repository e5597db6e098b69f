// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/rmsprop.h"

#include "core/tolerance/bound.h"
#include "core/tolerance/bounded.h"

namespace fovea {

void rmsprop_tolerance(const RmspropOptions& options, const Uncertain& w, const Uncertain& g, const Uncertain& v,
                       const Uncertain& b, Uncertain& new_w, Uncertain& new_v, Uncertain& new_b) {
  for (Uncertain* after : {&new_w, &new_v, &new_b}) after->tolerance = make_tolerance(after->value);
  for (std::int64_t i = 0; i < w.value.elements(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    const Bounded weight = bounded_at(w, i);
    const Bounded gradient = bounded_at(g, i) + options.weight_decay * weight;
    const Bounded square = options.alpha * bounded_at(v, i) + (1 - options.alpha) * (gradient * gradient);
    const Bounded step = gradient / (root(square) + Bounded{options.epsilon});
    const Bounded velocity = options.momentum * bounded_at(b, i) + step;
    new_v.tolerance.span<double>()[at] = square.tolerance;
    new_b.tolerance.span<double>()[at] = velocity.tolerance;
    new_w.tolerance.span<double>()[at] = (weight - options.learning_rate * velocity).tolerance;
  }
}

}  // namespace fovea
