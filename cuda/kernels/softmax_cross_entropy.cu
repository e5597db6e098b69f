// SPDX-License-Identifier: Apache-2.0
//
// Softmax and cross-entropy in one, forward and backward (core/ops/softmax_cross_entropy.h).
//
//   logits, probabilities, dlogits [N, C, positions]     labels, losses [N, positions]     class_weights w [C] or null
//   z = sum of exp(logits[c] - m)     nll(c) = log z + m - logits[c]     total_weight, loss, dloss [1]
//   losses = hit * w[label] * nll(label) + spread * sum of w[c] * nll(c)          hit = 1 - e, spread = e / C
//   dlogits[c] = dloss / total_weight * (hit * w[label] * (p[c] - [c == label]) + spread * (p[c] * class_sum - w[c]))
//
// One position: a warp per row (row_warp.cuh), whose lanes share the classes. Many positions: a thread per sample and
// position, which walks over the classes; neighbouring threads hold neighbouring positions and so read neighbouring
// addresses at every step. The loss is computed from the logits, not as -log(probability): a probability that
// underflows to 0 would give an infinite loss and no gradient to escape by.
// The mean: one block; thread t adds every 256th loss and weight, trees add the 256 sums: the same order on every run.
// A label outside [0, C) would read another row's logits; its loss and gradient become NaN instead. fmaxf passes over a
// NaN logit, but the sum z does not, and takes all probabilities and the loss with it.
#include "core/ops/softmax_cross_entropy.h"

#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/kernels.h"
#include "cuda/kernels/row_warp.cuh"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

constexpr int mean_threads = 256;

// What the options come to.
struct CrossEntropyTerms {
  const float* class_weights;
  float hit, spread;

  CrossEntropyTerms(const SoftmaxCrossEntropyOptions& options, std::int64_t C, const float* weights)
      : class_weights(weights),
        hit(static_cast<float>(1 - options.label_smoothing)),
        spread(static_cast<float>(options.label_smoothing / static_cast<double>(C))) {}

  __device__ __forceinline__ float weight(std::int64_t c) const {
    return class_weights == nullptr ? 1.0f : class_weights[c];
  }
  // The gradient of one position's loss with respect to logit c, whose probability is p. `class_sum` is the sum of all
  // weights, read where spread is not 0.
  __device__ __forceinline__ float slope(std::int64_t c, int label, float p, float class_sum) const {
    const float target = c == label ? 1.0f : 0.0f;
    const float of_label = hit * weight(label) * (p - target);
    // fmaf by name: of two products the compiler fuses now one, now the other, with weights of 1 and without weights.
    return spread > 0.0f ? fmaf(spread, fmaf(p, class_sum, -weight(c)), of_label) : of_label;
  }
};

__device__ __forceinline__ bool is_class(int label, std::int64_t classes) { return label >= 0 && label < classes; }

template <class T>
__global__ void __launch_bounds__(row_threads, no_spills)
    cross_entropy_rows_forward_kernel(std::int64_t rows, std::int64_t classes, CrossEntropyTerms o,
                                      const T* __restrict__ logits, const std::int32_t* __restrict__ labels,
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

  for (std::int64_t c = lane_of_warp(); c < classes; c += warp_threads)
    probabilities[row * classes + c] = expf(to_float(row_logits[c]) - largest) / z;

  const float log_z = logf(z);
  float over_classes = 0.0f;
  if (o.spread > 0.0f) {
    for (std::int64_t c = lane_of_warp(); c < classes; c += warp_threads)
      over_classes += o.weight(c) * (log_z + (largest - to_float(row_logits[c])));
    over_classes = warp_sum(over_classes);
  }
  if (lane_of_warp() == 0) {
    const int label = labels[row];
    float loss = nanf("");
    if (is_class(label, classes)) loss = o.hit * o.weight(label) * (log_z + (largest - to_float(row_logits[label])));
    losses[row] = o.spread > 0.0f ? loss + o.spread * over_classes : loss;
  }
}

template <class T>
__global__ void __launch_bounds__(elementwise_threads, no_spills)
    cross_entropy_positions_forward_kernel(std::int64_t count, std::int64_t classes, std::int64_t positions,
                                           CrossEntropyTerms o, const T* __restrict__ logits,
                                           const std::int32_t* __restrict__ labels, float* __restrict__ probabilities,
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
  float over_classes = 0.0f;
  for (std::int64_t c = 0; c < classes; ++c) {
    const float difference = to_float(own_logits[c * positions]) - largest;
    probabilities[first + c * positions] = expf(difference) / z;
    over_classes += o.weight(c) * (log_z - difference);
  }
  const int label = labels[i];
  float loss = nanf("");
  if (is_class(label, classes))
    loss = o.hit * o.weight(label) * (log_z + (largest - to_float(own_logits[label * positions])));
  losses[i] = o.spread > 0.0f ? loss + o.spread * over_classes : loss;
}

__global__ void __launch_bounds__(mean_threads)
    weighted_mean_kernel(std::int64_t count, std::int64_t classes, const float* __restrict__ class_weights,
                         const std::int32_t* __restrict__ labels, const float* __restrict__ losses,
                         float* __restrict__ total_weight, float* __restrict__ loss) {
  FOVEA_SHARED(float, loss_scratch, [mean_threads]);
  FOVEA_SHARED(float, weight_scratch, [mean_threads]);
  float sum = 0.0f, weights = 0.0f;
  for (std::int64_t i = threadIdx.x; i < count; i += mean_threads) {
    sum += losses[i];
    if (class_weights != nullptr && is_class(labels[i], classes)) weights += class_weights[labels[i]];
  }
  const float total = block_sum(sum, loss_scratch), weighed = block_sum(weights, weight_scratch);
  if (threadIdx.x == 0) {
    *total_weight = class_weights == nullptr ? static_cast<float>(count) : weighed;
    *loss = total / *total_weight;
  }
}

template <class T>
__global__ void __launch_bounds__(row_threads)
    cross_entropy_rows_backward_kernel(std::int64_t rows, std::int64_t classes, CrossEntropyTerms o,
                                       const float* __restrict__ probabilities, const std::int32_t* __restrict__ labels,
                                       const float* __restrict__ total_weight, const float* __restrict__ dloss,
                                       T* __restrict__ dlogits) {
  const std::int64_t row = row_of_warp();
  if (row >= rows) return;
  const bool known = is_class(labels[row], classes);
  const int label = known ? labels[row] : 0;
  const float scale = known ? *dloss / *total_weight : nanf("");
  float class_sum = 0.0f;
  if (o.spread > 0.0f) {
    for (std::int64_t c = lane_of_warp(); c < classes; c += warp_threads) class_sum += o.weight(c);
    class_sum = warp_sum(class_sum);
  }
  for (std::int64_t c = lane_of_warp(); c < classes; c += warp_threads)
    dlogits[row * classes + c] = from_float<T>(scale * o.slope(c, label, probabilities[row * classes + c], class_sum));
}

template <class T>
__global__ void __launch_bounds__(elementwise_threads)
    cross_entropy_positions_backward_kernel(std::int64_t count, std::int64_t classes, std::int64_t positions,
                                            CrossEntropyTerms o, const float* __restrict__ probabilities,
                                            const std::int32_t* __restrict__ labels,
                                            const float* __restrict__ total_weight, const float* __restrict__ dloss,
                                            T* __restrict__ dlogits) {
  const std::int64_t i = global_thread();
  if (i >= count) return;
  const std::int64_t first = i / positions * classes * positions + i % positions;
  const bool known = is_class(labels[i], classes);
  const int label = known ? labels[i] : 0;
  const float scale = known ? *dloss / *total_weight : nanf("");
  float class_sum = 0.0f;
  for (std::int64_t c = 0; c < classes; ++c) class_sum += o.weight(c);
  for (std::int64_t c = 0; c < classes; ++c)
    dlogits[first + c * positions] =
        from_float<T>(scale * o.slope(c, label, probabilities[first + c * positions], class_sum));
}

template <class T>
void softmax_cross_entropy_forward(Stream& stream, const SoftmaxCrossEntropyGeometry& g,
                                   const SoftmaxCrossEntropyOptions& options, const T* logits,
                                   const std::int32_t* labels, const float* class_weights, float* probabilities,
                                   float* losses, float* total_weight, float* loss) {
  const CrossEntropyTerms terms(options, g.C, class_weights);
  const std::int64_t count = g.N * g.positions;
  if (g.positions == 1) {
    launch(stream, "softmax_cross_entropy_forward", cross_entropy_rows_forward_kernel<T>, row_blocks(g.N),
           dim3(row_threads), 0, g.N, g.C, terms, logits, labels, probabilities, losses);
  } else {
    launch(stream, "softmax_cross_entropy_forward", cross_entropy_positions_forward_kernel<T>,
           elementwise_blocks(count), dim3(elementwise_threads), 0, count, g.C, g.positions, terms, logits, labels,
           probabilities, losses);
  }
  launch(stream, "weighted_mean", weighted_mean_kernel, dim3(1), dim3(mean_threads), 0, count, g.C, class_weights,
         labels, losses, total_weight, loss);
}

template <class T>
void softmax_cross_entropy_backward(Stream& stream, const SoftmaxCrossEntropyGeometry& g,
                                    const SoftmaxCrossEntropyOptions& options, const float* probabilities,
                                    const std::int32_t* labels, const float* class_weights, const float* total_weight,
                                    const float* dloss, T* dlogits) {
  const CrossEntropyTerms terms(options, g.C, class_weights);
  const std::int64_t count = g.N * g.positions;
  if (g.positions == 1) {
    launch(stream, "softmax_cross_entropy_backward", cross_entropy_rows_backward_kernel<T>, row_blocks(g.N),
           dim3(row_threads), 0, g.N, g.C, terms, probabilities, labels, total_weight, dloss, dlogits);
  } else {
    launch(stream, "softmax_cross_entropy_backward", cross_entropy_positions_backward_kernel<T>,
           elementwise_blocks(count), dim3(elementwise_threads), 0, count, g.C, g.positions, terms, probabilities,
           labels, total_weight, dloss, dlogits);
  }
}

FOVEA_INSTANTIATE_STORAGE(softmax_cross_entropy_forward);
FOVEA_INSTANTIATE_STORAGE(softmax_cross_entropy_backward);

}  // namespace fovea::FOVEA_TARGET
