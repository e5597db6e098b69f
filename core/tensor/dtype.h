// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/support/host_device.h"

namespace fovea {

// Element types. f32 is the product type, which bf16 and f16 may store; f64 exists so that the reference can check gradients; u16 holds max-pool
// window indices beyond 256 elements.
enum class DType : std::uint8_t { f32, f64, bf16, f16, u8, u16, i32, i64 };

std::size_t size_of(DType dtype);
std::string_view name_of(DType dtype);

// The float nearest to `value`, or where that is not `value` itself, of its two neighbours the one whose last bit is 1:
// rounded again to fewer bits it gives what rounding `value` once would give.
constexpr float rounded_to_odd(double value) {
  const float nearest = static_cast<float>(value);
  const std::uint32_t word = __builtin_bit_cast(std::uint32_t, nearest);
  if (value != value || static_cast<double>(nearest) == value || (word & 1u) != 0) return nearest;
  const bool beyond = value < 0 ? nearest < value : nearest > value;
  return __builtin_bit_cast(float, beyond ? word - 1 : word + 1);
}

// What 16-bit tensors hold: storage only, arithmetic is done in float. The contracts of core/ops call the type of a net's
// activations T; all tensors of T in a call are alike, and each result is rounded to T once, when it is stored. A float, or on the host a double, is rounded once,
// to nearest, ties to even; what is too large becomes infinity, NaN stays NaN. Kernels run this code too, so that all
// devices store the same bits.

// bfloat16: the upper half of a float (8 exponent bits, 7 fraction bits).
struct bf16_t {
  std::uint16_t bits = 0;
  constexpr bf16_t() = default;
  explicit constexpr bf16_t(double value) : bf16_t(rounded_to_odd(value)) {}
  FOVEA_HOST_DEVICE explicit constexpr bf16_t(float value) {
    const std::uint32_t word = __builtin_bit_cast(std::uint32_t, value);
    const bool is_nan = (word & 0x7FFFFFFFu) > 0x7F800000u;    // a quiet one: rounding could turn it into infinity
    const std::uint32_t half = 0x7FFFu + ((word >> 16) & 1u);  // of the last place, less one unless that is odd
    bits = static_cast<std::uint16_t>(is_nan ? (word >> 16) | 0x0040u : (word + half) >> 16);
  }
  FOVEA_HOST_DEVICE constexpr operator float() const { return __builtin_bit_cast(float, std::uint32_t{bits} << 16); }
};

// IEEE binary16: 5 exponent bits, 10 fraction bits.
struct f16_t {
  std::uint16_t bits = 0;
  constexpr f16_t() = default;
  explicit constexpr f16_t(double value) : f16_t(rounded_to_odd(value)) {}
  FOVEA_HOST_DEVICE explicit constexpr f16_t(float value) {
    const std::uint32_t word = __builtin_bit_cast(std::uint32_t, value);
    const std::uint32_t sign = (word >> 16) & 0x8000u, magnitude = word & 0x7FFFFFFFu;
    std::uint32_t rounded = 0;
    if (magnitude > 0x7F800000u) {
      rounded = 0x7E00u;
    } else if (magnitude >= 0x477FF000u) {  // 65520 and above
      rounded = 0x7C00u;
    } else if (magnitude <
               0x38800000u) {  // below 2^-14: subnormal, a multiple of 2^-24, which is the last place of 1/2
      rounded = __builtin_bit_cast(std::uint32_t, __builtin_bit_cast(float, magnitude) + 0.5f) - 0x3F000000u;
    } else {
      rounded = (magnitude + 0x0FFFu + ((magnitude >> 13) & 1u) - 0x38000000u) >> 13;
    }
    bits = static_cast<std::uint16_t>(sign | rounded);
  }
  FOVEA_HOST_DEVICE constexpr operator float() const {
    const std::uint32_t sign = std::uint32_t{bits & 0x8000u} << 16, fraction = bits & 0x3FFu;
    const std::uint32_t exponent = (bits >> 10) & 0x1Fu;
    if (exponent == 0) {  // subnormal
      const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
      return sign != 0 ? -magnitude : magnitude;
    }
    const std::uint32_t wide = exponent == 31 ? 0x7F800000u : (exponent + 112u) << 23;
    return __builtin_bit_cast(float, sign | wide | (fraction << 13));
  }
};

// The two above.
inline constexpr bool is_16_bit(DType dtype) { return dtype == DType::bf16 || dtype == DType::f16; }

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
