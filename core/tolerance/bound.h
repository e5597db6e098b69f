// SPDX-License-Identifier: Apache-2.0
//
// The pieces that every operation's bound is made of; docs/numerics.md derives them. All tensors are float64 on the
// host, except indices and labels.
#pragma once
#include <cstdint>
#include <functional>
#include <span>

#include "core/tolerance/uncertain.h"

namespace fovea {

inline constexpr double unit_roundoff = 0x1p-24;              // of float32, round to nearest
inline constexpr double smallest_normal = 0x1p-126;           // results below it may be flushed to zero
inline constexpr double operation_bound = 8 * unit_roundoff;  // of one later operation, relative to its result
inline constexpr double sum_bound_factor = 4;                 // lambda

// A sum of `products` products in float32 FMA, in any order: value `sum`, squares of its products adding up to
// `squares`. Zero when every product is zero.
double sum_tolerance(double products, double sum, double squares);

// What rounding both inputs of every product to tf32, to nearest, can move such a sum by (docs/numerics.md).
double tf32_rounding(double squares);

// Half the distance between neighbouring numbers of a 16-bit type below `magnitude`: what rounding a number of at most that
// size can move it by. 0 for other types: a bound of float32 has its rounding already.
double storage_rounding(DType dtype, double magnitude);
// What a tensor of `dtype` should hold, of which the truth and float32's tolerance are known. To the tolerance is added
// the rounding to 16 bits; without a tolerance the truth, rounded once, is the only right value. A truth beyond the
// type's range is an infinity.
struct StoredTruth {
  double value, tolerance;
};
StoredTruth stored_truth(DType dtype, double truth, double tolerance);

inline std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }  // a place in such a list
inline double square(double v) { return v * v; }
// Reading access to a float64 tensor.
inline std::span<const double> values(const Tensor& t) { return t.span<double>(); }
// The tolerance of element i; 0 when u.tolerance is empty.
double tolerance_at(const Uncertain& u, std::int64_t i);
// A float64 tensor of u.value's shape to fill with tolerances.
Tensor make_tolerance(const Tensor& value);
Tensor squared(const Tensor& t);

// Tolerance of y = sum a*b (+ addend), a bilinear operation of which each element adds up `products` products.
// `op(a, b, addend)` is that operation in float64; `addend` is an empty tensor where it does not take part.
using ProductSum = std::function<Tensor(const Tensor& a, const Tensor& b, const Tensor& addend)>;
Tensor product_sum_tolerance(std::int64_t products, const Tensor& y, const Uncertain& a, const Uncertain& b,
                             const Uncertain* addend, const ProductSum& op);

}  // namespace fovea
