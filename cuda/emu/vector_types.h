// SPDX-License-Identifier: Apache-2.0
//
// CUDA's built-in vector types, with CUDA's alignments: wide<float4>() of the dialect looks at them.
#pragma once

namespace fovea::emu {

struct uint3 {
  unsigned x, y, z;
};

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
  constexpr dim3(uint3 v) : x(v.x), y(v.y), z(v.z) {}
};

#define FOVEA_EMU_VECTOR_TYPES(T, name)                                        \
  struct alignas(2 * sizeof(T)) name##2 {                                      \
    T x, y;                                                                    \
  };                                                                           \
  struct name##3 {                                                             \
    T x, y, z;                                                                 \
  };                                                                           \
  struct alignas(sizeof(T) == 8 ? 16 : 4 * sizeof(T)) name##4 {                \
    T x, y, z, w;                                                              \
  };                                                                           \
  inline constexpr name##2 make_##name##2(T x, T y) { return {x, y}; }         \
  inline constexpr name##3 make_##name##3(T x, T y, T z) { return {x, y, z}; } \
  inline constexpr name##4 make_##name##4(T x, T y, T z, T w) { return {x, y, z, w}; }

FOVEA_EMU_VECTOR_TYPES(float, float)
FOVEA_EMU_VECTOR_TYPES(int, int)
FOVEA_EMU_VECTOR_TYPES(double, double)
FOVEA_EMU_VECTOR_TYPES(signed char, char)
FOVEA_EMU_VECTOR_TYPES(unsigned char, uchar)
#undef FOVEA_EMU_VECTOR_TYPES

struct alignas(8) uint2 {
  unsigned x, y;
};
struct alignas(16) uint4 {
  unsigned x, y, z, w;
};
inline constexpr uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
inline constexpr uint3 make_uint3(unsigned x, unsigned y, unsigned z) { return {x, y, z}; }
inline constexpr uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }

}  // namespace fovea::emu
