// SPDX-License-Identifier: Apache-2.0
//
// Updates of parameters.
#include "cuda/native_ops.h"

#include "cuda/arguments.h"
#include "cuda/kernels/kernels.h"

namespace fovea::FOVEA_TARGET {

// Inside the class an operation's name means the member: say kernels:: for the launcher.
namespace kernels = fovea::FOVEA_TARGET;

void NativeOps::sgd_step(const SgdOptions& options, View w, ConstView g, View v) {
  if (w.elements() == 0 && g.elements() == 0 && v.elements() == 0) return;  // a net without parameters
  const Arguments arguments("sgd_step", memory_);
  kernels::sgd_step(stream_, options, w.elements(), arguments.out("w", w, w.shape), arguments.in("g", g, w.shape),
                    arguments.out("v", v, w.shape));
}

}  // namespace fovea::FOVEA_TARGET
