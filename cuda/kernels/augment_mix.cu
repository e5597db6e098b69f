// SPDX-License-Identifier: Apache-2.0
//
// Mixup and cutmix: a rectangle of each image becomes a weighted mean of it and another image (core/ops/augment.h).
//
//   rows [N, 5] i64: k, h0, h1, w0, w1     others, images [N, C, H, W] u8, images changed in place
//   images = (k * images + (256 - k) * others + 128) >> 8 where h0 <= h < h1 and w0 <= w < w1
//
// Thread i has pixel i of the batch in all channels; those outside of their image's rectangle leave at once. Neighbouring
// threads have neighbouring pixels, so a warp reads 32 bytes in a row of either image and writes as many.
#include "core/ops/augment.h"

#include "cuda/kernels/augment_pixel.cuh"
#include "cuda/kernels/kernels.h"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

__global__ void __launch_bounds__(elementwise_threads)
    augment_mix_kernel(PixelIndex at, const std::int64_t* __restrict__ rows, const unsigned char* __restrict__ others,
                       unsigned char* __restrict__ images) {
  const std::int64_t i = global_thread();
  if (i >= at.count) return;
  const std::int64_t* row = rows + at.sample(i) * mix_numbers;
  const int pixel = static_cast<int>(i) % at.area, h = pixel / at.width, w = pixel % at.width;
  if (h < row[1] || h >= row[2] || w < row[3] || w >= row[4]) return;
  const int own = static_cast<int>(row[0]);
  int place = at.first(i);
  for (int c = 0; c < at.channels; ++c, place += at.area) {
    images[place] = static_cast<unsigned char>((own * images[place] + (256 - own) * others[place] + 128) >> 8);
  }
}

void augment_mix(Stream& stream, const Shape& images, const std::int64_t* rows, const std::uint8_t* others,
                 std::uint8_t* pixels) {
  const PixelIndex at(images[0], images[1], images[2], images[3]);
  launch(stream, "augment_mix", augment_mix_kernel, elementwise_blocks(at.count), dim3(elementwise_threads), 0, at,
         rows, others, pixels);
}

}  // namespace fovea::FOVEA_TARGET
