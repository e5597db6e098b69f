// SPDX-License-Identifier: Apache-2.0
#include "core/layers/reshape.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/support/error.h"

namespace fovea {

void fields(FieldVisitor& visitor, ReshapeOptions& options) {
  visitor.field("shape", options.shape, Presence::required, at_least(-1));
}

void Reshape::describe(FieldVisitor& visitor) const {
  ReshapeOptions options = options_;
  fields(visitor, options);
}

Shape Reshape::output_shape(Shapes inputs) const {
  const Shape& x = inputs[0];
  const std::vector<std::int64_t>& shape = options_.shape;
  require(x.rank() >= 1, [&] { return fmt::format("expected an input [N, ...], got {}", x.to_string()); });
  const bool extents = std::ranges::all_of(shape, [](std::int64_t e) { return e >= 1 || e == -1; });
  require(!shape.empty() && shape.size() < Shape::max_rank && extents && std::ranges::count(shape, -1) <= 1, [&] {
    return fmt::format("shape: expected 1 to {} extents of at least 1, of which one may be -1, got [{}]",
                       Shape::max_rank - 1, fmt::join(shape, ", "));
  });
  const std::int64_t elements = x.without_batch().elements();
  std::int64_t rest = elements;  // what the extents so far leave
  for (const std::int64_t extent : shape) {
    if (extent != -1) rest = rest % extent == 0 ? rest / extent : 0;
  }
  require(rest >= 1 && (rest == 1 || std::ranges::count(shape, -1) == 1), [&] {
    return fmt::format("shape: expected the {} elements of a sample of {}, got [{}]", elements, x.to_string(),
                       fmt::join(shape, ", "));
  });
  std::vector<std::int64_t> result{x[0]};
  for (const std::int64_t extent : shape) result.push_back(extent == -1 ? rest : extent);
  return Shape(std::span<const std::int64_t>(result));
}

}  // namespace fovea
