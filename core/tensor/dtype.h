// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace fovea {

// Element types. f32 is the product type; f64 exists so that the reference can check gradients; u16 holds max-pool
// window indices beyond 256 elements.
enum class DType : std::uint8_t { f32, f64, bf16, f16, u8, u16, i32, i64 };

std::size_t size_of(DType dtype);
std::string_view name_of(DType dtype);

// bfloat16: the upper half of a float (8 exponent bits, 7 fraction bits). Storage only; arithmetic is done in float.
struct bf16_t {
  std::uint16_t bits = 0;
  constexpr bf16_t() = default;
  explicit bf16_t(float value);  // round to nearest even; NaN stays NaN
  operator float() const { return std::bit_cast<float>(std::uint32_t{bits} << 16); }
};

// IEEE binary16: 5 exponent bits, 10 fraction bits. Storage only.
struct f16_t {
  std::uint16_t bits = 0;
  constexpr f16_t() = default;
  explicit f16_t(float value);  // round to nearest even, overflow to infinity; NaN stays NaN
  operator float() const;
};

template <class T>
struct dtype_of;  // dtype_of<float>::value == DType::f32
template <>
struct dtype_of<float> {
  static constexpr DType value = DType::f32;
};
template <>
struct dtype_of<double> {
  static constexpr DType value = DType::f64;
};
template <>
struct dtype_of<bf16_t> {
  static constexpr DType value = DType::bf16;
};
template <>
struct dtype_of<f16_t> {
  static constexpr DType value = DType::f16;
};
template <>
struct dtype_of<std::uint8_t> {
  static constexpr DType value = DType::u8;
};
template <>
struct dtype_of<std::uint16_t> {
  static constexpr DType value = DType::u16;
};
template <>
struct dtype_of<std::int32_t> {
  static constexpr DType value = DType::i32;
};
template <>
struct dtype_of<std::int64_t> {
  static constexpr DType value = DType::i64;
};

}  // namespace fovea
