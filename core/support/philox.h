// SPDX-License-Identifier: Apache-2.0
//
// Philox4x32-10, the counter-based generator of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC'11).
// There is no hidden state: the same (key, counter) gives the same four words on every device, in any thread order.
// Plain integer arithmetic, so the same source serves the host and the kernels.
#pragma once
#include <cstddef>
#include <cstdint>

#include "core/support/host_device.h"

namespace fovea {

struct Philox {
  // Four random words. Not a std::array, whose members kernels cannot call.
  struct Block {
    std::uint32_t words[4];
    FOVEA_HOST_DEVICE constexpr std::uint32_t operator[](std::size_t i) const { return words[i]; }
    bool operator==(const Block&) const = default;
  };

  // The block at `counter` under `key`.
  FOVEA_HOST_DEVICE static constexpr Block block(std::uint64_t key, std::uint64_t counter_high,
                                                 std::uint64_t counter_low) {
    std::uint32_t c0 = static_cast<std::uint32_t>(counter_low), c1 = static_cast<std::uint32_t>(counter_low >> 32);
    std::uint32_t c2 = static_cast<std::uint32_t>(counter_high), c3 = static_cast<std::uint32_t>(counter_high >> 32);
    std::uint32_t k0 = static_cast<std::uint32_t>(key), k1 = static_cast<std::uint32_t>(key >> 32);
    for (int round = 0; round < 10; ++round) {
      const std::uint64_t a = std::uint64_t{0xD2511F53u} * c0;
      const std::uint64_t b = std::uint64_t{0xCD9E8D57u} * c2;
      const std::uint32_t n0 = static_cast<std::uint32_t>(b >> 32) ^ c1 ^ k0;
      const std::uint32_t n2 = static_cast<std::uint32_t>(a >> 32) ^ c3 ^ k1;
      c1 = static_cast<std::uint32_t>(b);
      c3 = static_cast<std::uint32_t>(a);
      c0 = n0;
      c2 = n2;
      k0 += 0x9E3779B9u;  // golden ratio
      k1 += 0xBB67AE85u;  // sqrt(3) - 1
    }
    return {{c0, c1, c2, c3}};
  }
};

// A stream of numbers keyed by (seed, purpose, index): e.g. (seed, RandomPurpose::shuffle, epoch). Copyable; its only
// state is the position.
enum class RandomPurpose : std::uint32_t {
  initialise = 1,
  shuffle = 2,
  synthetic_data = 3,
  digits = 4,
  test = 5,
  dropout = 6,
  augment = 7,
  validation = 8
};

class RandomStream {
 public:
  RandomStream(std::uint64_t seed, RandomPurpose purpose, std::uint64_t index)
      : seed_(seed), high_((std::uint64_t{static_cast<std::uint32_t>(purpose)} << 48) ^ index) {}
  // Where its blocks are: block i of the stream is Philox::block(key(), counter_high(), i).
  std::uint64_t key() const { return seed_; }
  std::uint64_t counter_high() const { return high_; }

  std::uint32_t next_u32() {
    if (used_ == 4) {
      words_ = Philox::block(seed_, high_, position_++);
      used_ = 0;
    }
    return words_[static_cast<std::size_t>(used_++)];
  }
  // Uniform in [0, 1), 24 random bits: exact in float.
  float uniform() { return static_cast<float>(next_u32() >> 8) * 0x1p-24f; }
  float uniform(float low, float high) { return low + (high - low) * uniform(); }
  // Uniform integer in [0, bound), bound >= 1, by Lemire's unbiased multiply-and-reject.
  std::uint32_t below(std::uint32_t bound) {
    const std::uint32_t threshold = (0u - bound) % bound;
    for (;;) {
      const std::uint64_t product = std::uint64_t{next_u32()} * bound;
      if (static_cast<std::uint32_t>(product) >= threshold) return static_cast<std::uint32_t>(product >> 32);
    }
  }

 private:
  std::uint64_t seed_, high_, position_ = 0;
  Philox::Block words_{};
  int used_ = 4;
};

}  // namespace fovea
