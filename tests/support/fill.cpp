// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fill.h"

#include <algorithm>

namespace fovea::test {

RandomStream stream_for(std::string_view case_name, std::uint64_t tensor) {
  std::uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a
  for (const char c : case_name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return RandomStream(hash, RandomPurpose::test, tensor);
}

Tensor integers(const Shape& shape, RandomStream random, int range, double density) {
  Tensor result(shape);
  for (float& v : result.span<float>()) {
    const bool keep = density >= 1 || random.uniform() < static_cast<float>(density);
    v = static_cast<float>(static_cast<int>(random.below(static_cast<std::uint32_t>(2 * range + 1))) - range);
    if (!keep) v = 0;
  }
  return result;
}

Tensor reals(const Shape& shape, RandomStream random, float low, float high) {
  Tensor result(shape);
  // 32 random bits, so that the values fill float's significand and their sums have to be rounded.
  const double width = static_cast<double>(high) - low;
  for (float& v : result.span<float>()) v = static_cast<float>(low + width * (random.next_u32() * 0x1p-32));
  return result;
}

double exact_density(std::int64_t products, int range_a, int range_b) {
  const double safe = 0x1p24 / (static_cast<double>(range_a) * range_b);
  return std::min(1.0, safe / static_cast<double>(std::max<std::int64_t>(products, 1)));
}

}  // namespace fovea::test
