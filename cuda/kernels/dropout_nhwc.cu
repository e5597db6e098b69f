// SPDX-License-Identifier: Apache-2.0
//
// Dropout of images in NHWC, forward and backward (core/ops/dropout.h): the same kernel, on x or on dy.
//
//   element (n, c, position): word i % 4 of random block i / 4 decides (dropout_rule.cuh), i = (n*C + c) * positions + position
//
// The mask belongs to an element's number in NCHW, so that a layout changes no run. The four elements of a random block
// are then neighbouring positions of one channel: thread t draws block k of the plane (n, c) and serves those, and its
// neighbours do the same for the neighbouring channels, so that at each of the four positions a warp touches one run of
// memory. Planes need not begin where a block does; at their ends two threads draw the same block, for one plane each.
#include "cuda/kernels/divisor.cuh"
#include "cuda/kernels/dropout_rule.cuh"
#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/kernels_nhwc.h"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

template <class T>
__global__ void __launch_bounds__(elementwise_threads)
    dropout_nhwc_kernel(DropoutRule rule, std::int64_t threads, int positions, Divisor C, Divisor blocks_per_plane,
                        const T* x, T* y) {
  const std::int64_t thread = global_thread();
  if (thread >= threads) return;
  const int c = static_cast<int>(thread) % C, row = static_cast<int>(thread) / C, n = row / blocks_per_plane;
  const std::int64_t plane = (static_cast<std::int64_t>(n) * C + c) * positions;  // its first element's number
  const std::int64_t block = plane / 4 + row % blocks_per_plane;
  const Philox::Block words = rule.words(block);
#pragma unroll
  for (int word = 0; word < 4; ++word) {
    const std::int64_t position = 4 * block + word - plane;
    if (position < 0 || position >= positions) continue;
    const std::int64_t at = (static_cast<std::int64_t>(n) * positions + position) * C + c;
    y[at] = rule(words[word], x[at]);
  }
}

namespace {

template <class T>
void launch_dropout_nhwc(Stream& stream, const char* name, const DropoutOptions& options, const RandomKey& key,
                         std::int64_t N, std::int64_t C, std::int64_t positions, const T* x, T* y) {
  // As many as a run of that length can touch, wherever it begins.
  const std::int64_t blocks_per_plane = positions % 4 == 0 ? positions / 4 : (positions + 2) / 4 + 1;
  const std::int64_t threads = N * blocks_per_plane * C;
  launch(stream, name, dropout_nhwc_kernel<T>, elementwise_blocks(threads), dim3(elementwise_threads), 0,
         dropout_rule(options, key), threads, static_cast<int>(positions), Divisor(C), Divisor(blocks_per_plane), x, y);
}

}  // namespace

template <class T>
void dropout_nhwc_forward(Stream& stream, const DropoutOptions& options, const RandomKey& key, std::int64_t N,
                          std::int64_t C, std::int64_t positions, const T* x, T* y) {
  launch_dropout_nhwc(stream, "dropout_nhwc_forward", options, key, N, C, positions, x, y);
}

template <class T>
void dropout_nhwc_backward(Stream& stream, const DropoutOptions& options, const RandomKey& key, std::int64_t N,
                           std::int64_t C, std::int64_t positions, const T* dy, T* dx) {
  launch_dropout_nhwc(stream, "dropout_nhwc_backward", options, key, N, C, positions, dy, dx);
}

FOVEA_INSTANTIATE_STORAGE(dropout_nhwc_forward);
FOVEA_INSTANTIATE_STORAGE(dropout_nhwc_backward);

}  // namespace fovea::FOVEA_TARGET
