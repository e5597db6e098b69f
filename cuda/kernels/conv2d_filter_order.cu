// SPDX-License-Identifier: Apache-2.0
//
// The filters of a convolution in the orders that tensor cores read them in, ours and cuDNN's. Parameters and their
// gradients are always KCRS, the order of the operation; the products want what they sum over side by side.
//
//   krsc[k, r, s, c] = w[k, c, r, s]            forward: the channels of a tap
//   crsk[c, r, s, k] = w[k, c', r, s]           data gradient: the filters of a tap; c' counts within c's group
//   w[k, c, r, s]    = krsc[k, r, s, c]         back, for a filter gradient that cuDNN left so
//
// One thread per element of the result, which warps write in one piece; what they read is R*S elements apart (c, for the
// way back), and in L2: filters are small. All are the same permutation with other strides, group by group.
#include "cuda/kernels/divisor.cuh"
#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/kernels_mma.h"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

// to[group, outer, middle, inner] = from[group][outer*outer_stride + middle + inner*inner_stride]
struct FilterOrder {
  int count, outer_stride, inner_stride;
  Divisor group_size, middle_inner, inner;  // elements of a group; of one `outer`; extent of `inner`
};

template <class T>
__global__ void __launch_bounds__(elementwise_threads)
    conv2d_filter_order_kernel(FilterOrder order, const T* __restrict__ from, T* __restrict__ to) {
  const std::int64_t thread = global_thread();
  if (thread >= order.count) return;
  const int i = static_cast<int>(thread), group = i / order.group_size, in_group = i % order.group_size;
  const int outer = in_group / order.middle_inner, rest = in_group % order.middle_inner;
  const int middle = rest / order.inner, inner = rest % order.inner;
  to[i] = from[group * order.group_size + outer * order.outer_stride + middle + inner * order.inner_stride];
}

template <class T>
static void launch_filter_order(Stream& stream, const char* name, const Conv2dGeometry& g, std::int64_t middle,
                                std::int64_t inner, std::int64_t outer_stride, std::int64_t inner_stride, const T* from,
                                T* to) {
  const std::int64_t count = g.K * g.channels_per_group() * g.R * g.S;
  const FilterOrder order{static_cast<int>(count),   static_cast<int>(outer_stride), static_cast<int>(inner_stride),
                          Divisor(count / g.groups), Divisor(middle * inner),        Divisor(inner)};
  launch(stream, name, conv2d_filter_order_kernel<T>, elementwise_blocks(count), dim3(elementwise_threads), 0, order,
         from, to);
}

template <class T>
void conv2d_filters_to_krsc(Stream& stream, const Conv2dGeometry& g, const T* w, T* krsc) {
  const std::int64_t channels = g.channels_per_group(), taps = g.R * g.S;
  launch_filter_order(stream, "conv2d_filters_to_krsc", g, taps, channels, channels * taps, taps, w, krsc);
}

template <class T>
void conv2d_filters_to_crsk(Stream& stream, const Conv2dGeometry& g, const T* w, T* crsk) {
  const std::int64_t channels = g.channels_per_group(), taps = g.R * g.S;
  launch_filter_order(stream, "conv2d_filters_to_crsk", g, taps, g.filters_per_group(), taps, channels * taps, w, crsk);
}

template <class T>
void conv2d_filters_from_krsc(Stream& stream, const Conv2dGeometry& g, const T* krsc, T* w) {
  const std::int64_t channels = g.channels_per_group(), taps = g.R * g.S;
  launch_filter_order(stream, "conv2d_filters_from_krsc", g, channels, taps, channels * taps, channels, krsc, w);
}

FOVEA_INSTANTIATE_STORAGE(conv2d_filters_to_krsc);
FOVEA_INSTANTIATE_STORAGE(conv2d_filters_to_crsk);
FOVEA_INSTANTIATE_STORAGE(conv2d_filters_from_krsc);

}  // namespace fovea::FOVEA_TARGET
