// SPDX-License-Identifier: Apache-2.0
//
// Float32 on tensor cores ("3xTF32"): a float is split into two numbers of tf32,
//
//   x = big + small + rest      big = tf32(x), small = tf32(x - big), both to nearest
//   x * w ~ big_x * big_w + big_x * small_w + small_x * big_w
//
// What is lost. tf32 has 11 digits, so |small| <= 2^-11 |x| and, since x - big is exact, |rest| <= 2^-23 |x|. Left out are
// small * small and both rests: at most 2^-22 + 2 * 2^-23 = 2^-21 of a product, 8 of float32's unit roundoffs
// (tf32 alone: 2^-10, 16,384 of them). docs/numerics.md: float32's own bound covers it.
//
// Two sums. The small products have sums of their own, which are some 2^-11 of the others: what tensor cores cut off when
// they add (docs/numerics.md) does not count there. The large products of each step start from 0, and are added outside
// of the tensor cores, which rounds to nearest: cut off K/8 times, a sum of one sign could leave float32's bound from
// K = 1,000 on.
//
// Beyond float32's range. An infinity has a small part of NaN, so where the large products are not finite, they alone are
// the result: infinities and NaN are those of float32. Numbers from 2^128 - 2^116 on round to infinity. Of factors below
// 2^-114 (2^-103 where subnormal numbers are flushed) more is lost than is said above.
#pragma once
#include <cstdint>

#include "cuda/runtime/mma.cuh"

namespace fovea::FOVEA_TARGET {

// Floats as they lie in registers become their big parts.
template <int count>
__device__ __forceinline__ void split_inputs(std::uint32_t (&registers)[count], std::uint32_t (&small)[count]) {
#pragma unroll
  for (int i = 0; i < count; ++i) {
    const float x = __uint_as_float(registers[i]);
    const tf32_t big = to_tf32(x);
    registers[i] = big.bits;
    small[i] = to_tf32(x - __uint_as_float(big.bits)).bits;
  }
}

// Adds the three products of a step: two to `small_sums`, the large one to `sums`.
__device__ __forceinline__ void add_split_products(FragmentSums& sums, FragmentSums& small_sums,
                                                   const FragmentA<tf32_t>& a, const FragmentA<tf32_t>& small_a,
                                                   const FragmentB<tf32_t>& b, const FragmentB<tf32_t>& small_b) {
  mma(small_sums, small_a, b);
  mma(small_sums, a, small_b);
  FragmentSums step = {};
  mma(step, a, b);
#pragma unroll
  for (int v = 0; v < 4; ++v) sums.values[v] += step.values[v];
}

// The whole sum. x - x is 0 for finite numbers only.
__device__ __forceinline__ float with_small_sum(float sum, float small_sum) {
  return sum - sum == 0.0f ? sum + small_sum : sum;
}

}  // namespace fovea::FOVEA_TARGET
