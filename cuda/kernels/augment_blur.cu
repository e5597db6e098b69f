// SPDX-License-Identifier: Apache-2.0
//
// Gaussian blur, each image with weights of its own (core/ops/augment.h).
//
//   rows [N, 2 R + 1] i64: weights at -R ... R, in 1/32768     images [N, C, H, W] u8, changed in place
//   blurred [N, C, H, W] u16, between the two kernels: in 1/256
//
// A Gaussian of two dimensions is the product of two of one, so 2 (2 R + 1) products do instead of (2 R + 1)^2: first
// along rows, then along columns. Thread i writes element i; neighbouring threads read the same weights and neighbouring
// elements, of which all but one were read for the step before. Sums fit into 32 bits: the weights add up to 2^15.
#include "core/ops/augment.h"

#include "cuda/kernels/divisor.cuh"
#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/kernels.h"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

struct BlurIndex {
  std::int64_t count;
  Divisor sample, height, width;  // elements of a sample, extents
  int radius;

  BlurIndex(const Shape& s, std::int64_t radius_)
      : count(s.elements()), sample(s[1] * s[2] * s[3]), height(s[2]), width(s[3]), radius(static_cast<int>(radius_)) {}
  __device__ __forceinline__ const std::int64_t* middle(const std::int64_t* rows, std::int64_t i) const {
    return rows + static_cast<std::int64_t>(static_cast<int>(i) / sample) * (2 * radius + 1) + radius;
  }
};

__device__ __forceinline__ int at_edge(int i, int extent) { return i < 0 ? 0 : i >= extent ? extent - 1 : i; }

__global__ void __launch_bounds__(elementwise_threads)
    augment_blur_rows_kernel(BlurIndex p, const std::int64_t* __restrict__ rows,
                             const unsigned char* __restrict__ images, unsigned short* __restrict__ blurred) {
  const std::int64_t i = global_thread();
  if (i >= p.count) return;
  const std::int64_t* weight = p.middle(rows, i);
  const int w = static_cast<int>(i) % p.width;
  const unsigned char* row = images + (i - w);
  unsigned sum = 64;
  for (int k = -p.radius; k <= p.radius; ++k) sum += static_cast<unsigned>(weight[k]) * row[at_edge(w + k, p.width)];
  blurred[i] = static_cast<unsigned short>(sum >> 7);
}

__global__ void __launch_bounds__(elementwise_threads)
    augment_blur_columns_kernel(BlurIndex p, const std::int64_t* __restrict__ rows,
                                const unsigned short* __restrict__ blurred, unsigned char* __restrict__ images) {
  const std::int64_t i = global_thread();
  if (i >= p.count) return;
  const std::int64_t* weight = p.middle(rows, i);
  const int h = static_cast<int>(i) / p.width % p.height;
  const unsigned short* column = blurred + (i - h * p.width);
  unsigned sum = 1u << 22;
  for (int k = -p.radius; k <= p.radius; ++k) {
    sum += static_cast<unsigned>(weight[k]) * column[at_edge(h + k, p.height) * p.width];
  }
  images[i] = static_cast<unsigned char>(sum >> 23);
}

void augment_blur(Stream& stream, const Shape& images, std::int64_t radius, const std::int64_t* rows,
                  std::uint8_t* pixels, std::uint16_t* blurred) {
  const BlurIndex index(images, radius);
  const dim3 blocks = elementwise_blocks(index.count);
  launch(stream, "augment_blur_rows", augment_blur_rows_kernel, blocks, dim3(elementwise_threads), 0, index, rows,
         pixels, blurred);
  launch(stream, "augment_blur_columns", augment_blur_columns_kernel, blocks, dim3(elementwise_threads), 0, index, rows,
         blurred, pixels);
}

}  // namespace fovea::FOVEA_TARGET
