// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/average.h"

#include "core/tolerance/bound.h"
#include "core/tolerance/bounded.h"

namespace fovea {

void average_tolerance(double decay, const Uncertain& a, const Uncertain& w, Uncertain& new_a) {
  new_a.tolerance = make_tolerance(new_a.value);
  for (std::int64_t i = 0; i < a.value.elements(); ++i)
    new_a.tolerance.span<double>()[static_cast<std::size_t>(i)] =
        mixed(bounded_at(a, i), bounded_at(w, i), 1 - decay).tolerance;
}

}  // namespace fovea
