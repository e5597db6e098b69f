// SPDX-License-Identifier: Apache-2.0
//
// How the kernels that augment images number their threads: one for each pixel of each sample, which visits the pixel's
// channels. Neighbouring threads have neighbouring pixels, so that a warp reads and writes 32 bytes in a row in every
// plane, and nearly all of its threads read the same row of numbers.
#pragma once
#include "cuda/kernels/divisor.cuh"
#include "cuda/kernels/elementwise.cuh"

namespace fovea::FOVEA_TARGET {

struct PixelIndex {
  std::int64_t count;  // pixels of all samples
  Divisor area, width;
  int channels, height;

  PixelIndex(std::int64_t N, std::int64_t C, std::int64_t H, std::int64_t W)
      : count(N * H * W), area(H * W), width(W), channels(static_cast<int>(C)), height(static_cast<int>(H)) {}

  // Of pixel i: the sample, and where its channel 0 lies; the others follow a plane apart.
  __device__ __forceinline__ int sample(std::int64_t i) const { return static_cast<int>(i) / area; }
  __device__ __forceinline__ int first(std::int64_t i) const {
    return sample(i) * channels * area + static_cast<int>(i) % area;
  }
};

__device__ __forceinline__ unsigned char to_byte(int value) {
  return static_cast<unsigned char>(value < 0 ? 0 : value > 255 ? 255 : value);
}

// other + factor / 1024 * (value - other), rounded (core/ops/augment.h).
__device__ __forceinline__ unsigned char blend(int value, int other, int factor) {
  const int halves = (value - other) * 128 * factor >> 16;
  return to_byte(other + ((halves + 1) >> 1));
}

// Rec. 601 luma.
__device__ __forceinline__ int grey_of(int red, int green, int blue) {
  return (77 * red + 150 * green + 29 * blue + 128) >> 8;
}

}  // namespace fovea::FOVEA_TARGET
