// SPDX-License-Identifier: Apache-2.0
#include "core/train/step_values.h"

#include <cstring>
#include <vector>

namespace fovea {
namespace {

// The block: the step's number, then floats.
constexpr std::size_t unscale_at = sizeof(std::int64_t), factors_at = unscale_at + sizeof(float);

}  // namespace

std::size_t StepValues::bytes(std::int64_t factors) {
  return factors_at + static_cast<std::size_t>(factors) * sizeof(float);
}

StepValues::StepValues(Backend& backend, std::int64_t factors)
    : backend_(backend),
      factors_(factors),
      block_(Shape{static_cast<std::int64_t>(bytes(factors))}, DType::u8, backend.memory()) {}

void StepValues::send(std::int64_t random_step, double unscale, std::span<const float> factors) {
  std::vector<char> block(block_.bytes());
  const auto factor = static_cast<float>(unscale);
  std::memcpy(block.data(), &random_step, sizeof random_step);
  std::memcpy(block.data() + unscale_at, &factor, sizeof factor);
  std::memcpy(block.data() + factors_at, factors.data(), factors.size_bytes());
  backend_.memory()->send_from_host(block_.view().data, block.data(), block.size());
}

ConstView StepValues::random_step() const { return part(0, {1}, DType::i64); }
ConstView StepValues::unscale() const { return part(unscale_at, {1}, DType::f32); }
ConstView StepValues::factors() const { return factors_ > 0 ? part(factors_at, {factors_}, DType::f32) : ConstView(); }

ConstView StepValues::part(std::size_t first_byte, const Shape& shape, DType dtype) const {
  const ConstView block = block_.view();
  return {static_cast<const char*>(block.data) + first_byte, shape, dtype, Layout::nchw, block.memory};
}

}  // namespace fovea
