// SPDX-License-Identifier: Apache-2.0
//
// Multi-class hinge loss, forward and backward (core/ops/hinge_loss.h).
//
//   scores, dscores [N, C]     labels, losses [N]     loss, dloss [1]     t = labels[n]
//   h[j] = max(0, scores[j] - scores[t] + margin), j != t          losses[n] = scale * sum of h[j] or h[j]^2
//   dscores[j] = dloss / N * scale * (1 or 2 h[j], where h[j] > 0)     dscores[t] = - their sum
//
// One warp per sample (row_warp.cuh): the lanes share the classes, a warp sum adds up the losses, and in backward the
// gradients for the true class. mean_loss.cu takes the mean over the batch.
// A label outside [0, C) would read another sample's scores; its loss and gradient become NaN instead.
#include "core/ops/hinge_loss.h"

#include "cuda/kernels/kernels.h"
#include "cuda/kernels/row_warp.cuh"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

// h of a class whose score is `score`, where the true class has `truth`; NaN stays NaN.
__device__ __forceinline__ float hinge(float score, float truth, float margin) {
  const float h = score - truth + margin;
  return h <= 0.0f ? 0.0f : h;
}

template <class T>
__global__ void __launch_bounds__(row_threads)
    hinge_loss_forward_kernel(std::int64_t rows, std::int64_t classes, float margin, float scale, bool squared,
                              const T* __restrict__ scores, const std::int32_t* __restrict__ labels,
                              float* __restrict__ losses) {
  const std::int64_t row = row_of_warp();
  if (row >= rows) return;  // the whole warp leaves together
  const T* row_scores = scores + row * classes;
  const int label = labels[row];
  const bool known = label >= 0 && label < classes;
  const float truth = known ? to_float(row_scores[label]) : 0.0f;

  float sum = known ? 0.0f : nanf("");
  for (std::int64_t j = lane_of_warp(); j < classes; j += warp_threads) {
    const float h = j == label ? 0.0f : hinge(to_float(row_scores[j]), truth, margin);
    sum += squared ? h * h : h;
  }
  sum = warp_sum(sum);
  if (lane_of_warp() == 0) losses[row] = scale * sum;
}

template <class T>
__global__ void __launch_bounds__(row_threads)
    hinge_loss_backward_kernel(std::int64_t rows, std::int64_t classes, float margin, float scale, bool squared,
                               const T* __restrict__ scores, const std::int32_t* __restrict__ labels,
                               const float* __restrict__ dloss, T* __restrict__ dscores) {
  const std::int64_t row = row_of_warp();
  if (row >= rows) return;
  const T* row_scores = scores + row * classes;
  const int label = labels[row];
  const bool known = label >= 0 && label < classes;
  const float truth = known ? to_float(row_scores[label]) : nanf("");
  const float each = *dloss / static_cast<float>(rows) * scale;

  float sum = 0.0f;
  for (std::int64_t j = lane_of_warp(); j < classes; j += warp_threads) {
    if (j == label) continue;
    const float h = hinge(to_float(row_scores[j]), truth, margin);
    const float gradient = each * (squared ? 2.0f * h : h > 0.0f ? 1.0f : h);  // the last h is 0 or NaN
    dscores[row * classes + j] = from_float<T>(gradient);
    sum += gradient;
  }
  sum = warp_sum(sum);
  if (known && lane_of_warp() == 0) dscores[row * classes + label] = from_float<T>(-sum);
}

template <class T>
void hinge_loss_forward(Stream& stream, const HingeLossGeometry& g, const T* scores, const std::int32_t* labels,
                        float* losses, float* loss) {
  launch(stream, "hinge_loss_forward", hinge_loss_forward_kernel<T>, row_blocks(g.N), dim3(row_threads), 0, g.N, g.C,
         static_cast<float>(g.margin), static_cast<float>(g.scale), g.squared, scores, labels, losses);
  mean_loss(stream, g.N, losses, loss);
}

template <class T>
void hinge_loss_backward(Stream& stream, const HingeLossGeometry& g, const T* scores, const std::int32_t* labels,
                         const float* dloss, T* dscores) {
  launch(stream, "hinge_loss_backward", hinge_loss_backward_kernel<T>, row_blocks(g.N), dim3(row_threads), 0, g.N, g.C,
         static_cast<float>(g.margin), static_cast<float>(g.scale), g.squared, scores, labels, dloss, dscores);
}

FOVEA_INSTANTIATE_STORAGE(hinge_loss_forward);
FOVEA_INSTANTIATE_STORAGE(hinge_loss_backward);

}  // namespace fovea::FOVEA_TARGET
