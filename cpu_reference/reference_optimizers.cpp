// SPDX-License-Identifier: Apache-2.0
//
// Updates of parameters.
#include "cpu_reference/reference_ops.h"

#include "cpu_reference/dispatch.h"
#include "cpu_reference/sgd.h"

namespace fovea {

using reference::Arguments;
using reference::with_real;

void ReferenceOps::sgd_step(const SgdOptions& options, View w, ConstView g, View v) {
  const Arguments arguments("sgd_step", "w", w);
  arguments.check("g", g, w.shape);
  arguments.check("v", v, w.shape);
  with_real(w.dtype, [&](auto real) {
    using T = decltype(real);
    reference::sgd_step<T>(options, w.elements(), data_as<T>(w), data_as<T>(g), data_as<T>(v));
  });
  ++executed_;
}

}  // namespace fovea
