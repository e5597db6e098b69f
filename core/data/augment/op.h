// SPDX-License-Identifier: Apache-2.0
//
// One augmentation: a random change of an image's bytes. It draws whole numbers; what is done to the pixels with them is
// a pass (core/ops/augment.h), which the host (passes.h) and any device can do, with the same result.
#pragma once
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/ops/augment.h"
#include "core/support/philox.h"
#include "core/tensor/shape.h"

namespace fovea {

class AugmentOp {
 public:
  virtual ~AugmentOp() = default;
  virtual AugmentPass pass() const = 0;
  // How many numbers it draws for a sample.
  virtual std::int64_t numbers() const { return augment_numbers(pass()); }
  // Draws them for a sample [C, H, W] into `row`, which has room for just that many.
  virtual void draw(const Shape& sample, RandomStream& random, std::span<std::int64_t> row) const = 0;
  // True for operations on colours, which need red, green and blue.
  virtual bool needs_rgb() const { return false; }
  // The smallest image that makes sense.
  virtual std::int64_t least_extent() const { return 1; }
};

// An operation's number as its text has it: "crop:4" has {4}.
using AugmentNumbers = std::vector<double>;

inline constexpr double no_default = std::numeric_limits<double>::quiet_NaN();  // a number without a default

// What texts may ask for.
struct AugmentKind {
  struct Number {
    const char* name;
    double low, high;
    bool whole;
    double otherwise;  // or no_default
  };
  const char* name;
  const char* summary;
  std::vector<Number> numbers;
  // A list: "color" makes three operations. Null for what mixes samples (mix.h).
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
inline double draw_real(RandomStream& random, double low, double high) {
  return low + (high - low) * double{random.uniform()};
}

}  // namespace fovea
