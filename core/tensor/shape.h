// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace fovea {

// The extents of a tensor, outermost first, at most max_rank of them; {} is a scalar (one element). Extents are
// non-negative and their product fits in 63 bits: the constructors throw InputError otherwise.
class Shape {
 public:
  static constexpr int max_rank = 6;

  Shape() = default;
  Shape(std::initializer_list<std::int64_t> extents) : Shape(std::span(extents.begin(), extents.size())) {}
  explicit Shape(std::span<const std::int64_t> extents);

  int rank() const { return rank_; }
  std::int64_t operator[](int axis) const { return extents_[static_cast<std::size_t>(axis)]; }
  std::int64_t elements() const;
  std::span<const std::int64_t> extents() const { return {extents_.data(), static_cast<std::size_t>(rank_)}; }

  Shape with_batch(std::int64_t n) const;  // {C,H,W} -> {n,C,H,W}
  Shape without_batch() const;             // {N,C,H,W} -> {C,H,W}
  std::string to_string() const;           // "[64, 1, 28, 28]"

  friend bool operator==(const Shape& a, const Shape& b);

 private:
  std::array<std::int64_t, max_rank> extents_{};
  int rank_ = 0;
};

// A height and a width; one number means both.
struct Size2 {
  std::int64_t h = 1, w = 1;
  constexpr Size2() = default;
  constexpr Size2(std::int64_t both) : h(both), w(both) {}
  constexpr Size2(std::int64_t height, std::int64_t width) : h(height), w(width) {}
  friend bool operator==(const Size2&, const Size2&) = default;
};

// Zero padding on each side of an image; one number means all four, two mean (top and bottom, left and right).
struct Padding2 {
  std::int64_t top = 0, left = 0, bottom = 0, right = 0;
  constexpr Padding2() = default;
  constexpr Padding2(std::int64_t all) : top(all), left(all), bottom(all), right(all) {}
  constexpr Padding2(std::int64_t vertical, std::int64_t horizontal)
      : top(vertical), left(horizontal), bottom(vertical), right(horizontal) {}
  constexpr Padding2(std::int64_t t, std::int64_t l, std::int64_t b, std::int64_t r)
      : top(t), left(l), bottom(b), right(r) {}
  friend bool operator==(const Padding2&, const Padding2&) = default;
};

}  // namespace fovea
