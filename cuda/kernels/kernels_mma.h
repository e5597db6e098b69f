// SPDX-License-Identifier: Apache-2.0
//
// The launchers of the kernels on tensor cores, beside kernels.h, with the same rules; images are NHWC. Only where
// conv2d_mma_available(stream).
#pragma once
#include <cstddef>
#include <optional>

#include "core/ops/conv2d.h"
#include "core/ops/linear.h"
#include "cuda/kernels/kernels.h"

namespace fovea::FOVEA_TARGET {

// conv2d_*_mma.cu: the convolutions of core/ops/conv2d.h. Float is rounded to tf32; sums are float. `bias` and `gate` may
// be null. The tile changes no bit; by_shape takes the one that these extents get (mma_choice.cuh). But fp32x3 is another
// arithmetic: each product of floats as three of tf32, within float32's bound (mma_split.cuh), in a small tile. Of 16 bits
// it is an InputError.
enum class MmaTileSize { by_shape, large, narrow, small, fp32x3 };
bool conv2d_mma_available(Stream& stream);
// `w` is KRSC.
template <class T>
void conv2d_forward_mma(Stream& stream, const Conv2dGeometry& g, bool relu, const T* x, const T* w, const float* bias,
                        T* y, MmaTileSize size = MmaTileSize::by_shape);
// `w` is CRSK: [C, R, S, K/groups], channel c sees the filters of its group.
template <class T>
void conv2d_backward_data_mma(Stream& stream, const Conv2dGeometry& g, const T* gate, const T* dy, const T* w, T* dx,
                              MmaTileSize size = MmaTileSize::by_shape);
// `partials` holds conv2d_backward_filter_mma_workspace(g) bytes, or is null where that is 0 and the product itself writes
// dw; dw is KCRS, as the operation's.
std::size_t conv2d_backward_filter_mma_workspace(const Conv2dGeometry& g);
template <class T>
void conv2d_backward_filter_mma(Stream& stream, const Conv2dGeometry& g, const T* x, const T* dy, float* dw,
                                float* partials, MmaTileSize size = MmaTileSize::by_shape);
// conv2d_filter_order.cu: KCRS, the order of the operation, to KRSC or CRSK, and from KRSC; on every device.
template <class T>
void conv2d_filters_to_krsc(Stream& stream, const Conv2dGeometry& g, const T* w, T* krsc);
template <class T>
void conv2d_filters_to_crsk(Stream& stream, const Conv2dGeometry& g, const T* w, T* crsk);
template <class T>
void conv2d_filters_from_krsc(Stream& stream, const Conv2dGeometry& g, const T* krsc, T* w);

// conv2d_fold.cu: a convolution of few channels as one of many. `g` is that of the folded one, without padding; the rest
// says which pixels its channels are.
struct FoldedConv2d {
  Conv2dGeometry g;
  std::int64_t A = 1, B = 1, step_h = 1, step_w = 1, apart = 1;

  std::int64_t image_elements() const { return g.N * g.H * g.W * g.C; }
  std::int64_t filter_elements() const { return g.K * g.R * g.S * g.C; }
};
// How a convolution is folded; nullopt: it has channels enough, groups, or would become too large.
std::optional<FoldedConv2d> fold_window(const Conv2dGeometry& g);
// Whether that is worth its launches.
bool folding_pays(const Conv2dGeometry& g);
// x [N, H, W, C] to `images`, and w KCRS to `krsc`, both of image_elements() and filter_elements().
template <class T>
void conv2d_fold_images(Stream& stream, const Conv2dGeometry& g, const FoldedConv2d& folded, const T* x, T* images);
template <class T>
void conv2d_fold_filters(Stream& stream, const Conv2dGeometry& g, const FoldedConv2d& folded, const T* w, T* krsc);
// The folded convolution's filter gradient, KCRS, to that of the plain one.
void conv2d_unfold_filter_gradient(Stream& stream, const Conv2dGeometry& g, const FoldedConv2d& folded,
                                   const float* folded_dw, float* dw);

// gemm_mma.cu: linear layers, row by row as ever; tensors below 2^31 elements. `partials` holds
// linear_backward_weight_mma_workspace(g) bytes.
template <class T>
void linear_forward_mma(Stream& stream, const LinearGeometry& g, bool relu, const T* x, const T* w, const float* bias,
                        T* y, MmaTileSize size = MmaTileSize::by_shape);
template <class T>
void linear_backward_data_mma(Stream& stream, const LinearGeometry& g, const T* gate, const T* dy, const T* w, T* dx,
                              MmaTileSize size = MmaTileSize::by_shape);
std::size_t linear_backward_weight_mma_workspace(const LinearGeometry& g);
template <class T>
void linear_backward_weight_mma(Stream& stream, const LinearGeometry& g, const T* x, const T* dy, float* dw,
                                float* partials, MmaTileSize size = MmaTileSize::by_shape);

}  // namespace fovea::FOVEA_TARGET
