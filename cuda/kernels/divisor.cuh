// SPDX-License-Identifier: Apache-2.0
//
// Division of non-negative ints by a number that is constant during a kernel. The hardware has no integer division; a
// runtime `/` costs about twenty instructions. Turning a flat index into (n, c, h, w) needs several, so the host
// prepares a multiplier once and each division becomes one multiplication, one addition and one shift.
//
// Method (Granlund and Montgomery 1994, "Division by Invariant Integers using Multiplication"): with
// 2^(shift-1) < d <= 2^shift and m = floor(2^32 * (2^shift - d) / d) + 1,
//   floor(n / d) = (floor(n * m / 2^32) + n) >> shift        for all 0 <= n < 2^31.
#pragma once
#include <cstdint>

#include "cuda/runtime/dialect.cuh"

namespace fovea::FOVEA_TARGET {

struct Divisor {
  int value;
  int shift = 0;
  unsigned multiplier;

  // `divisor` in [1, 2^31).
  explicit Divisor(std::int64_t divisor) : value(static_cast<int>(divisor)) {
    while ((std::int64_t{1} << shift) < divisor) ++shift;
    multiplier = static_cast<unsigned>((((std::int64_t{1} << shift) - divisor) << 32) / divisor + 1);
  }

  // In every other place it is the number itself.
  __device__ __forceinline__ operator int() const { return value; }
};

__device__ __forceinline__ int operator/(int n, const Divisor& d) {
  const std::uint64_t product = std::uint64_t{static_cast<unsigned>(n)} * d.multiplier;  // unsigned: one instruction
  const unsigned high = static_cast<unsigned>(product >> 32);
  return static_cast<int>((high + static_cast<unsigned>(n)) >> d.shift);
}

__device__ __forceinline__ int operator%(int n, const Divisor& d) { return n - n / d * d.value; }

}  // namespace fovea::FOVEA_TARGET
