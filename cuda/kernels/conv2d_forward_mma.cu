// SPDX-License-Identifier: Apache-2.0
//
// Convolution forward on tensor cores (core/ops/conv2d.h), images NHWC, filters KRSC.
//
//   y[(n,p,q), k] = bias[k] + sum over d = (r,s,c) of x[n, h, w, c] * w[k, r, s, c]
//     with h = p*stride_h - pad_top + r*dilation_h and w = q*stride_w - pad_left + s*dilation_w
//   and where `relu`, the ReLU of y (epilogue.cuh)
//
// bf16 and f16 as they are; float rounded to tf32 on the way into the tensor cores, which is another arithmetic than
// that of conv2d_forward_implicit_gemm.cu and has a wider bound (docs/numerics.md); or float as the sum of two tf32, with
// the bound of float32 (mma_split.cuh). Sums are float in all of them.
//
// A block computes 128 or 64 pixels times 128 or 64 filters of one group: mma_window.cuh loads the windows, mma_tile.cuh
// multiplies. A thread then holds 8 neighbouring filters of a pixel at a time, adds the bias, applies the ReLU, rounds,
// and writes them as 16 bytes (32 of float) where K allows it.
// Fast because operands cross shared memory asynchronously, three slices ahead, and each byte read serves 32 to 64
// multiply-adds. What it does not do: pad few channels (3 take the path by elements), share windows that overlap between
// taps (they come from L1 and L2), or split long sums, so that few pixels with few filters leave multiprocessors idle.
#include "cuda/kernels/kernels_mma.h"
#include "cuda/kernels/mma_choice.cuh"
#include "cuda/kernels/mma_window.cuh"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

template <class T, class Tile, bool by_chunks>
__global__ void __launch_bounds__(Tile::threads, mma_least_blocks<T, Tile>)
    conv2d_forward_mma_kernel(WindowProduct g, bool relu, bool store_chunks, const T* __restrict__ x,
                              const T* __restrict__ w, const float* __restrict__ bias, T* __restrict__ y) {
  if constexpr (has_sm80) {
    const WindowBlock<Tile> block = window_block<Tile>(g);
    MmaSums<Tile> sums = {};
    multiply_windows<T, Tile, by_chunks>(g, x, w, block.group, block.first_row, block.first_column, sums);

    for_each_dealt_eight(sums, [&](int row, int column, float(&values)[8]) {
      const int pixel = block.first_row + row, first = block.first_column + column, count = g.columns - first;
      if (pixel >= g.rows || count <= 0) return;
      const float* group_bias = bias + (bias != nullptr ? block.group * g.columns : 0);
      for (int v = 0; v < 8; ++v) {
        const float sum = bias != nullptr && v < count ? values[v] + group_bias[first + v] : values[v];
        values[v] = relu_if(relu, sum);
      }
      store_eight<T>(y + result_place(g, block.group, pixel, first), nullptr, store_chunks, count, values);
    });
  } else {
    needs_sm80();
  }
}

template <class T, class Tile, bool by_chunks>
static void launch_conv2d_forward_mma(Stream& stream, const Conv2dGeometry& geometry, bool relu, const T* x, const T* w,
                                      const float* bias, T* y) {
  const WindowProduct g = conv2d_forward_windows(geometry);
  const auto kernel = conv2d_forward_mma_kernel<T, Tile, by_chunks>;
  allow_dynamic_shared(stream, kernel, Tile::shared_bytes);
  launch(stream, "conv2d_forward_mma", kernel, window_grid<Tile>(g, geometry.groups), dim3(Tile::threads),
         Tile::shared_bytes, g, relu, lies_in_chunks(y, g.columns, 8), x, w, bias, y);
}

template <class T>
void conv2d_forward_mma(Stream& stream, const Conv2dGeometry& g, bool relu, const T* x, const T* w, const float* bias,
                        T* y, MmaTileSize size) {
  const std::int64_t channels = g.channels_per_group();
  const bool by_chunks =
      lies_in_chunks(x, channels, chunk_elements<T>) && lies_in_chunks(w, channels, chunk_elements<T>);
  if (size == MmaTileSize::by_shape) size = choose_mma_tile(g.N * g.P * g.Q, g.filters_per_group(), g.groups);
  with_mma_kernel<T>(size, by_chunks,
                     [&]<class Tile, bool chunks>(std::type_identity<Tile>, std::bool_constant<chunks>) {
                       launch_conv2d_forward_mma<T, Tile, chunks>(stream, g, relu, x, w, bias, y);
                     });
}

bool conv2d_mma_available(Stream& stream) {
  return compiled_for_sm80(stream, conv2d_forward_mma_kernel<bf16_t, SmallMmaTile, true>);
}

FOVEA_INSTANTIATE_STORAGE(conv2d_forward_mma);

}  // namespace fovea::FOVEA_TARGET
