// SPDX-License-Identifier: Apache-2.0
//
// 1-D convolution over sequences, conv2d on images of one row (core/ops/conv2d.h).
//
//   y[n,k,p] = bias[k] + sum over c,r of x[n, c, p*stride - left + r*dilation] * w[k,c,r]   (x is 0 outside)
//
//   x  [N, C, L]   w  [K, C/groups, R]   y  [N, K, P]     P = (L + left + right - dilation*(R-1) - 1) / stride + 1
#pragma once
#include "core/layers/sequence_layer.h"

namespace fovea {

struct Conv1dOptions {
  std::int64_t out_channels = 0;
  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  Size2 padding = 0;  // left and right
  std::int64_t dilation = 1;
  std::int64_t groups = 1;
  bool bias = true;
};
void fields(FieldVisitor& visitor, Conv1dOptions& options);

// Parameters "weight" [K, C/groups, R] and "bias" [K].
class Conv1d final : public SequenceLayer {
 public:
  explicit Conv1d(Conv1dOptions options);
  const Conv1dOptions& options() const { return options_; }

  std::string_view type() const override { return "conv1d"; }
  void describe(FieldVisitor& visitor) const override;

 private:
  Conv1dOptions options_;
};

}  // namespace fovea
