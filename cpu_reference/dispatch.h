// SPDX-License-Identifier: Apache-2.0
//
// What the adapters of this folder share: the C++ type behind a DType, and checks of labels.
#pragma once
#include <cstdint>

#include "cpu_reference/arguments.h"
#include "cpu_reference/storage.h"

namespace fovea::reference {

// Calls f(T{}) with the type that elements are stored as: float, double, bf16_t or f16_t.
template <class F>
void with_storage(DType dtype, F&& f) {
  if (dtype == DType::bf16) return f(bf16_t{});
  if (dtype == DType::f16) return f(f16_t{});
  dtype == DType::f64 ? f(double{}) : f(float{});
}

// Calls f(float{}) or f(double{}).
template <class F>
void with_real(DType dtype, F&& f) {
  dtype == DType::f64 ? f(double{}) : f(float{});
}

// Calls f with the C++ type of a max-pool index.
template <class F>
void with_index(DType dtype, F&& f) {
  dtype == DType::u8 ? f(std::uint8_t{}) : f(std::uint16_t{});
}

template <class T>
const T* data_or_null(const ConstView& view) {
  return view ? data_as<T>(view) : nullptr;
}

template <class T>
T* data_or_null(const View& view) {
  return view ? data_as<T>(view) : nullptr;
}

// Elements per sample and channel of [N, K, ...].
inline std::int64_t positions(const Shape& y) { return y.without_batch().without_batch().elements(); }

// Throws InputError naming the first label that is not in [0, classes).
void check_labels(const Arguments& arguments, const ConstView& labels, const Shape& shape, std::int64_t classes);

}  // namespace fovea::reference
