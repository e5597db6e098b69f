// SPDX-License-Identifier: Apache-2.0
//
// Softmax and cross-entropy in one, forward and backward (core/ops/softmax_cross_entropy.h).
//
//   logits, probabilities, dlogits [rows, classes]     labels, losses [rows]     loss, dloss [1]
//   z = sum of exp(logits[c] - m)     losses[n] = log z + m - logits[label]     loss = mean of losses
//   dlogits[n,c] = dloss / rows * (probabilities[n,c] - [c == label])
//
// Forward, per row, and backward: one warp per row (row_warp.cuh). The loss of a row is computed from the logits, not
// as -log(probability): a probability that underflows to 0 would give an infinite loss and no gradient to escape by.
// The mean: one block; thread t adds every 256th loss, a tree adds the 256 sums: the same order on every run.
// A label outside [0, classes) would read another row's logits; its loss and gradient become NaN instead.
#include "cuda/kernels/kernels.h"
#include "cuda/kernels/row_warp.cuh"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

constexpr int mean_threads = 256;

__device__ __forceinline__ bool is_class(int label, std::int64_t classes) { return label >= 0 && label < classes; }

__global__ void __launch_bounds__(row_threads)
    softmax_cross_entropy_forward_kernel(std::int64_t rows, std::int64_t classes, const float* __restrict__ logits,
                                         const std::int32_t* __restrict__ labels, float* __restrict__ probabilities,
                                         float* __restrict__ losses) {
  const std::int64_t row = row_of_warp();
  if (row >= rows) return;  // the whole warp leaves together
  const float* row_logits = logits + row * classes;

  float largest = row_logits[0];
  for (std::int64_t c = lane_of_warp(); c < classes; c += warp_threads) largest = fmaxf(largest, row_logits[c]);
  largest = warp_max(largest);

  float z = 0.0f;
  for (std::int64_t c = lane_of_warp(); c < classes; c += warp_threads) z += expf(row_logits[c] - largest);
  z = warp_sum(z);

  for (std::int64_t c = lane_of_warp(); c < classes; c += warp_threads)
    probabilities[row * classes + c] = expf(row_logits[c] - largest) / z;
  if (lane_of_warp() == 0) {
    const int label = labels[row];
    losses[row] = is_class(label, classes) ? logf(z) + (largest - row_logits[label]) : nanf("");
  }
}

__global__ void __launch_bounds__(mean_threads)
    mean_loss_kernel(std::int64_t rows, const float* __restrict__ losses, float* __restrict__ loss) {
  FOVEA_SHARED(float, scratch, [mean_threads]);
  float sum = 0.0f;
  for (std::int64_t n = threadIdx.x; n < rows; n += mean_threads) sum += losses[n];
  const float total = block_sum(sum, scratch);
  if (threadIdx.x == 0) *loss = total / static_cast<float>(rows);
}

__global__ void __launch_bounds__(row_threads)
    softmax_cross_entropy_backward_kernel(std::int64_t rows, std::int64_t classes,
                                          const float* __restrict__ probabilities,
                                          const std::int32_t* __restrict__ labels, const float* __restrict__ dloss,
                                          float* __restrict__ dlogits) {
  const std::int64_t row = row_of_warp();
  if (row >= rows) return;
  const int label = labels[row];
  const float scale = is_class(label, classes) ? *dloss / static_cast<float>(rows) : nanf("");
  for (std::int64_t c = lane_of_warp(); c < classes; c += warp_threads) {
    const float target = c == label ? 1.0f : 0.0f;
    dlogits[row * classes + c] = scale * (probabilities[row * classes + c] - target);
  }
}

void softmax_cross_entropy_forward(Stream& stream, std::int64_t rows, std::int64_t classes, const float* logits,
                                   const std::int32_t* labels, float* probabilities, float* losses, float* loss) {
  launch(stream, "softmax_cross_entropy_forward", softmax_cross_entropy_forward_kernel, row_blocks(rows),
         dim3(row_threads), 0, rows, classes, logits, labels, probabilities, losses);
  launch(stream, "mean_loss", mean_loss_kernel, dim3(1), dim3(mean_threads), 0, rows, losses, loss);
}

void softmax_cross_entropy_backward(Stream& stream, std::int64_t rows, std::int64_t classes, const float* probabilities,
                                    const std::int32_t* labels, const float* dloss, float* dlogits) {
  launch(stream, "softmax_cross_entropy_backward", softmax_cross_entropy_backward_kernel, row_blocks(rows),
         dim3(row_threads), 0, rows, classes, probabilities, labels, dloss, dlogits);
}

}  // namespace fovea::FOVEA_TARGET
