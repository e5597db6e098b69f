// SPDX-License-Identifier: Apache-2.0
//
// Cutout: a rectangle of each image becomes the mean of its channel (core/ops/augment.h).
//
//   rows [N, 4] i64: h0, h1, w0, w1     images [N, C, H, W] u8, changed in place
//
// Block b has plane b, a channel of a sample. Its threads add up every 256th value, a tree in shared memory adds the
// threads, and the same block writes the rectangle. Whole numbers, so the order of the sum does not matter.
#include "core/ops/augment.h"

#include "cuda/kernels/kernels.h"
#include "cuda/kernels/reduce.cuh"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

constexpr int cutout_threads = 256;
constexpr int cutout_numbers = static_cast<int>(augment_numbers(AugmentPass::cutout));

__global__ void __launch_bounds__(cutout_threads)
    augment_cutout_kernel(int channels, int height, int width, const std::int64_t* __restrict__ rows,
                          unsigned char* __restrict__ images) {
  FOVEA_SHARED(unsigned long long, scratch, [cutout_threads]);
  FOVEA_SHARED(int, mean, );
  const int thread = static_cast<int>(threadIdx.x), area = height * width;
  const std::int64_t* row = rows + static_cast<std::int64_t>(blockIdx.x) / channels * cutout_numbers;
  unsigned char* plane = images + static_cast<std::int64_t>(blockIdx.x) * area;
  unsigned long long sum = 0;
  for (int i = thread; i < area; i += cutout_threads) sum += plane[i];
  const unsigned long long total = block_sum(sum, scratch);
  if (thread == 0) mean = static_cast<int>((total + static_cast<unsigned>(area / 2)) / static_cast<unsigned>(area));
  __syncthreads();  // also: nobody changes what another still adds up
  const int h0 = static_cast<int>(row[0]), h1 = static_cast<int>(row[1]);
  const int w0 = static_cast<int>(row[2]), w1 = static_cast<int>(row[3]);
  const int columns = w1 - w0, pixels = (h1 - h0) * columns;
  for (int i = thread; i < pixels; i += cutout_threads) {
    plane[(h0 + i / columns) * width + w0 + i % columns] = static_cast<unsigned char>(mean);
  }
}

void augment_cutout(Stream& stream, const Shape& images, const std::int64_t* rows, std::uint8_t* pixels) {
  const std::int64_t planes = images[0] * images[1];
  launch(stream, "augment_cutout", augment_cutout_kernel, dim3(static_cast<unsigned>(planes)), dim3(cutout_threads), 0,
         static_cast<int>(images[1]), static_cast<int>(images[2]), static_cast<int>(images[3]), rows, pixels);
}

}  // namespace fovea::FOVEA_TARGET
