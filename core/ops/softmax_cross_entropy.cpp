// SPDX-License-Identifier: Apache-2.0
#include "core/ops/softmax_cross_entropy.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/support/error.h"

namespace fovea {

void fields(FieldVisitor& visitor, SoftmaxCrossEntropyOptions& options) {
  visitor.field("label_smoothing", options.label_smoothing, Presence::optional,
                {.low = 0, .high = 1, .high_open = true});
  visitor.field("class_weights", options.class_weights, Presence::optional, non_negative_real);
}

SoftmaxCrossEntropyGeometry softmax_cross_entropy_geometry(const SoftmaxCrossEntropyOptions& options,
                                                           const Shape& logits, const Shape& labels) {
  require(logits.rank() >= 2 && logits.without_batch().elements() >= 1 &&
              labels == logits.without_batch().without_batch().with_batch(logits[0]),
          [&] {
            return fmt::format("expected logits [N, classes, ...] and labels [N, ...], got {} and {}",
                               logits.to_string(), labels.to_string());
          });
  const double smoothing = options.label_smoothing;
  require(smoothing >= 0 && static_cast<float>(smoothing) < 1,
          [&] { return fmt::format("label_smoothing: expected at least 0 and below 1, got {}", smoothing); });
  const std::vector<double>& weights = options.class_weights;
  require(weights.empty() || static_cast<std::int64_t>(weights.size()) == logits[1], [&] {
    return fmt::format("class_weights: expected one for each of the {} classes, got {}", logits[1], weights.size());
  });
  const auto allowed = [](double w) { return w >= 0 && std::isfinite(static_cast<float>(w)); };
  require(std::ranges::all_of(weights, allowed) && (weights.empty() || std::ranges::max(weights) > 0), [&] {
    return fmt::format("class_weights: expected numbers of at least 0, one above, got [{}]", fmt::join(weights, ", "));
  });
  return {logits[0], logits[1], logits.without_batch().without_batch().elements()};
}

}  // namespace fovea
