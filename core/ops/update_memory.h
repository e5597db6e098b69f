// SPDX-License-Identifier: Apache-2.0
//
// What an update that is captured once and replayed (Backend::capture) reads from memory. Its options are those of the
// step in which it was captured, for ever; what is new in each step is written to memory before the replay.
//
// And what every update writes beside the weights:
//
//   copy = w          bf16 or f16, as many elements as w, contiguous; empty: none is wanted
//
// of the new weights, each rounded as cast.h rounds it, bit for bit. Layers compute with it in w's place, so that no step
// casts what it has just updated. A halted update leaves it alone, like all else.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "core/ops/halt.h"

namespace fovea {

struct UpdateMemory {
  // f32, the members of the operation's ...Factors in their order: they count, not those of the options. Empty: those of
  // the options. Engines whose calls are done when they return may go by the options, which hold the same numbers then.
  ConstView factors = {};
  ConstView halt = {};  // halt.h
};

// How many numbers, and their bytes as `factors` has them, at the end of `numbers`.
template <class Factors>
constexpr std::int64_t factor_count = sizeof(Factors) / sizeof(float);
template <class Factors>
void append_factors(const Factors& factors, std::vector<float>& numbers) {
  const std::size_t at = numbers.size();
  numbers.resize(at + static_cast<std::size_t>(factor_count<Factors>));
  std::memcpy(numbers.data() + at, &factors, sizeof(Factors));
}

}  // namespace fovea
