// SPDX-License-Identifier: Apache-2.0
//
// What dropout does to one element, given its random word (core/ops/dropout.h):
//
//   kept when word >> 8 >= threshold,   threshold = ceil(rate * 2^24)        y = kept ? x * scale : 0
//
// The contract compares u = bits / 2^24 with the rate; multiplying both by 2^24 is exact and leaves whole numbers.
#pragma once
#include <cmath>
#include <cstdint>

#include "core/ops/dropout.h"
#include "core/support/philox.h"
#include "cuda/runtime/dialect.cuh"

namespace fovea::FOVEA_TARGET {

struct DropoutRule {
  std::uint64_t seed, counter_high;
  std::uint32_t threshold;  // up to 2^24: nothing is kept
  float scale;

  template <class T>
  __device__ __forceinline__ T operator()(std::uint32_t word, T x) const {
    return (word >> 8) >= threshold ? from_float<T>(to_float(x) * scale) : T();
  }
};

inline DropoutRule dropout_rule(const DropoutOptions& options, const RandomKey& key) {
  return {.seed = key.seed,
          .counter_high = key.counter_high(static_cast<std::uint16_t>(RandomPurpose::dropout)),
          .threshold = static_cast<std::uint32_t>(std::ceil(options.rate * 0x1p24)),
          .scale = dropout_scale(options)};
}

}  // namespace fovea::FOVEA_TARGET
