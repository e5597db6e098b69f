// SPDX-License-Identifier: Apache-2.0
//
// Images moved, mirrored, scaled, turned, sheared and tilted: each by a matrix of its own (core/ops/augment.h).
//
//   rows [N, 9] i64: m0 ... m7 in 1/2^32, edge     x, y [N, C, H, W] u8
//
// Thread i writes pixel i of the result, all its channels: a gather. Where the pixel comes from, and what its four
// neighbours there weigh, is worked out once for all channels, in 64-bit whole numbers: positions in half pixels, so that
// centres are odd numbers, then in 1/256 of a pixel. A division is needed only where the matrix tilts. Neighbouring
// threads read neighbouring places, and the four reads of one mostly hit the cache lines of the others.
#include "core/ops/augment.h"

#include "cuda/kernels/augment_pixel.cuh"
#include "cuda/kernels/kernels.h"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

constexpr int warp_numbers = static_cast<int>(augment_numbers(AugmentPass::warp));
constexpr int to_256ths = warp_fraction_bits + 1 - 8;  // from half pixels of 2^32

__device__ __forceinline__ std::int64_t floor_divide(std::int64_t a, std::int64_t b) {
  return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
}

// The nearest number of [0, extent).
__device__ __forceinline__ int nearest(std::int64_t at, int extent) {
  return at < 0 ? 0 : at >= extent ? extent - 1 : static_cast<int>(at);
}

// Two neighbours along one axis, for a position in 1/256 from the centre of the first element: which, and what they weigh
// of 256. Beyond the image they are its edge or weigh nothing.
struct AxisPair {
  int near, far, near_weight, far_weight;
};

__device__ __forceinline__ AxisPair neighbours(std::int64_t at, int extent, bool edge) {
  const std::int64_t cell = at >> 8;
  const int fraction = static_cast<int>(at & 255);
  const bool has_near = edge || (cell >= 0 && cell < extent), has_far = edge || (cell >= -1 && cell + 1 < extent);
  return {nearest(cell, extent), nearest(cell + 1, extent), has_near ? 256 - fraction : 0, has_far ? fraction : 0};
}

__global__ void __launch_bounds__(elementwise_threads)
    augment_warp_kernel(PixelIndex p, const std::int64_t* __restrict__ rows, const unsigned char* __restrict__ x,
                        unsigned char* __restrict__ y) {
  const std::int64_t i = global_thread();
  if (i >= p.count) return;
  const std::int64_t* m = rows + static_cast<std::int64_t>(p.sample(i)) * warp_numbers;
  const int pixel = static_cast<int>(i) % p.area, W = p.width;
  const std::int64_t X = 2 * (pixel % p.width) + 1, Y = 2 * (pixel / p.width) + 1;
  std::int64_t from_x = m[0] * X + m[1] * Y + 2 * m[2], from_y = m[3] * X + m[4] * Y + 2 * m[5];
  bool seen = true;
  if (m[6] == 0 && m[7] == 0) {
    from_x >>= to_256ths;
    from_y >>= to_256ths;
  } else {
    const std::int64_t depth = m[6] * X + m[7] * Y + (std::int64_t{2} << warp_fraction_bits);
    seen = depth >= 256;  // else at the viewer or behind
    from_x = seen ? floor_divide(from_x, depth >> 8) : 0;
    from_y = seen ? floor_divide(from_y, depth >> 8) : 0;
  }
  const bool edge = m[8] != 0;
  const AxisPair column = neighbours(from_x - 128, W, edge), row = neighbours(from_y - 128, p.height, edge);
  const int first = p.first(i) - pixel;
  for (int c = 0; c < p.channels; ++c) {
    const unsigned char* plane = x + first + c * p.area;
    const unsigned char *upper = plane + row.near * W, *lower = plane + row.far * W;
    const int above = column.near_weight * upper[column.near] + column.far_weight * upper[column.far];
    const int below = column.near_weight * lower[column.near] + column.far_weight * lower[column.far];
    const int sum = row.near_weight * above + row.far_weight * below;
    y[first + c * p.area + pixel] = seen ? static_cast<unsigned char>((sum + 32768) >> 16) : 0;
  }
}

void augment_warp(Stream& stream, const Shape& images, const std::int64_t* rows, const std::uint8_t* x,
                  std::uint8_t* y) {
  const PixelIndex index(images[0], images[1], images[2], images[3]);
  launch(stream, "augment_warp", augment_warp_kernel, elementwise_blocks(index.count), dim3(elementwise_threads), 0,
         index, rows, x, y);
}

}  // namespace fovea::FOVEA_TARGET
