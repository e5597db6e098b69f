// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/bound.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace fovea {
namespace {

// The nearest number of the type, for the types that results are stored as.
double nearest(DType dtype, double value) {
  if (dtype == DType::f32) return static_cast<float>(value);
  if (dtype == DType::bf16) return static_cast<float>(bf16_t(value));
  if (dtype == DType::f16) return static_cast<float>(f16_t(value));
  return value;
}

}  // namespace

double sum_tolerance(double products, double sum, double squares) {
  if (sum == 0 && squares == 0) return 0;  // only zeros are added: exact in any order
  const double partial_sums = std::abs(sum) + 4 * std::sqrt(squares);
  return sum_bound_factor * std::sqrt(products) * unit_roundoff * partial_sums + unit_roundoff * std::abs(sum) +
         smallest_normal;
}

double tf32_rounding(double squares) {
  const double input = 0x1p-11;  // half of the last of 11 digits, relative to the number
  return sum_bound_factor * std::sqrt(2 * squares) * input;
}

double storage_rounding(DType dtype, double magnitude) {
  if (!is_16_bit(dtype)) return 0;
  if (!std::isfinite(magnitude)) return std::numeric_limits<double>::infinity();
  const bool bf16 = dtype == DType::bf16;
  const int significand = bf16 ? 8 : 11, smallest_exponent = bf16 ? -126 : -14;
  return std::ldexp(1.0, std::max(std::ilogb(magnitude), smallest_exponent) - significand);
}

StoredTruth stored_truth(DType dtype, double truth, double tolerance) {
  const double rounded = nearest(dtype, truth);
  if (!std::isfinite(rounded)) return {rounded, tolerance};
  if (!is_16_bit(dtype)) return {truth, tolerance};
  if (!(tolerance > 0)) return {rounded, tolerance};
  return {truth, tolerance + storage_rounding(dtype, std::abs(truth) + tolerance)};
}

double tolerance_at(const Uncertain& u, std::int64_t i) {
  return u.tolerance.empty() ? 0.0 : u.tolerance.span<double>()[static_cast<std::size_t>(i)];
}

Tensor make_tolerance(const Tensor& value) { return Tensor(value.shape(), DType::f64); }

Tensor squared(const Tensor& t) {
  if (t.empty()) return {};
  Tensor result(t.shape(), DType::f64);
  const auto in = t.span<double>();
  const auto out = result.span<double>();
  for (std::size_t i = 0; i < in.size(); ++i) out[i] = in[i] * in[i];
  return result;
}

Tensor product_sum_tolerance(std::int64_t products, const Tensor& y, const Uncertain& a, const Uncertain& b,
                             const Uncertain* addend, const ProductSum& op) {
  const Tensor a2 = squared(a.value), b2 = squared(b.value);
  const Tensor squares = op(a2, b2, addend ? squared(addend->value) : Tensor{});
  const bool uncertain_addend = addend && !addend->tolerance.empty();
  Tensor from_a, from_b;  // squares of what the operands' own uncertainty contributes
  if (!a.tolerance.empty() || uncertain_addend) {
    const Tensor ta2 = a.tolerance.empty() ? Tensor::zeros(a.value.shape(), DType::f64) : squared(a.tolerance);
    from_a = op(ta2, b2, uncertain_addend ? squared(addend->tolerance) : Tensor{});
  }
  if (!b.tolerance.empty()) from_b = op(a2, squared(b.tolerance), {});

  Tensor result = make_tolerance(y);
  const auto sum = y.span<double>();
  const auto q2 = squares.span<double>();
  const auto out = result.span<double>();
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double own = sum_tolerance(static_cast<double>(products), sum[i], q2[i]);
    double total = own * own;
    if (!from_a.empty()) total += from_a.span<double>()[i];
    if (!from_b.empty()) total += from_b.span<double>()[i];
    out[i] = std::sqrt(total);
  }
  return result;
}

}  // namespace fovea
