// SPDX-License-Identifier: Apache-2.0
//
// Local response normalisation, forward and backward (core/ops/lrn.h).
//
//   x, y, scale, dy, dx [N, C, H, W]     d_i = k + a * sum of x_j^2 over the neighbours j of i     y_i = x_i * d_i^-beta
//
// Thread i computes element i: it walks over the neighbours, which lie in other channels H*W apart (across) or in the
// rows and columns around (within). Neighbouring threads read neighbouring addresses in every step, and an element that
// `size` threads read comes from memory once and from cache after that. A running window, which adds the element that
// enters and subtracts the one that leaves, would read less; but what a large element leaves behind when it is
// subtracted again would swamp the small ones after it.
#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/kernels.h"
#include "cuda/kernels/lrn_index.cuh"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

// Sum of term(j) over the elements j around element i.
template <class Term>
__device__ __forceinline__ float neighbour_sum(const LrnIndex& g, int i, int before, int after, Term term) {
  float sum = 0.0f;
  if (g.across) {
    const int plane = g.H * g.W;
    const Range channels = reach(i / g.W / g.H % g.C, before, after, g.C);
    for (int s = channels.begin; s < channels.end; ++s) sum += term(i + s * plane);
    return sum;
  }
  const PlaneElement at = plane_element(i, g.H, g.W);
  const Range rows = reach(at.row, before, after, g.H), columns = reach(at.column, before, after, g.W);
  for (int r = rows.begin; r < rows.end; ++r)
    for (int s = columns.begin; s < columns.end; ++s) sum += term(i + r * g.W + s);
  return sum;
}

template <class T>
__global__ void __launch_bounds__(elementwise_threads)
    lrn_forward_kernel(LrnIndex g, const T* __restrict__ x, T* __restrict__ y, float* __restrict__ scale) {
  const std::int64_t thread = global_thread();
  if (thread >= g.count) return;
  const int i = static_cast<int>(thread);
  const float sum = neighbour_sum(g, i, g.before, g.after, [=](int j) { return to_float(x[j]) * to_float(x[j]); });
  const float d = g.k + g.a * sum;
  scale[i] = d;
  y[i] = from_float<T>(to_float(x[i]) * powf(d, -g.beta));
}

template <class T>
__global__ void __launch_bounds__(elementwise_threads, no_spills)
    lrn_backward_kernel(LrnIndex g, float factor, const T* __restrict__ x, const T* __restrict__ y,
                        const float* __restrict__ scale, const T* __restrict__ dy, T* __restrict__ dx) {
  const std::int64_t thread = global_thread();
  if (thread >= g.count) return;
  const int i = static_cast<int>(thread);
  // Those that have i as a neighbour: behind i those to whom it lies in front.
  const auto term = [=](int j) { return to_float(dy[j]) * to_float(y[j]) / scale[j]; };
  const float sum = neighbour_sum(g, i, g.after, g.before, term);
  dx[i] = from_float<T>(to_float(dy[i]) * powf(scale[i], -g.beta) - factor * to_float(x[i]) * sum);
}

template <class T>
void lrn_forward(Stream& stream, const LrnGeometry& g, const T* x, T* y, float* scale) {
  launch(stream, "lrn_forward", lrn_forward_kernel<T>, elementwise_blocks(g.N * g.C * g.H * g.W),
         dim3(elementwise_threads), 0, LrnIndex(g), x, y, scale);
}

template <class T>
void lrn_backward(Stream& stream, const LrnGeometry& g, const T* x, const T* y, const float* scale, const T* dy,
                  T* dx) {
  const float factor = 2 * g.a * g.beta;
  launch(stream, "lrn_backward", lrn_backward_kernel<T>, elementwise_blocks(g.N * g.C * g.H * g.W),
         dim3(elementwise_threads), 0, LrnIndex(g), factor, x, y, scale, dy, dx);
}

FOVEA_INSTANTIATE_STORAGE(lrn_forward);
FOVEA_INSTANTIATE_STORAGE(lrn_backward);

}  // namespace fovea::FOVEA_TARGET
