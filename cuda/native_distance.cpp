// SPDX-License-Identifier: Apache-2.0
//
// Distances between samples.
#include "cuda/arguments.h"
#include "cuda/kernels/kernels.h"
#include "cuda/native_ops.h"

namespace fovea::FOVEA_TARGET {

void NativeOps::distance_forward(DistanceNorm norm, ConstView a, ConstView b, View y) {
  const Arguments arguments("distance_forward", memory_);
  arguments.require_rank("a", a, 2, 2);
  arguments.require_rank("b", b, 2, 2);
  const std::int64_t M = a.shape[0], N = b.shape[0], D = a.shape[1];
  fovea::FOVEA_TARGET::distance_forward(stream_, norm, M, N, D, arguments.in("a", a, {M, D}),
                                        arguments.in("b", b, {N, D}), arguments.out("y", y, {M, N}));
}

}  // namespace fovea::FOVEA_TARGET
