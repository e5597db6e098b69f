// SPDX-License-Identifier: Apache-2.0
//
// Enlarging an image, forward and backward (core/ops/upsample2d.h).
//
//   x, dx [N, C, H, W]     y, dy [N, C, P, Q]
//
// Where row p of y looks in x is a fraction of whole numbers, max(slope * p + offset, 0) / denominator: its floor is the
// row h0, the remainder over the denominator is the weight f of the row below. No rounding can move a pixel to another
// row, and each weight is one division of two exact numbers.
//
// Forward: thread i computes element i of y from one pixel or four. Neighbouring threads read the same or neighbouring
// pixels, which come from the cache.
// Backward: thread i computes element i of dx. Row h is read by the rows p whose source coordinate lies above h - 1 and
// below h + 1; the fraction above solved for p gives the first and the last of them, so that the thread adds up exactly
// the dy that it must, in row order: a gather without atomics, and dx need not be cleared.
#include "cuda/kernels/divisor.cuh"
#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/kernels.h"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

// One axis: `in` pixels of x, `out` of y.
struct UpsampleAxis {
  int offset;
  int slope;              // 0 when every output looks at the first pixel
  Divisor slope_divisor;  // of slope, or of 1
  Divisor denominator, in, out;

  UpsampleAxis(std::int64_t in_, std::int64_t out_, std::int64_t slope_, std::int64_t offset_,
               std::int64_t denominator_)
      : offset(static_cast<int>(offset_)),
        slope(static_cast<int>(slope_)),
        slope_divisor(slope_ > 0 ? slope_ : 1),
        denominator(denominator_),
        in(in_),
        out(out_) {}
};

UpsampleAxis upsample_axis(UpsampleMode mode, bool align_corners, std::int64_t in, std::int64_t out) {
  if (mode == UpsampleMode::nearest) return {in, out, in, 0, out};  // p * in / out
  if (!align_corners) return {in, out, 2 * in, in - out, 2 * out};  // (p + 1/2) * in / out - 1/2
  return out > 1 ? UpsampleAxis{in, out, in - 1, 0, out - 1} : UpsampleAxis{in, out, 0, 0, 1};
}

struct Upsample2dIndex {
  int planes;
  UpsampleAxis rows, columns;

  explicit Upsample2dIndex(const Upsample2dGeometry& g)
      : planes(static_cast<int>(g.N * g.C)),
        rows(upsample_axis(g.mode, g.align_corners, g.H, g.P)),
        columns(upsample_axis(g.mode, g.align_corners, g.W, g.Q)) {}
};

// The source of one output row: input row `row` with weight (denominator - rest) / denominator and, unless rest is 0,
// the next row with rest / denominator.
struct UpsampleSource {
  int row, rest;
};
__device__ __forceinline__ UpsampleSource source_of(const UpsampleAxis& a, int p) {
  const int place = a.slope * p + a.offset, numerator = place > 0 ? place : 0;
  const int row = numerator / a.denominator;
  return {row, row + 1 < a.in ? numerator % a.denominator : 0};
}

__device__ __forceinline__ float fraction(int parts, const UpsampleAxis& a) {
  return static_cast<float>(parts) / static_cast<float>(a.denominator);
}
// The weight of input row h in a source that reads it.
__device__ __forceinline__ float weight_of(const UpsampleAxis& a, const UpsampleSource& s, int h) {
  return fraction(h == s.row ? a.denominator - s.rest : s.rest, a);
}

// The first output whose numerator is at least `least`; a.out when there is none.
__device__ __forceinline__ int first_output(const UpsampleAxis& a, int least) {
  const int place = least - a.offset;  // the smallest slope * p that will do
  if (least <= 0 || place <= 0) return 0;
  if (a.slope == 0) return a.out;
  const int p = (place - 1) / a.slope_divisor + 1;
  return p < a.out ? p : a.out;
}
// The first output with its coordinate at h or beyond, and the first with its coordinate beyond h.
__device__ __forceinline__ int first_at(const UpsampleAxis& a, int h) { return first_output(a, h * a.denominator); }
__device__ __forceinline__ int first_beyond(const UpsampleAxis& a, int h) {
  return h < 0 ? 0 : first_output(a, h * a.denominator + 1);
}

template <class T>
__global__ void __launch_bounds__(elementwise_threads)
    upsample2d_nearest_forward_kernel(Upsample2dIndex u, const T* __restrict__ x, T* __restrict__ y) {
  const std::int64_t i = global_thread();
  if (i >= static_cast<std::int64_t>(u.planes) * u.rows.out * u.columns.out) return;
  const int row_number = static_cast<int>(i) / u.columns.out, plane = row_number / u.rows.out;
  const int h = source_of(u.rows, row_number % u.rows.out).row;
  const int w = source_of(u.columns, static_cast<int>(i) % u.columns.out).row;
  y[i] = x[(plane * u.rows.in + h) * u.columns.in + w];
}

template <class T>
__global__ void __launch_bounds__(elementwise_threads)
    upsample2d_bilinear_forward_kernel(Upsample2dIndex u, const T* __restrict__ x, T* __restrict__ y) {
  const std::int64_t i = global_thread();
  if (i >= static_cast<std::int64_t>(u.planes) * u.rows.out * u.columns.out) return;
  const int row_number = static_cast<int>(i) / u.columns.out, plane = row_number / u.rows.out;
  const UpsampleSource row = source_of(u.rows, row_number % u.rows.out);
  const UpsampleSource column = source_of(u.columns, static_cast<int>(i) % u.columns.out);
  const float above = fraction(u.rows.denominator - row.rest, u.rows), below = fraction(row.rest, u.rows);
  const float left = fraction(u.columns.denominator - column.rest, u.columns);
  const float right = fraction(column.rest, u.columns);
  const T* upper = x + (plane * u.rows.in + row.row) * u.columns.in + column.row;
  const T* lower = upper + u.columns.in;

  float sum = above * left * to_float(upper[0]);
  if (column.rest > 0) sum += above * right * to_float(upper[1]);
  if (row.rest > 0) sum += below * left * to_float(lower[0]);
  if (row.rest > 0 && column.rest > 0) sum += below * right * to_float(lower[1]);
  y[i] = from_float<T>(sum);
}

template <class T>
__global__ void __launch_bounds__(elementwise_threads)
    upsample2d_nearest_backward_kernel(Upsample2dIndex u, const T* __restrict__ dy, T* __restrict__ dx) {
  const std::int64_t i = global_thread();
  if (i >= static_cast<std::int64_t>(u.planes) * u.rows.in * u.columns.in) return;
  const int row_number = static_cast<int>(i) / u.columns.in, plane = row_number / u.rows.in;
  const int h = row_number % u.rows.in, w = static_cast<int>(i) % u.columns.in;
  const int end_p = first_at(u.rows, h + 1), end_q = first_at(u.columns, w + 1);

  float sum = 0.0f;
  for (int p = first_at(u.rows, h); p < end_p; ++p)
    for (int q = first_at(u.columns, w); q < end_q; ++q)
      sum += to_float(dy[(plane * u.rows.out + p) * u.columns.out + q]);
  dx[i] = from_float<T>(sum);
}

template <class T>
__global__ void __launch_bounds__(elementwise_threads)
    upsample2d_bilinear_backward_kernel(Upsample2dIndex u, const T* __restrict__ dy, T* __restrict__ dx) {
  const std::int64_t i = global_thread();
  if (i >= static_cast<std::int64_t>(u.planes) * u.rows.in * u.columns.in) return;
  const int row_number = static_cast<int>(i) / u.columns.in, plane = row_number / u.rows.in;
  const int h = row_number % u.rows.in, w = static_cast<int>(i) % u.columns.in;
  const int begin_q = first_beyond(u.columns, w - 1), end_q = first_at(u.columns, w + 1);
  const int end_p = first_at(u.rows, h + 1);

  float sum = 0.0f;
  for (int p = first_beyond(u.rows, h - 1); p < end_p; ++p) {
    const float weight = weight_of(u.rows, source_of(u.rows, p), h);
    for (int q = begin_q; q < end_q; ++q)
      sum += to_float(dy[(plane * u.rows.out + p) * u.columns.out + q]) *
             (weight * weight_of(u.columns, source_of(u.columns, q), w));
  }
  dx[i] = from_float<T>(sum);
}

template <class T>
void upsample2d_forward(Stream& stream, const Upsample2dGeometry& g, const T* x, T* y) {
  const auto kernel =
      g.mode == UpsampleMode::nearest ? upsample2d_nearest_forward_kernel<T> : upsample2d_bilinear_forward_kernel<T>;
  launch(stream, "upsample2d_forward", kernel, elementwise_blocks(g.N * g.C * g.P * g.Q), dim3(elementwise_threads), 0,
         Upsample2dIndex(g), x, y);
}

template <class T>
void upsample2d_backward(Stream& stream, const Upsample2dGeometry& g, const T* dy, T* dx) {
  const auto kernel =
      g.mode == UpsampleMode::nearest ? upsample2d_nearest_backward_kernel<T> : upsample2d_bilinear_backward_kernel<T>;
  launch(stream, "upsample2d_backward", kernel, elementwise_blocks(g.N * g.C * g.H * g.W), dim3(elementwise_threads), 0,
         Upsample2dIndex(g), dy, dx);
}

FOVEA_INSTANTIATE_STORAGE(upsample2d_forward);
FOVEA_INSTANTIATE_STORAGE(upsample2d_backward);

}  // namespace fovea::FOVEA_TARGET
