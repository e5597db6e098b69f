// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/adagrad.h"

#include "core/tolerance/bound.h"
#include "core/tolerance/bounded.h"

namespace fovea {

void adagrad_tolerance(const AdagradOptions& options, const Uncertain& w, const Uncertain& g, const Uncertain& v,
                       Uncertain& new_w, Uncertain& new_v) {
  for (Uncertain* after : {&new_w, &new_v}) after->tolerance = make_tolerance(after->value);
  for (std::int64_t i = 0; i < w.value.elements(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    const Bounded weight = bounded_at(w, i);
    const Bounded gradient = bounded_at(g, i) + options.weight_decay * weight;
    const Bounded sum = bounded_at(v, i) + gradient * gradient;
    const Bounded step = gradient / (root(sum) + Bounded{options.epsilon});
    new_v.tolerance.span<double>()[at] = sum.tolerance;
    new_w.tolerance.span<double>()[at] = (weight - options.learning_rate * step).tolerance;
  }
}

}  // namespace fovea
