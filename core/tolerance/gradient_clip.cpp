// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/gradient_clip.h"

#include "core/tolerance/bound.h"
#include "core/tolerance/bounded.h"

namespace fovea {

void gradient_scale_tolerance(double factor, const Uncertain& g, Uncertain& new_g) {
  new_g.tolerance = make_tolerance(new_g.value);
  for (std::int64_t i = 0; i < g.value.elements(); ++i)
    new_g.tolerance.span<double>()[static_cast<std::size_t>(i)] = (factor * bounded_at(g, i)).tolerance;
}

}  // namespace fovea
