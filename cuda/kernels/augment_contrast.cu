// SPDX-License-Identifier: Apache-2.0
//
// Contrast: every value of an image away from or towards the image's mean grey (core/ops/augment.h).
//
//   rows [N, 1] i64     images [N, C, H, W] u8, changed in place
//
// Block n has sample n. Its threads add up the grey of every 256th pixel, a tree in shared memory adds the threads, and
// the same block then blends the sample: the mean goes nowhere, and the second time the bytes come from the cache. The
// sum is one of whole numbers, so the order in which it is added does not matter.
#include "core/ops/augment.h"

#include "cuda/kernels/augment_pixel.cuh"
#include "cuda/kernels/kernels.h"
#include "cuda/kernels/reduce.cuh"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

constexpr int contrast_threads = 256;

__global__ void __launch_bounds__(contrast_threads)
    augment_contrast_kernel(int channels, int area, const std::int64_t* __restrict__ rows,
                            unsigned char* __restrict__ images) {
  FOVEA_SHARED(unsigned long long, scratch, [contrast_threads]);
  FOVEA_SHARED(int, grey, );
  unsigned char* image = images + static_cast<std::int64_t>(blockIdx.x) * channels * area;
  const int thread = static_cast<int>(threadIdx.x);
  unsigned long long sum = 0;
  for (int i = thread; i < area; i += contrast_threads) {
    const int value = channels == 3 ? grey_of(image[i], image[area + i], image[2 * area + i]) : image[i];
    sum += static_cast<unsigned long long>(value);
  }
  const unsigned long long total = block_sum(sum, scratch);
  if (thread == 0) grey = static_cast<int>((total + static_cast<unsigned>(area / 2)) / static_cast<unsigned>(area));
  __syncthreads();  // also: nobody changes what another still adds up
  const int factor = static_cast<int>(rows[blockIdx.x]);
  for (int i = thread; i < channels * area; i += contrast_threads) image[i] = blend(image[i], grey, factor);
}

void augment_contrast(Stream& stream, const Shape& images, const std::int64_t* rows, std::uint8_t* pixels) {
  const auto area = static_cast<int>(images[2] * images[3]);
  launch(stream, "augment_contrast", augment_contrast_kernel, dim3(static_cast<unsigned>(images[0])),
         dim3(contrast_threads), 0, static_cast<int>(images[1]), area, rows, pixels);
}

}  // namespace fovea::FOVEA_TARGET
