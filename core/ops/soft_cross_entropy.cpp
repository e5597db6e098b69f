// SPDX-License-Identifier: Apache-2.0
#include "core/ops/soft_cross_entropy.h"

#include <fmt/core.h>

#include "core/support/error.h"

namespace fovea {

SoftmaxCrossEntropyGeometry soft_cross_entropy_geometry(const SoftmaxCrossEntropyOptions& options, const Shape& logits,
                                                        const Shape& targets) {
  require(logits.rank() >= 2 && logits.without_batch().elements() >= 1 && targets == logits, [&] {
    return fmt::format("expected logits [N, classes, ...] and targets of their shape, got {} and {}",
                       logits.to_string(), targets.to_string());
  });
  return softmax_cross_entropy_geometry(options, logits, logits.without_batch().without_batch().with_batch(logits[0]));
}

}  // namespace fovea
