// SPDX-License-Identifier: Apache-2.0
#include "cli/random_batch.h"

#include <algorithm>
#include <cmath>

#include "core/support/philox.h"

namespace fovea::cli {

namespace {
constexpr std::uint64_t seed = 1, values_stream = 0, labels_stream = 1;
}

Tensor random_values(const Shape& shape) {
  Tensor values(shape);
  RandomStream random(seed, RandomPurpose::synthetic_data, values_stream);
  const float bound = std::sqrt(3.0f);  // the variance of U(-b, b) is b^2 / 3
  for (float& value : values.span<float>()) value = random.uniform(-bound, bound);
  return values;
}

Tensor repeated_random_values(const Shape& shape, DType dtype, Layout layout, const std::shared_ptr<Memory>& memory) {
  constexpr std::int64_t drawn = std::int64_t{1} << 20;
  Tensor values(shape, dtype, memory, layout);
  const Tensor some = random_values({std::min(drawn, storage_elements(shape, layout))}).converted(dtype);
  char* const begin = static_cast<char*>(values.view().data);
  memory->copy_from_host(begin, some.view().data, some.bytes());
  for (std::size_t filled = some.bytes(); filled < values.bytes();) {
    const std::size_t next = std::min(filled, values.bytes() - filled);
    memory->copy(begin + filled, begin, next);
    filled += next;
  }
  return values;
}

Tensor random_labels(const Shape& shape, std::int64_t classes) {
  Tensor labels(shape, DType::i32);
  RandomStream random(seed, RandomPurpose::synthetic_data, labels_stream);
  for (std::int32_t& label : labels.span<std::int32_t>())
    label = static_cast<std::int32_t>(random.below(static_cast<std::uint32_t>(classes)));
  return labels;
}

}  // namespace fovea::cli
