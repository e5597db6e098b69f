// SPDX-License-Identifier: Apache-2.0
//
// Dropout: what chance drops becomes 0, the rest is scaled up to keep the mean.
//
//   element i is kept when u(i) >= rate,  u(i) = upper 24 bits of word i % 4 of block i / 4, divided by 2^24
//   y = kept ? x * scale : 0            scale = 1 / (1 - rate), rounded to float
//
// The gradient is the same function of dy. The words are those of core/ops/random_key.h. T as in
// storage.h; the product is rounded to float before it is stored, on every device.
#pragma once
#include <cstdint>

#include "core/ops/dropout.h"
#include "core/support/philox.h"
#include "cpu_reference/storage.h"

namespace fovea::reference {

template <class T>
void dropout(const DropoutOptions& options, const RandomKey& key, std::int64_t elements, const T* x, T* y) {
  const Wide<T> scale = dropout_scale(options);
  const std::uint64_t high = key.counter_high(static_cast<std::uint16_t>(RandomPurpose::dropout));
  for (std::int64_t i = 0; i < elements; ++i) {
    const Philox::Block block = Philox::block(key.seed, high, static_cast<std::uint64_t>(i / 4));
    const double u = (block[static_cast<std::size_t>(i % 4)] >> 8) * 0x1p-24;
    y[i] = u >= options.rate ? static_cast<T>(x[i] * scale) : T{};
  }
}

}  // namespace fovea::reference
