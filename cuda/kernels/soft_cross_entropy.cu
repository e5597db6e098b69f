// SPDX-License-Identifier: Apache-2.0
//
// Softmax and cross-entropy against probabilities, forward and backward (core/ops/soft_cross_entropy.h).
//
//   logits, targets, probabilities, dlogits [N, C, positions]     losses [N, positions]     class_weights w [C] or null
//   z = sum of exp(logits[c] - m)     share(c) = w[c] * (hit * targets[c] + spread)     hit = 1 - e, spread = e / C
//   losses = sum of share(c) * (log z + m - logits[c])     dlogits[c] = dloss / count * (p[c] * sum of shares - share(c))
//
// One position: a warp per row (row_warp.cuh), whose lanes share the classes. Many positions: a thread per sample and
// position, which walks over the classes; neighbouring threads hold neighbouring positions and so read neighbouring
// addresses at every step. mean_loss.cu takes the mean; every sum has one order.
// The shares are added up although they are 1 without weights: with targets as they are, rounded, the gradient's
// classes then cancel as they do in the formula. Targets that are no probabilities make loss and gradient NaN: a target
// below 0, or none, enters the sum that is to be 1 as NaN, which no bound lets pass.
#include "core/ops/soft_cross_entropy.h"

#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/kernels.h"
#include "cuda/kernels/row_warp.cuh"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

// What the options come to.
struct SoftTargetTerms {
  const float* class_weights;
  float hit, spread, sum_tolerance;

  // `targets`: what they are stored as.
  SoftTargetTerms(const SoftmaxCrossEntropyOptions& options, std::int64_t C, const float* weights, DType targets)
      : class_weights(weights),
        hit(static_cast<float>(1 - options.label_smoothing)),
        spread(static_cast<float>(options.label_smoothing / static_cast<double>(C))),
        sum_tolerance(static_cast<float>(target_sum_tolerance(C, targets))) {}

  __device__ __forceinline__ float share(std::int64_t c, float target) const {
    const float smoothed = hit * target + spread;
    return class_weights == nullptr ? smoothed : class_weights[c] * smoothed;
  }
  // True for sums of target_or_nan() over all classes of one position.
  __device__ __forceinline__ bool is_one(float sum) const { return fabsf(sum - 1.0f) <= sum_tolerance; }
};

__device__ __forceinline__ float target_or_nan(float target) { return target >= 0.0f ? target : nanf(""); }

template <class T>
__global__ void __launch_bounds__(row_threads)
    soft_cross_entropy_rows_forward_kernel(std::int64_t rows, std::int64_t classes, SoftTargetTerms o,
                                           const T* __restrict__ logits, const T* __restrict__ targets,
                                           float* __restrict__ probabilities, float* __restrict__ losses) {
  const std::int64_t row = row_of_warp();
  if (row >= rows) return;  // the whole warp leaves together
  const T* row_logits = logits + row * classes;

  float largest = to_float(row_logits[0]);
  for (std::int64_t c = lane_of_warp(); c < classes; c += warp_threads)
    largest = fmaxf(largest, to_float(row_logits[c]));
  largest = warp_max(largest);

  float z = 0.0f;
  for (std::int64_t c = lane_of_warp(); c < classes; c += warp_threads) z += expf(to_float(row_logits[c]) - largest);
  z = warp_sum(z);

  const float log_z = logf(z);
  float loss = 0.0f, target_sum = 0.0f;
  for (std::int64_t c = lane_of_warp(); c < classes; c += warp_threads) {
    const float target = to_float(targets[row * classes + c]);
    probabilities[row * classes + c] = expf(to_float(row_logits[c]) - largest) / z;
    loss += o.share(c, target) * (log_z + (largest - to_float(row_logits[c])));
    target_sum += target_or_nan(target);
  }
  loss = warp_sum(loss);
  target_sum = warp_sum(target_sum);
  if (lane_of_warp() == 0) losses[row] = o.is_one(target_sum) ? loss : nanf("");
}

template <class T>
__global__ void __launch_bounds__(elementwise_threads)
    soft_cross_entropy_positions_forward_kernel(std::int64_t count, std::int64_t classes, std::int64_t positions,
                                                SoftTargetTerms o, const T* __restrict__ logits,
                                                const T* __restrict__ targets, float* __restrict__ probabilities,
                                                float* __restrict__ losses) {
  const std::int64_t i = global_thread();  // n * positions + position
  if (i >= count) return;
  const std::int64_t first = i / positions * classes * positions + i % positions;  // class 0 of this position
  const T* own_logits = logits + first;

  float largest = to_float(own_logits[0]);
  for (std::int64_t c = 1; c < classes; ++c) largest = fmaxf(largest, to_float(own_logits[c * positions]));
  float z = 0.0f;
  for (std::int64_t c = 0; c < classes; ++c) z += expf(to_float(own_logits[c * positions]) - largest);

  const float log_z = logf(z);
  float loss = 0.0f, target_sum = 0.0f;
  for (std::int64_t c = 0; c < classes; ++c) {
    const float difference = to_float(own_logits[c * positions]) - largest,
                target = to_float(targets[first + c * positions]);
    probabilities[first + c * positions] = expf(difference) / z;
    loss += o.share(c, target) * (log_z - difference);
    target_sum += target_or_nan(target);
  }
  losses[i] = o.is_one(target_sum) ? loss : nanf("");
}

template <class T>
__global__ void __launch_bounds__(row_threads)
    soft_cross_entropy_rows_backward_kernel(std::int64_t rows, std::int64_t classes, SoftTargetTerms o,
                                            const float* __restrict__ probabilities, const T* __restrict__ targets,
                                            const float* __restrict__ dloss, T* __restrict__ dlogits) {
  const std::int64_t row = row_of_warp();
  if (row >= rows) return;
  const T* row_targets = targets + row * classes;
  float shares = 0.0f, target_sum = 0.0f;
  for (std::int64_t c = lane_of_warp(); c < classes; c += warp_threads) {
    const float target = to_float(row_targets[c]);
    shares += o.share(c, target);
    target_sum += target_or_nan(target);
  }
  shares = warp_sum(shares);
  target_sum = warp_sum(target_sum);
  const float scale = o.is_one(target_sum) ? *dloss / static_cast<float>(rows) : nanf("");
  for (std::int64_t c = lane_of_warp(); c < classes; c += warp_threads)
    dlogits[row * classes + c] =
        from_float<T>(scale * (probabilities[row * classes + c] * shares - o.share(c, to_float(row_targets[c]))));
}

template <class T>
__global__ void __launch_bounds__(elementwise_threads)
    soft_cross_entropy_positions_backward_kernel(std::int64_t count, std::int64_t classes, std::int64_t positions,
                                                 SoftTargetTerms o, const float* __restrict__ probabilities,
                                                 const T* __restrict__ targets, const float* __restrict__ dloss,
                                                 T* __restrict__ dlogits) {
  const std::int64_t i = global_thread();
  if (i >= count) return;
  const std::int64_t first = i / positions * classes * positions + i % positions;
  float shares = 0.0f, target_sum = 0.0f;
  for (std::int64_t c = 0; c < classes; ++c) {
    const float target = to_float(targets[first + c * positions]);
    shares += o.share(c, target);
    target_sum += target_or_nan(target);
  }
  const float scale = o.is_one(target_sum) ? *dloss / static_cast<float>(count) : nanf("");
  for (std::int64_t c = 0; c < classes; ++c) {
    const std::int64_t at = first + c * positions;
    dlogits[at] = from_float<T>(scale * (probabilities[at] * shares - o.share(c, to_float(targets[at]))));
  }
}

template <class T>
void soft_cross_entropy_forward(Stream& stream, const SoftmaxCrossEntropyGeometry& g,
                                const SoftmaxCrossEntropyOptions& options, const T* logits, const T* targets,
                                const float* class_weights, float* probabilities, float* losses, float* loss) {
  const SoftTargetTerms terms(options, g.C, class_weights, dtype_of<T>::value);
  const std::int64_t count = g.N * g.positions;
  if (g.positions == 1) {
    launch(stream, "soft_cross_entropy_forward", soft_cross_entropy_rows_forward_kernel<T>, row_blocks(g.N),
           dim3(row_threads), 0, g.N, g.C, terms, logits, targets, probabilities, losses);
  } else {
    launch(stream, "soft_cross_entropy_forward", soft_cross_entropy_positions_forward_kernel<T>,
           elementwise_blocks(count), dim3(elementwise_threads), 0, count, g.C, g.positions, terms, logits, targets,
           probabilities, losses);
  }
  mean_loss(stream, count, losses, loss);
}

template <class T>
void soft_cross_entropy_backward(Stream& stream, const SoftmaxCrossEntropyGeometry& g,
                                 const SoftmaxCrossEntropyOptions& options, const float* probabilities,
                                 const T* targets, const float* class_weights, const float* dloss, T* dlogits) {
  const SoftTargetTerms terms(options, g.C, class_weights, dtype_of<T>::value);
  const std::int64_t count = g.N * g.positions;
  if (g.positions == 1) {
    launch(stream, "soft_cross_entropy_backward", soft_cross_entropy_rows_backward_kernel<T>, row_blocks(g.N),
           dim3(row_threads), 0, g.N, g.C, terms, probabilities, targets, dloss, dlogits);
  } else {
    launch(stream, "soft_cross_entropy_backward", soft_cross_entropy_positions_backward_kernel<T>,
           elementwise_blocks(count), dim3(elementwise_threads), 0, count, g.C, g.positions, terms, probabilities,
           targets, dloss, dlogits);
  }
}

FOVEA_INSTANTIATE_STORAGE(soft_cross_entropy_forward);
FOVEA_INSTANTIATE_STORAGE(soft_cross_entropy_backward);

}  // namespace fovea::FOVEA_TARGET
