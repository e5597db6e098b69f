// SPDX-License-Identifier: Apache-2.0
//
// Distances between samples.
#include "cpu_reference/dispatch.h"
#include "cpu_reference/distance.h"
#include "cpu_reference/reference_ops.h"

namespace fovea {

using reference::Arguments;
using reference::with_real;

void ReferenceOps::distance_forward(DistanceNorm norm, ConstView a, ConstView b, View y) {
  const Arguments arguments = Arguments::f32_or_f64("distance_forward", "a", a);
  arguments.demand(a.shape.rank() == 2, "a", "rows [M, D]", a);
  arguments.demand(b.shape.rank() == 2 && b.shape[1] == a.shape[1], "b", "rows [N, D] as long as those of a", b);
  const std::int64_t M = a.shape[0], N = b.shape[0], D = a.shape[1];
  arguments.check("b", b, {N, D});
  arguments.check("y", y, {M, N});
  with_real(a.dtype, [&](auto real) {
    using T = decltype(real);
    reference::distance_forward<T>(norm, M, N, D, data_as<T>(a), data_as<T>(b), data_as<T>(y));
  });
  ++executed_;
}

}  // namespace fovea
