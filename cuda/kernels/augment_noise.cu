// SPDX-License-Identifier: Apache-2.0
//
// Gaussian noise, from a random stream of its own for each image (core/ops/augment.h).
//
//   rows [N, 3] i64: key, counter, deviation     normal [4096] i32     images [N, elements] u8, changed in place
//
// A random block of Philox has four words, each word two times 12 bits, and each of those picks one of 4096 normal
// numbers. Thread t draws one block and serves the eight elements that are its own: nothing is drawn twice, and any
// thread finds its place in the stream at once. The table has 16 KiB and stays in the cache.
#include "core/ops/augment.h"

#include "core/support/philox.h"
#include "cuda/kernels/augment_pixel.cuh"
#include "cuda/kernels/kernels.h"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

constexpr int noise_elements = 8;  // of a random block
constexpr int noise_numbers = static_cast<int>(augment_numbers(AugmentPass::noise));

__global__ void __launch_bounds__(elementwise_threads)
    augment_noise_kernel(std::int64_t count, Divisor blocks, int elements, const std::int64_t* __restrict__ rows,
                         const std::int32_t* __restrict__ normal, unsigned char* __restrict__ images) {
  const std::int64_t t = global_thread();
  if (t >= count) return;
  const int n = static_cast<int>(t) / blocks, block = static_cast<int>(t) % blocks;
  const std::int64_t* row = rows + static_cast<std::int64_t>(n) * noise_numbers;
  const int deviation = static_cast<int>(row[2]);
  const Philox::Block words = Philox::block(static_cast<std::uint64_t>(row[0]), static_cast<std::uint64_t>(row[1]),
                                            static_cast<std::uint64_t>(block));
  const int first = block * noise_elements;
  unsigned char* image = images + static_cast<std::int64_t>(n) * elements + first;
  for (int j = 0; j < noise_elements && first + j < elements; ++j) {
    const unsigned word = words[static_cast<std::size_t>(j / 2)];
    const unsigned slice = j % 2 == 0 ? word >> 20 : word >> 8 & 4095u;
    image[j] = to_byte(image[j] + ((normal[slice] * deviation + (1 << 19)) >> 20));
  }
}

void augment_noise(Stream& stream, const Shape& images, const std::int64_t* rows, const std::int32_t* normal,
                   std::uint8_t* pixels) {
  const std::int64_t elements = images.elements() / images[0];
  const std::int64_t blocks = (elements + noise_elements - 1) / noise_elements, count = images[0] * blocks;
  launch(stream, "augment_noise", augment_noise_kernel, elementwise_blocks(count), dim3(elementwise_threads), 0, count,
         Divisor(blocks), static_cast<int>(elements), rows, normal, pixels);
}

}  // namespace fovea::FOVEA_TARGET
