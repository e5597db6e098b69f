// SPDX-License-Identifier: Apache-2.0
//
// Dropout (core/ops/dropout.h): the random words of 16 Philox blocks at a time, one block in each lane, then the 64
// elements that they decide on. The same words as on every device.
#include "core/ops/dropout.h"

#include <algorithm>
#include <cmath>

#include "core/support/parallel.h"
#include "core/support/philox.h"
#include "core/support/simd.h"
#include "cpu/arguments.h"
#include "cpu/cpu_ops.h"

namespace fovea {
namespace {

constexpr int lanes = 16, group = 4 * lanes;  // blocks, and elements, at a time

struct Mask {
  std::uint64_t seed, high;
  std::int32_t first_kept;  // the smallest upper 24 bits of a word that keep an element
  float scale;
};

// Groups begin <= i < end of `elements` values.
FOVEA_SIMD_CLONES void drop(const Mask& mask, std::int64_t begin, std::int64_t end, std::int64_t elements,
                            const float* x, float* y) {
  for (std::int64_t i = begin; i < end; ++i) {
    std::uint32_t words[group];
#pragma omp simd
    for (int lane = 0; lane < lanes; ++lane) {
      const Philox::Block block = Philox::block(mask.seed, mask.high, static_cast<std::uint64_t>(i * lanes + lane));
      for (int word = 0; word < 4; ++word) words[4 * lane + word] = block.words[word];
    }
    const auto count = static_cast<int>(std::min<std::int64_t>(group, elements - i * group));
    const float* from = x + i * group;
    float* to = y + i * group;
#pragma omp simd
    for (int e = 0; e < count; ++e) {
      to[e] = static_cast<std::int32_t>(words[e] >> 8) >= mask.first_kept ? from[e] * mask.scale : 0.0f;
    }
  }
}

void dropout(const char* name, const DropoutOptions& options, RandomKey key, ConstView x, View y, const char* in,
             const char* out) {
  const cpu::Arguments arguments(name, in, x);
  arguments.plain(in, x, x.shape);
  arguments.plain(out, y, x.shape);
  const float scale = arguments.geometry([&] { return dropout_scale(options); });  // throws for a rate that is none
  const Mask mask{key.seed, key.counter_high(static_cast<std::uint16_t>(RandomPurpose::dropout)),
                  static_cast<std::int32_t>(std::ceil(options.rate * 0x1p24)), scale};
  const float* from = data_as<float>(x);
  float* to = data_as<float>(y);
  const std::int64_t elements = x.elements();
  parallel_ranges((elements + group - 1) / group, 64,
                  [&](std::int64_t begin, std::int64_t end) { drop(mask, begin, end, elements, from, to); });
}

}  // namespace

void CpuOps::dropout_forward(const DropoutOptions& options, RandomKey key, ConstView x, View y) {
  dropout("dropout_forward", options, key, x, y, "x", "y");
  ++executed_;
}

void CpuOps::dropout_backward(const DropoutOptions& options, RandomKey key, ConstView dy, View dx) {
  dropout("dropout_backward", options, key, dy, dx, "dy", "dx");
  ++executed_;
}

}  // namespace fovea
