// SPDX-License-Identifier: Apache-2.0
//
// Batch normalisation (Ioffe and Szegedy 2015) of x [N, C, ...] over the batch and all positions, M = N * positions
// values for each channel; torch's conventions.
//
//   training:   mean[c] = 1/M sum x      variance[c] = 1/M sum (x - mean)^2      (biased)
//               inverse_deviation[c] = 1 / sqrt(variance + epsilon)
//               y = (x - mean) * inverse_deviation * weight[c] + bias[c]
//               running_mean     = (1 - momentum) * running_mean     + momentum * mean
//               running_variance = (1 - momentum) * running_variance + momentum * variance * M / (M - 1)   (unbiased)
//   inference:  the same y with running_mean and 1 / sqrt(running_variance + epsilon)
//
// Gradients in training, with z = (x - mean) * inverse_deviation:
//   dbias[c] = sum dy      dweight[c] = sum dy * z
//   dx = weight * inverse_deviation * (dy - dbias / M - z * dweight / M)
// In inference the statistics are constants: dx = weight * inverse_deviation * dy, dweight and dbias as above.
//
// weight, bias, mean, inverse_deviation, running_*: [C]. M = 1 in training is an InputError: the variance of one
// value says nothing.
//
// T (f32, bf16 or f16): x, y, dx, dy.     f32: all others.
#pragma once
#include "core/ops/fields.h"
#include "core/ops/workspace.h"
#include "core/support/error.h"
#include "core/tensor/tensor.h"

namespace fovea {

struct BatchNormOptions {
  double epsilon = 1e-5;
  double momentum = 0.1;  // weight of the new statistics
  bool frozen = false;    // training uses the running statistics too, and leaves them alone (fine-tuning)
};
void fields(FieldVisitor& visitor, BatchNormOptions& options);

// Plain data for kernels.
struct BatchNormGeometry {
  std::int64_t N, C, positions;
  float epsilon, momentum;

  std::int64_t values() const { return N * positions; }
};
// Throws InputError: x of rank below 2, no channel.
BatchNormGeometry batch_norm_geometry(const BatchNormOptions& options, const Shape& x);
// What training demands besides. Throws InputError when a channel has one value only.
void require_batch_statistics(const BatchNormGeometry& g);

class BatchNormOps {
 public:
  virtual ~BatchNormOps() = default;
  // Bytes of scratch that forward in training and both backward functions want for an x of this shape that lies so.
  virtual std::size_t batch_norm_workspace(const Shape& /*x*/, Layout) { return 0; }
  // Updates running_mean and running_variance in place, after the rest.
  virtual void batch_norm_forward(const BatchNormOptions& options, ConstView x, ConstView weight, ConstView bias,
                                  View running_mean, View running_variance, View y, View mean, View inverse_deviation,
                                  Workspace workspace) = 0;
  // `dx` may be empty.
  virtual void batch_norm_backward(const BatchNormOptions& options, ConstView x, ConstView weight, ConstView mean,
                                   ConstView inverse_deviation, ConstView dy, View dx, View dweight, View dbias,
                                   Workspace workspace) = 0;
  virtual void batch_norm_inference(const BatchNormOptions& options, ConstView x, ConstView weight, ConstView bias,
                                    ConstView running_mean, ConstView running_variance, View y) = 0;
  // The same with y = relu(y) at the end; where LayoutOps::fuses_relu("batch_norm").
  virtual void batch_norm_forward_relu(const BatchNormOptions&, ConstView /*x*/, ConstView /*weight*/,
                                       ConstView /*bias*/, View /*running_mean*/, View /*running_variance*/, View /*y*/,
                                       View /*mean*/, View /*inverse_deviation*/, Workspace) {
    throw Error("batch_norm_forward_relu: this engine does not fuse");
  }
  virtual void batch_norm_inference_relu(const BatchNormOptions&, ConstView /*x*/, ConstView /*weight*/,
                                         ConstView /*bias*/, ConstView /*running_mean*/, ConstView /*running_variance*/,
                                         View /*y*/) {
    throw Error("batch_norm_inference_relu: this engine does not fuse");
  }
  // `dx` may be empty.
  virtual void batch_norm_inference_backward(const BatchNormOptions& options, ConstView x, ConstView weight,
                                             ConstView running_mean, ConstView running_variance, ConstView dy, View dx,
                                             View dweight, View dbias, Workspace workspace) = 0;
};

}  // namespace fovea
