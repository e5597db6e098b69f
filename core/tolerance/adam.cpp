// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/adam.h"

#include "core/tolerance/bound.h"
#include "core/tolerance/bounded.h"

namespace fovea {

void adam_tolerance(const AdamOptions& options, const Uncertain& w, const Uncertain& g, const Uncertain& m,
                    const Uncertain& v, Uncertain& new_w, Uncertain& new_m, Uncertain& new_v) {
  const AdamFactors<double> f(options);
  for (Uncertain* after : {&new_w, &new_m, &new_v}) after->tolerance = make_tolerance(after->value);
  for (std::int64_t i = 0; i < w.value.elements(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    const Bounded weight = bounded_at(w, i);
    Bounded gradient = bounded_at(g, i);
    if (!options.decoupled && options.weight_decay != 0) gradient = gradient + f.added_decay * weight;
    const Bounded mean = mixed(bounded_at(m, i), gradient, f.rest1);
    const Bounded square = f.beta2 * bounded_at(v, i) + f.rest2 * (gradient * gradient);
    const Bounded size = root(square) / Bounded{f.root2} + Bounded{f.epsilon};
    const Bounded kept = options.decoupled ? f.keep * weight : weight;
    new_m.tolerance.span<double>()[at] = mean.tolerance;
    new_v.tolerance.span<double>()[at] = square.tolerance;
    new_w.tolerance.span<double>()[at] = (kept - f.rate * (mean / size)).tolerance;
  }
}

}  // namespace fovea
