// SPDX-License-Identifier: Apache-2.0
//
// A convolution of few channels made one of many: part of each window moves into the channels. The tensor core kernels
// read 16 bytes at a time, 8 channels of 16 bits; of an image's 3 channels they would read element by element.
//
//   x'[n, i, j, (a, b, c)]  = x[n, h, w, c]      h = i*step_h + a - pad_top,  w = j*step_w + b*apart - pad_left
//   w'[k, r', s', (a, b, c)] = w[k, c, r, s]     r = r'*A + a,  s = s'*B + b       (0 outside of image and filter)
//
// with a < A and b < B, and channels up to a multiple of 8, which are 0. Two ways to cut the window (fold_window):
//
//   strides over 1   A x B = the stride: space to depth, so that the stride becomes 1. AlexNet's first layer, 11x11 with
//                    stride 4 on 3 channels, is 3x3 on 48: 432 products for 363, and all memory accesses 16 bytes.
//   stride 1         A = 1, B = S: a row of the window. LeNet's 5x5 on 1 channel is 5x1 on 8: 40 for 25.
//
// fold_images: thread i writes one chunk of 8 channels, with one access; its reads are neighbours in pieces of B*C
// elements. fold_filters and unfold_filter_gradient: thread i writes element i.
#include "cuda/kernels/channels.cuh"
#include "cuda/kernels/divisor.cuh"
#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/kernels_mma.h"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

constexpr int fold_chunk = 8;  // channels

// Folding costs one or two launches. Element by element an H100 computed 13e12 products per second of AlexNet's first layer
// (bench/results/2026-11-27-h100), 2^26 of them in 5 us, which is what two launches take.
bool folding_pays(const Conv2dGeometry& g) {
  return g.C <= 4 && g.N * g.P * g.Q * g.K * g.R * g.S * g.C >= std::int64_t{1} << 26;
}

std::optional<FoldedConv2d> fold_window(const Conv2dGeometry& g) {
  if (g.groups != 1 || g.C >= fold_chunk) return std::nullopt;
  FoldedConv2d f{.g = g};
  const bool strided = (g.stride_h > 1 || g.stride_w > 1) && g.dilation_h == 1 && g.dilation_w == 1;
  if (strided) {
    f.A = f.step_h = g.stride_h, f.B = f.step_w = g.stride_w, f.apart = 1;
    f.g.R = (g.R + f.A - 1) / f.A, f.g.S = (g.S + f.B - 1) / f.B;
    f.g.H = g.P + f.g.R - 1, f.g.W = g.Q + f.g.S - 1;
    f.g.stride_h = f.g.stride_w = 1;
  } else {
    f.A = f.step_h = 1, f.B = g.S, f.step_w = g.stride_w, f.apart = g.dilation_w;
    f.g.S = 1;
    f.g.H = (g.P - 1) * g.stride_h + (g.R - 1) * g.dilation_h + 1, f.g.W = g.Q;
    f.g.stride_w = f.g.dilation_w = 1;
  }
  f.g.C = (f.A * f.B * g.C + fold_chunk - 1) / fold_chunk * fold_chunk;
  f.g.pad_top = f.g.pad_left = 0;
  constexpr std::int64_t indexable = 0x7fffffff;
  if (f.image_elements() > indexable || f.filter_elements() > indexable) return std::nullopt;
  return f;
}

// Where an element of the folded tensors comes from.
struct FoldIndex {
  int H, W, R, S, A, step_h, step_w, apart, pad_top, pad_left;
  Divisor C, B;                          // of the plain convolution
  Divisor rows, columns, chunks;         // of x'
  Divisor filter_C, filter_R, filter_S;  // of w'

  FoldIndex(const Conv2dGeometry& g, const FoldedConv2d& f)
      : H(static_cast<int>(g.H)),
        W(static_cast<int>(g.W)),
        R(static_cast<int>(g.R)),
        S(static_cast<int>(g.S)),
        A(static_cast<int>(f.A)),
        step_h(static_cast<int>(f.step_h)),
        step_w(static_cast<int>(f.step_w)),
        apart(static_cast<int>(f.apart)),
        pad_top(static_cast<int>(g.pad_top)),
        pad_left(static_cast<int>(g.pad_left)),
        C(g.C),
        B(f.B),
        rows(f.g.H),
        columns(f.g.W),
        chunks(f.g.C / fold_chunk),
        filter_C(f.g.C),
        filter_R(f.g.R),
        filter_S(f.g.S) {}
};

template <class T>
__global__ void __launch_bounds__(elementwise_threads)
    fold_images_kernel(FoldIndex f, int count, const T* __restrict__ x, T* __restrict__ folded) {
  const std::int64_t thread = global_thread();
  if (thread >= count) return;
  const int i = static_cast<int>(thread), pixel = i / f.chunks, first = i % f.chunks * fold_chunk;
  const int row = pixel / f.columns, n = row / f.rows;
  const int top = row % f.rows * f.step_h - f.pad_top, left = pixel % f.columns * f.step_w - f.pad_left;
  Channels<T, fold_chunk> chunk;
  for (int e = 0; e < fold_chunk; ++e) {
    const int channel = first + e, tap = channel / f.C, a = tap / f.B;
    const int h = top + a, w = left + tap % f.B * f.apart;
    const bool exists = a < f.A && h >= 0 && h < f.H && w >= 0 && w < f.W;
    chunk.of[e] = exists ? x[((n * f.H + h) * f.W + w) * f.C + channel % f.C] : T();
  }
  store_channels(folded + std::int64_t{i} * fold_chunk, chunk);
}

template <class T>
__global__ void __launch_bounds__(elementwise_threads)
    fold_filters_kernel(FoldIndex f, int count, const T* __restrict__ w, T* __restrict__ folded) {
  const std::int64_t thread = global_thread();
  if (thread >= count) return;
  const int i = static_cast<int>(thread), channel = i % f.filter_C, tap = i / f.filter_C;
  const int k = tap / f.filter_S / f.filter_R, a = channel / f.C / f.B;
  const int r = tap / f.filter_S % f.filter_R * f.A + a, s = tap % f.filter_S * f.B + channel / f.C % f.B;
  const bool exists = a < f.A && r < f.R && s < f.S;
  folded[i] = exists ? w[((k * f.C + channel % f.C) * f.R + r) * f.S + s] : T();
}

// From the gradient of w' as a plain filter, [K, C', R', S'].
__global__ void __launch_bounds__(elementwise_threads)
    unfold_filter_gradient_kernel(FoldIndex f, Divisor R, Divisor S, int count, const float* __restrict__ folded,
                                  float* __restrict__ dw) {
  const std::int64_t thread = global_thread();
  if (thread >= count) return;
  const int i = static_cast<int>(thread), s = i % S, r = i / S % R, filter = i / S / R, k = filter / f.C;
  const int a = r % f.A, channel = (a * f.B + s % f.B) * f.C + filter % f.C;
  dw[i] = folded[((k * f.filter_C + channel) * f.filter_R + r / f.A) * f.filter_S + s / f.B];
}

template <class T>
void conv2d_fold_images(Stream& stream, const Conv2dGeometry& g, const FoldedConv2d& folded, const T* x, T* images) {
  const std::int64_t chunks = folded.image_elements() / fold_chunk;
  launch(stream, "conv2d_fold_images", fold_images_kernel<T>, elementwise_blocks(chunks), dim3(elementwise_threads), 0,
         FoldIndex(g, folded), static_cast<int>(chunks), x, images);
}

template <class T>
void conv2d_fold_filters(Stream& stream, const Conv2dGeometry& g, const FoldedConv2d& folded, const T* w, T* krsc) {
  const std::int64_t count = folded.filter_elements();
  launch(stream, "conv2d_fold_filters", fold_filters_kernel<T>, elementwise_blocks(count), dim3(elementwise_threads), 0,
         FoldIndex(g, folded), static_cast<int>(count), w, krsc);
}

void conv2d_unfold_filter_gradient(Stream& stream, const Conv2dGeometry& g, const FoldedConv2d& folded,
                                   const float* folded_dw, float* dw) {
  const std::int64_t count = g.K * g.C * g.R * g.S;
  launch(stream, "conv2d_unfold_filter_gradient", unfold_filter_gradient_kernel, elementwise_blocks(count),
         dim3(elementwise_threads), 0, FoldIndex(g, folded), Divisor(g.R), Divisor(g.S), static_cast<int>(count),
         folded_dw, dw);
}

FOVEA_INSTANTIATE_STORAGE(conv2d_fold_images);
FOVEA_INSTANTIATE_STORAGE(conv2d_fold_filters);

}  // namespace fovea::FOVEA_TARGET
