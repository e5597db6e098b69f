// SPDX-License-Identifier: Apache-2.0
//
// One augmentation: a random change of an image's bytes. Parameters are drawn first, from the stream that is given; what
// is then done to the pixels is whole-number arithmetic, so the same on every machine and easy to repeat on a device.
#pragma once
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/support/philox.h"
#include "core/tensor/shape.h"

namespace fovea {

// Planes of bytes, C x H x W, changed in place. `scratch` is room that operations may use as they like.
struct ImageBytes {
  std::int64_t channels = 0, height = 0, width = 0;
  std::span<std::uint8_t> pixels;
  std::vector<std::uint8_t>& scratch;

  std::int64_t area() const { return height * width; }
  std::span<std::uint8_t> plane(std::int64_t c) const {
    return pixels.subspan(static_cast<std::size_t>(c * area()), static_cast<std::size_t>(area()));
  }
  // A copy of the pixels in `scratch`.
  std::span<const std::uint8_t> copied() const {
    scratch.assign(pixels.begin(), pixels.end());
    return scratch;
  }
};

class AugmentOp {
 public:
  virtual ~AugmentOp() = default;
  // Draws its parameters and applies them.
  virtual void apply(const ImageBytes& image, RandomStream& random) const = 0;
  // True for operations on colours, which need red, green and blue.
  virtual bool needs_rgb() const { return false; }
  // The smallest image that makes sense.
  virtual std::int64_t least_extent() const { return 1; }
};

// An operation's number as its text has it: "crop:4" has {4}.
using AugmentNumbers = std::vector<double>;

inline constexpr double required = std::numeric_limits<double>::quiet_NaN();  // a number without a default

// What texts may ask for.
struct AugmentKind {
  struct Number {
    const char* name;
    double low, high;
    bool whole;
    double otherwise;  // or `required`
  };
  const char* name;
  const char* summary;
  std::vector<Number> numbers;
  // A list: "color" makes three operations.
  std::vector<std::unique_ptr<AugmentOp>> (*make)(const AugmentNumbers& numbers);
};
const std::vector<AugmentKind>& geometry_kinds();
const std::vector<AugmentKind>& color_kinds();
const std::vector<AugmentKind>& pixel_kinds();

// For the lists: one operation of type Op from the numbers.
template <class Op>
std::vector<std::unique_ptr<AugmentOp>> make_one(const AugmentNumbers& numbers) {
  std::vector<std::unique_ptr<AugmentOp>> ops;
  ops.push_back(std::make_unique<Op>(numbers));
  return ops;
}

// A number in [low, high) in steps of 2^-24 of the width.
inline double draw(RandomStream& random, double low, double high) {
  return low + (high - low) * double{random.uniform()};
}

inline std::uint8_t to_byte(std::int64_t value) {
  return static_cast<std::uint8_t>(value < 0 ? 0 : value > 255 ? 255 : value);
}

}  // namespace fovea
