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
  const std::int64_t* step;  // which is part of counter_high, or null where it is in there
  std::uint32_t threshold;   // up to 2^24: nothing is kept
  float scale;

  __device__ __forceinline__ Philox::Block words(std::int64_t block) const {
    const std::uint64_t high = step != nullptr ? counter_high | static_cast<std::uint32_t>(*step) : counter_high;
    return Philox::block(seed, high, static_cast<std::uint64_t>(block));
  }
  template <class T>
  __device__ __forceinline__ T operator()(std::uint32_t word, T x) const {
    return (word >> 8) >= threshold ? from_float<T>(to_float(x) * scale) : T();
  }
};

inline DropoutRule dropout_rule(const DropoutOptions& options, const RandomKey& key) {
  RandomKey base = key;
  if (key.step_in_memory) base.step = 0;
  return {.seed = key.seed,
          .counter_high = base.counter_high(static_cast<std::uint16_t>(RandomPurpose::dropout)),
          .step = static_cast<const std::int64_t*>(key.step_in_memory.data),
          .threshold = static_cast<std::uint32_t>(std::ceil(options.rate * 0x1p24)),
          .scale = dropout_scale(options)};
}

}  // namespace fovea::FOVEA_TARGET
