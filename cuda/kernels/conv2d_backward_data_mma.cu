// SPDX-License-Identifier: Apache-2.0
//
// Gradient of a convolution with respect to its input on tensor cores (core/ops/conv2d.h), images NHWC, filters CRSK.
//
//   dx[(n,h,w), c] = sum over d = (r,s,k) of dy[n, p, q, k] * w[c, r, s, k]
//     for the p, q of the window that has its tap (r,s) over (h,w): p*stride_h = h + pad_top - r*dilation_h, q likewise
//   behind the ReLU that left `gate`, where there is one (epilogue.cuh)
//
// With stride s only one tap in s*s lies over a given pixel. Which ones depends on the remainder of its padded
// coordinates by the stride alone, so each class of remainders is a product of its own (one launch), which has those taps
// and no others: h = first_h + i*stride_h, r = first_r + r'*step, and then p = i + start_h - r'*tap_h runs over dy like
// the windows of mma_window.cuh, backwards. No product with a zero is computed but for padding. A class without taps (a 1x1
// kernel with stride 2 has three) has a sum of no products, and stores zeros.
//
// A block computes 128 or 64 pixels of a class times 128 or 64 channels of one group, and stores them as
// conv2d_forward_mma.cu does. Fast for the same reasons. What it does not do: run the classes at the same time, so that
// small images with a stride fill few multiprocessors.
#include <algorithm>

#include "cuda/kernels/kernels_mma.h"
#include "cuda/kernels/mma_choice.cuh"
#include "cuda/kernels/mma_window.cuh"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

template <class T, class Tile, bool by_chunks>
__global__ void __launch_bounds__(Tile::threads, mma_least_blocks<T, Tile>)
    conv2d_backward_data_mma_kernel(WindowProduct g, bool store_chunks, const T* __restrict__ dy,
                                    const T* __restrict__ w, const T* __restrict__ gate, T* __restrict__ dx) {
  if constexpr (has_sm80) {
    const WindowBlock<Tile> block = window_block<Tile>(g);
    MmaSums<Tile> sums = {};
    multiply_windows<T, Tile, by_chunks>(g, dy, w, block.group, block.first_row, block.first_column, sums);

    for_each_dealt_eight(sums, [&](int row, int column, const float(&values)[8]) {
      const int pixel = block.first_row + row, first = block.first_column + column, count = g.columns - first;
      if (pixel >= g.rows || count <= 0) return;
      const int place = result_place(g, block.group, pixel, first);
      store_eight<T>(dx + place, gate != nullptr ? gate + place : nullptr, store_chunks, count, values);
    });
  } else {
    needs_sm80();
  }
}

// One axis of a class: pixels first, first + stride, ..., and the taps over them.
struct ClassAxis {
  std::int64_t pixels, taps;
  std::int64_t first_tap, tap_step;  // r = first_tap + r' * tap_step
  std::int64_t start, window_step;   // p = i + start - r' * window_step
};
static ClassAxis class_axis(std::int64_t first, std::int64_t extent, std::int64_t pad, std::int64_t stride,
                            std::int64_t kernel, std::int64_t dilation) {
  const std::int64_t padded = first + pad;
  const auto lies_over = [&](std::int64_t r) { return (padded - r * dilation) % stride == 0; };
  ClassAxis axis{(extent - first + stride - 1) / stride, 0, 0, 1, 0, 0};
  // Taps over the class follow each other in steps below the stride.
  while (axis.first_tap < std::min(kernel, stride) && !lies_over(axis.first_tap)) ++axis.first_tap;
  if (axis.first_tap == std::min(kernel, stride)) return axis;
  while (axis.tap_step * dilation % stride != 0) ++axis.tap_step;
  axis.taps = (kernel - 1 - axis.first_tap) / axis.tap_step + 1;
  axis.start = (padded - axis.first_tap * dilation) / stride;
  axis.window_step = axis.tap_step * dilation / stride;
  return axis;
}

static WindowProduct conv2d_class_windows(const Conv2dGeometry& g, std::int64_t first_h, std::int64_t first_w) {
  const auto in_int = [](std::int64_t value) { return static_cast<int>(value); };
  const ClassAxis h = class_axis(first_h, g.H, g.pad_top, g.stride_h, g.R, g.dilation_h);
  const ClassAxis w = class_axis(first_w, g.W, g.pad_left, g.stride_w, g.S, g.dilation_w);
  const std::int64_t filters = g.filters_per_group();
  return {.rows = in_int(g.N * h.pixels * w.pixels),
          .positions = Divisor(h.pixels * w.pixels),
          .grid_w = Divisor(w.pixels),
          .columns = in_int(g.channels_per_group()),
          .H = in_int(g.P),
          .W = in_int(g.Q),
          .C = in_int(g.K),
          .channels = Divisor(filters),
          .step_h = 1,
          .step_w = 1,
          .start_h = in_int(h.start),
          .start_w = in_int(w.start),
          .taps_w = Divisor(std::max<std::int64_t>(w.taps, 1)),
          .tap_h = in_int(-h.window_step),
          .tap_w = in_int(-w.window_step),
          .depth = in_int(h.taps * w.taps * filters),
          .filter_size = in_int(g.R * g.S * filters),
          .filter_start = in_int((h.first_tap * g.S + w.first_tap) * filters),
          .filter_step_h = in_int(h.tap_step * g.S * filters),
          .filter_step_w = in_int(w.tap_step * filters),
          .out_H = in_int(g.H),
          .out_W = in_int(g.W),
          .out_C = in_int(g.C),
          .out_step_h = in_int(g.stride_h),
          .out_step_w = in_int(g.stride_w),
          .out_start_h = in_int(first_h),
          .out_start_w = in_int(first_w)};
}

template <class T, class Tile, bool by_chunks>
static void launch_conv2d_class_mma(Stream& stream, const WindowProduct& g, std::int64_t groups, const T* gate,
                                    const T* dy, const T* w, T* dx) {
  const auto kernel = conv2d_backward_data_mma_kernel<T, Tile, by_chunks>;
  const bool store_chunks = lies_in_chunks(dx, g.columns, 8) && (gate == nullptr || lies_in_chunks(gate, g.columns, 8));
  allow_dynamic_shared(stream, kernel, Tile::shared_bytes);
  launch(stream, "conv2d_backward_data_mma", kernel, window_grid<Tile>(g, groups), dim3(Tile::threads),
         Tile::shared_bytes, g, store_chunks, dy, w, gate, dx);
}

template <class T>
void conv2d_backward_data_mma(Stream& stream, const Conv2dGeometry& g, const T* gate, const T* dy, const T* w, T* dx,
                              MmaTileSize size) {
  const std::int64_t filters = g.filters_per_group();
  const bool by_chunks =
      lies_in_chunks(dy, filters, chunk_elements<T>) && lies_in_chunks(w, filters, chunk_elements<T>);
  for (std::int64_t first_h = 0; first_h < std::min(g.stride_h, g.H); ++first_h) {
    for (std::int64_t first_w = 0; first_w < std::min(g.stride_w, g.W); ++first_w) {
      const WindowProduct product = conv2d_class_windows(g, first_h, first_w);
      const MmaTileSize chosen =
          size == MmaTileSize::by_shape ? choose_mma_tile(product.rows, product.columns, g.groups) : size;
      with_mma_kernel<T>(chosen, by_chunks,
                         [&]<class Tile, bool chunks>(std::type_identity<Tile>, std::bool_constant<chunks>) {
                           launch_conv2d_class_mma<T, Tile, chunks>(stream, product, g.groups, gate, dy, w, dx);
                         });
    }
  }
}

FOVEA_INSTANTIATE_STORAGE(conv2d_backward_data_mma);

}  // namespace fovea::FOVEA_TARGET
