// SPDX-License-Identifier: Apache-2.0
//
// Bytes as a net wants them (core/ops/augment.h).
//
//   table [C, 256] f32     images [N, C, H, W] u8     y [N, C, H, W] f32: y = table[channel][value]
//
// (value / 255 - mean) / deviation has 256 results for each channel; the host works them out once, in double, and here
// they are looked up: the host's bits, whatever a device makes of a division. Thread i writes element i; a warp reads 32
// bytes and writes 128 in a row, and the tables of the channels, 1 KiB each, stay in the cache.
#include "core/ops/augment.h"

#include "cuda/kernels/divisor.cuh"
#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/kernels.h"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

__global__ void __launch_bounds__(elementwise_threads)
    augment_normalise_kernel(std::int64_t count, Divisor area, Divisor channels, const float* __restrict__ table,
                             const unsigned char* __restrict__ images, float* __restrict__ y) {
  const std::int64_t i = global_thread();
  if (i >= count) return;
  const int channel = static_cast<int>(i) / area % channels;
  y[i] = table[channel * static_cast<int>(byte_values) + images[i]];
}

void augment_normalise(Stream& stream, const Shape& images, const float* table, const std::uint8_t* pixels, float* y) {
  const std::int64_t count = images.elements();
  launch(stream, "augment_normalise", augment_normalise_kernel, elementwise_blocks(count), dim3(elementwise_threads), 0,
         count, Divisor(images[2] * images[3]), Divisor(images[1]), table, pixels, y);
}

}  // namespace fovea::FOVEA_TARGET
