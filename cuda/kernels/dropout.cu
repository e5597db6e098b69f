// SPDX-License-Identifier: Apache-2.0
//
// Dropout, forward and backward (core/ops/dropout.h): the same kernel, on x or on dy; `count` elements of any shape.
//
//   element i: word i % 4 of random block i / 4 decides (dropout_rule.cuh)
//
// Thread t draws random block t and serves the four elements 4t ... 4t+3, with one wide load and store: all four
// words of a block are used, and the mask is never stored. A block costs about 80 integer instructions, 20 for each
// element, which hide behind the 8 bytes that a float moves. Tails and unaligned tensors go element by element.
#include "cuda/kernels/dropout_rule.cuh"
#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/kernels.h"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

template <class T>
__global__ void __launch_bounds__(elementwise_threads)
    dropout_kernel(DropoutRule rule, std::int64_t count, bool aligned, const T* x, T* y) {
  const std::int64_t block = global_thread(), first = 4 * block;
  if (first >= count) return;
  const Philox::Block words = rule.words(block);
  if (aligned && first + 4 <= count) {
    const Quad<T> in = wide<const Quad<T>>(x)[block];
    wide<Quad<T>>(y)[block] = {rule(words[0], in.first), rule(words[1], in.second), rule(words[2], in.third),
                               rule(words[3], in.fourth)};
    return;
  }
  y[first] = rule(words[0], x[first]);
  if (first + 1 < count) y[first + 1] = rule(words[1], x[first + 1]);
  if (first + 2 < count) y[first + 2] = rule(words[2], x[first + 2]);
  if (first + 3 < count) y[first + 3] = rule(words[3], x[first + 3]);
}

namespace {

template <class T>
void launch_dropout(Stream& stream, const char* name, const DropoutOptions& options, const RandomKey& key,
                    std::int64_t count, const T* x, T* y) {
  const auto address = [](const void* p) { return reinterpret_cast<std::uintptr_t>(p); };
  const bool aligned = (address(x) | address(y)) % sizeof(Quad<T>) == 0;
  launch(stream, name, dropout_kernel<T>, elementwise_blocks((count + 3) / 4), dim3(elementwise_threads), 0,
         dropout_rule(options, key), count, aligned, x, y);
}

}  // namespace

template <class T>
void dropout_forward(Stream& stream, const DropoutOptions& options, const RandomKey& key, std::int64_t count,
                     const T* x, T* y) {
  launch_dropout(stream, "dropout_forward", options, key, count, x, y);
}

template <class T>
void dropout_backward(Stream& stream, const DropoutOptions& options, const RandomKey& key, std::int64_t count,
                      const T* dy, T* dx) {
  launch_dropout(stream, "dropout_backward", options, key, count, dy, dx);
}

FOVEA_INSTANTIATE_STORAGE(dropout_forward);
FOVEA_INSTANTIATE_STORAGE(dropout_backward);

}  // namespace fovea::FOVEA_TARGET
