// SPDX-License-Identifier: Apache-2.0
#include "core/tensor/shape.h"

#include <algorithm>

#include "core/support/error.h"

namespace fovea {
namespace {
std::string list(std::span<const std::int64_t> extents) {
  std::string text = "[";
  for (std::size_t i = 0; i < extents.size(); ++i) text += (i ? ", " : "") + std::to_string(extents[i]);
  return text + "]";
}
}  // namespace

Shape::Shape(std::span<const std::int64_t> extents) : rank_(static_cast<int>(extents.size())) {
  require(extents.size() <= max_rank, [&] {
    return "shape " + list(extents) + ": expected at most " + std::to_string(max_rank) + " axes, got " +
           std::to_string(extents.size());
  });
  std::int64_t product = 1;
  for (std::size_t i = 0; i < extents.size(); ++i) {
    require(extents[i] >= 0, [&] { return "shape " + list(extents) + ": an extent is negative"; });
    require(!__builtin_mul_overflow(product, extents[i], &product),
            [&] { return "shape " + list(extents) + ": more than 2^63 elements"; });
    extents_[i] = extents[i];
  }
}

std::int64_t Shape::elements() const {
  std::int64_t product = 1;
  for (const std::int64_t extent : extents()) product *= extent;
  return product;
}

Shape Shape::with_batch(std::int64_t n) const {
  std::array<std::int64_t, max_rank + 1> extents{n};
  std::copy_n(extents_.begin(), rank_, extents.begin() + 1);
  return Shape(std::span<const std::int64_t>(extents.data(), static_cast<std::size_t>(rank_) + 1));
}

Shape Shape::without_batch() const {
  require(rank_ >= 1, [] { return "shape []: it has no batch axis to remove"; });
  return Shape(extents().subspan(1));
}

std::string Shape::to_string() const { return list(extents()); }

bool operator==(const Shape& a, const Shape& b) { return std::ranges::equal(a.extents(), b.extents()); }

}  // namespace fovea
