// SPDX-License-Identifier: Apache-2.0
//
// Data gradient of a depthwise convolution, images in NHWC (core/ops/conv2d.h with groups = C).
//
//   dx[n,h,w,c] = sum over r,s and the M filters k of channel c of dy[n,p,q,k] * w[r,s,k]
//                 for the p,q with p*stride_h - pad_top + r*dilation_h = h and q likewise
//   and behind the backward of the ReLU that left `gate` (epilogue.cuh), where that is not null
//
//   dx, gate [N, H, W, C]     w [R, S, K]     dy [N, P, Q, K]     K = M*C (conv2d_depthwise.cuh)
//
// Thread i computes V neighbouring channels of depthwise_run neighbouring pixels of a row: as forward, with dy for x. A tap
// (r, s) has at most one output over a pixel, p = (h + pad_top - r*dilation_h) / stride_h, and none where that is no whole
// number: so the scatter of the textbook is a gather, and one thread owns each sum. With a stride of 2 every other row of
// taps is left out for all columns at once; of the columns half find nothing, and fetch nothing.
//
// At best it takes dy once and dx once from memory, and `gate` once; caches serve the windows' overlap, as forward.
#include "cuda/kernels/conv2d_depthwise.cuh"
#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/kernels_nhwc.h"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

// The output whose tap lies `reach` pixels behind the first one's first tap; -1 where there is none among `outputs`.
__device__ __forceinline__ int depthwise_output(int reach, const Divisor& stride, int outputs) {
  if (reach < 0) return -1;
  const int output = reach / stride;
  return output * stride == reach && output < outputs ? output : -1;
}

template <int V, class T>
__global__ void __launch_bounds__(elementwise_threads, depthwise_blocks)
    conv2d_backward_data_depthwise_kernel(Conv2dIndex g, DepthwisePlaces places, const T* __restrict__ gate,
                                          const T* __restrict__ dy, const T* __restrict__ rsk, T* __restrict__ dx) {
  const std::int64_t i = global_thread();
  if (i >= places.threads) return;
  const ChannelsPlace in = channels_place<V>(static_cast<int>(i), places.rows, places.runs, places.vectors);
  const int w0 = in.column * depthwise_run, filters = V > 1 ? 1 : g.filters;
  const T* image = dy + static_cast<std::int64_t>(in.n) * g.P * g.Q * g.K;

  float sum[depthwise_run][V] = {};
  for (int r = 0; r < g.R; ++r) {
    const int p = depthwise_output(in.row + g.pad_top - r * g.dilation_h, g.stride_h, g.P);
    if (p < 0) continue;
    for (int s = 0; s < g.S; ++s) {
      for (int k = in.channel * filters; k < (in.channel + 1) * filters; ++k) {
        const Channels<T, V> weight = load_channels<V>(rsk + (r * g.S + s) * g.K + k);
#pragma unroll
        for (int j = 0; j < depthwise_run; ++j) {
          if (w0 + j >= g.W) continue;
          const int q = depthwise_output(w0 + j + g.pad_left - s * g.dilation_w, g.stride_w, g.Q);
          if (q < 0) continue;
          const Channels<T, V> gradient = load_channels<V>(image + (p * g.Q + q) * g.K + k);
          for (int v = 0; v < V; ++v) sum[j][v] += to_float(gradient.of[v]) * to_float(weight.of[v]);
        }
      }
    }
  }
  const int first = ((in.n * g.H + in.row) * g.W + w0) * g.C + in.channel;
#pragma unroll
  for (int j = 0; j < depthwise_run; ++j) {
    if (w0 + j >= g.W) continue;
    Channels<T, V> total;
    for (int v = 0; v < V; ++v) total.of[v] = from_float<T>(sum[j][v]);
    gate_channels<V>(gate != nullptr ? gate + first + j * g.C : nullptr, total);
    store_channels(dx + first + j * g.C, total);
  }
}

template <class T>
void conv2d_backward_data_depthwise(Stream& stream, const Conv2dGeometry& g, const T* gate, const T* dy, const T* rsk,
                                    T* dx) {
  constexpr int wide = wide_channels<T>;
  const bool is_wide = depthwise_is_wide<T>(g, {gate, dy, rsk, dx});
  const DepthwisePlaces places(g.N, g.H, g.W, g.C / (is_wide ? wide : 1));
  launch(stream, "conv2d_backward_data_depthwise",
         is_wide ? conv2d_backward_data_depthwise_kernel<wide, T> : conv2d_backward_data_depthwise_kernel<1, T>,
         elementwise_blocks(places.threads), dim3(elementwise_threads), 0, Conv2dIndex(g), places, gate, dy, rsk, dx);
}

FOVEA_INSTANTIATE_STORAGE(conv2d_backward_data_depthwise);

}  // namespace fovea::FOVEA_TARGET
