// SPDX-License-Identifier: Apache-2.0
//
// Images in NHWC: element (n, c, h, w) lies at ((n*H + h)*W + w)*C + c, so the channels of one position are neighbours.
// One thread takes V of them: it finds its place once for all V, and moves them with one access of 16 bytes.
//
//   V = 16 / sizeof(T)   where that divides C and all tensors of the call begin at multiples of 16 bytes
//   V = 1                elsewhere: the same kernel with a thread for each channel, whose neighbours still read
//                        neighbouring addresses, 64 or 128 bytes for each access of a warp
#pragma once
#include <cstdint>
#include <initializer_list>

#include "cuda/kernels/divisor.cuh"

namespace fovea::FOVEA_TARGET {

// V channels of one position, or V numbers that belong to them.
template <class T, int V>
struct alignas(V * sizeof(T) < 16 ? V * sizeof(T) : 16) Channels {
  T of[V];
};

template <int V, class T>
__device__ __forceinline__ Channels<T, V> load_channels(const T* first) {
  return *wide<const Channels<T, V>>(first);
}
template <int V, class T>
__device__ __forceinline__ void store_channels(T* first, const Channels<T, V>& values) {
  *wide<Channels<T, V>>(first) = values;
}

// Where thread i finds its V channels, the first of which is `channel`: the threads count through
// [N, rows, columns, vectors] with vectors = C / V.
struct ChannelsPlace {
  int n, row, column, channel;
};
template <int V>
__device__ __forceinline__ ChannelsPlace channels_place(int i, const Divisor& rows, const Divisor& columns,
                                                        const Divisor& vectors) {
  const int position = i / vectors;
  return {position / columns / rows, position / columns % rows, position % columns, i % vectors * V};
}

// A gradient on its way to memory, behind a ReLU that left `gate`, null where there is none: gated() of epilogue.cuh.
template <int V, class T>
__device__ __forceinline__ void gate_channels(const T* gate, Channels<T, V>& gradient) {
  if (gate == nullptr) return;
  const Channels<T, V> passed = load_channels<V>(gate);
  for (int v = 0; v < V; ++v)
    if (to_float(passed.of[v]) <= 0.0f) gradient.of[v] = T();
}

template <class T>
constexpr int wide_channels = 16 / static_cast<int>(sizeof(T));

// Whether V can be wide_channels<T>. Null pointers stand for tensors that are absent.
template <class T>
bool channels_are_wide(std::int64_t C, std::initializer_list<const void*> tensors) {
  std::uintptr_t addresses = 0;
  for (const void* tensor : tensors) addresses |= reinterpret_cast<std::uintptr_t>(tensor);
  return C % wide_channels<T> == 0 && addresses % 16 == 0;
}

}  // namespace fovea::FOVEA_TARGET
