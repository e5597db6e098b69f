// SPDX-License-Identifier: Apache-2.0
#include "core/tensor/dtype.h"

#include <cmath>

#include "core/support/error.h"

namespace fovea {

std::size_t size_of(DType dtype) {
  switch (dtype) {
    case DType::u8:
      return 1;
    case DType::bf16:
    case DType::f16:
    case DType::u16:
      return 2;
    case DType::f32:
    case DType::i32:
      return 4;
    case DType::f64:
    case DType::i64:
      return 8;
  }
  throw Error("size_of: not a dtype");
}

std::string_view name_of(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return "f32";
    case DType::f64:
      return "f64";
    case DType::bf16:
      return "bf16";
    case DType::f16:
      return "f16";
    case DType::u8:
      return "u8";
    case DType::u16:
      return "u16";
    case DType::i32:
      return "i32";
    case DType::i64:
      return "i64";
  }
  throw Error("name_of: not a dtype");
}

bf16_t::bf16_t(float value) {
  const std::uint32_t word = std::bit_cast<std::uint32_t>(value);
  if ((word & 0x7FFFFFFFu) > 0x7F800000u) {
    bits = static_cast<std::uint16_t>((word >> 16) | 0x0040u);  // quiet NaN: rounding could turn it into infinity
    return;
  }
  const std::uint32_t round = 0x7FFFu + ((word >> 16) & 1u);  // half an ulp, ties to even
  bits = static_cast<std::uint16_t>((word + round) >> 16);
}

f16_t::f16_t(float value) {
  const std::uint32_t word = std::bit_cast<std::uint32_t>(value);
  const std::uint16_t sign = static_cast<std::uint16_t>((word >> 16) & 0x8000u);
  const std::uint32_t magnitude = word & 0x7FFFFFFFu;
  if (magnitude > 0x7F800000u) {
    bits = static_cast<std::uint16_t>(sign | 0x7E00u);
  } else if (magnitude >= 0x477FF000u) {  // 65520 and above round to infinity
    bits = static_cast<std::uint16_t>(sign | 0x7C00u);
  } else if (magnitude < 0x38800000u) {                              // below 2^-14: subnormal, a multiple of 2^-24
    const float scaled = std::bit_cast<float>(magnitude) * 0x1p24f;  // exact
    bits = static_cast<std::uint16_t>(sign | static_cast<std::uint16_t>(std::nearbyint(scaled)));
  } else {
    const std::uint32_t round = 0x0FFFu + ((magnitude >> 13) & 1u);
    bits = static_cast<std::uint16_t>(sign | ((magnitude + round - 0x38000000u) >> 13));
  }
}

f16_t::operator float() const {
  const std::uint32_t sign = std::uint32_t{bits & 0x8000u} << 16;
  const std::uint32_t exponent = (bits >> 10) & 0x1Fu, fraction = bits & 0x3FFu;
  if (exponent == 0) {
    const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
    return sign ? -magnitude : magnitude;
  }
  const std::uint32_t magnitude =
      exponent == 31 ? 0x7F800000u | (fraction << 13) : ((exponent + 112u) << 23) | (fraction << 13);
  return std::bit_cast<float>(sign | magnitude);
}

}  // namespace fovea
