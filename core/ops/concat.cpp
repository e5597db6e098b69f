// SPDX-License-Identifier: Apache-2.0
#include "core/ops/concat.h"

#include <fmt/core.h>

#include <array>

#include "core/support/error.h"

namespace fovea {
namespace {

bool agree_outside(std::int64_t axis, const Shape& a, const Shape& b) {
  if (a.rank() != b.rank()) return false;
  for (int i = 0; i < a.rank(); ++i) {
    if (i != axis && a[i] != b[i]) return false;
  }
  return true;
}

}  // namespace

void fields(FieldVisitor& visitor, ConcatOptions& options) {
  visitor.field("axis", options.axis, Presence::optional, {.low = 1, .high = Shape::max_rank - 1});
}

Shape concat_output_shape(const ConcatOptions& options, std::span<const Shape> inputs) {
  require(!inputs.empty(), [] { return std::string("expected at least one input, got none"); });
  const Shape& first = inputs[0];
  require(options.axis >= 1 && options.axis < first.rank(), [&] {
    return fmt::format("axis: expected an axis behind the batch of {}, got {}", first.to_string(), options.axis);
  });
  std::array<std::int64_t, Shape::max_rank> extents{};
  for (int i = 0; i < first.rank(); ++i) extents[static_cast<std::size_t>(i)] = first[i];
  const auto axis = static_cast<int>(options.axis);
  for (const Shape& x : inputs.subspan(1)) {
    require(agree_outside(axis, first, x), [&] {
      return fmt::format("expected inputs that differ along axis {} only, got {} and {}", axis, first.to_string(),
                         x.to_string());
    });
    extents[static_cast<std::size_t>(axis)] += x[axis];
  }
  return Shape(std::span(extents).first(static_cast<std::size_t>(first.rank())));
}

ConcatSlice concat_slice(const ConcatOptions& options, const Shape& x, std::int64_t first, const Shape& y,
                         Layout layout) {
  require(options.axis >= 1 && options.axis < y.rank() && agree_outside(options.axis, x, y), [&] {
    return fmt::format("axis: expected shapes that differ along axis {} only, got {} and {}", options.axis,
                       x.to_string(), y.to_string());
  });
  const auto axis = static_cast<int>(options.axis);
  ConcatSlice slice{.outer = 1, .extent = x[axis], .whole = y[axis], .inner = 1, .first = first};
  require(first >= 0 && first <= slice.whole - slice.extent, [&] {
    return fmt::format("first: expected 0 to {}, where {} fits into {}, got {}", slice.whole - slice.extent,
                       x.to_string(), y.to_string(), first);
  });
  // In NHWC the channels, axis 1, lie innermost: behind the other axes.
  const auto order = [&](int i) { return layout == Layout::nhwc && i == 1 ? x.rank() : i; };
  for (int i = 0; i < x.rank(); ++i) {
    if (order(i) < order(axis)) slice.outer *= x[i];
    if (order(i) > order(axis)) slice.inner *= x[i];
  }
  return slice;
}

}  // namespace fovea
