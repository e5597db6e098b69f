// SPDX-License-Identifier: Apache-2.0
//
// Max pooling of sequences, max_pool2d on images of one row (core/ops/max_pool2d.h).
//
//   x [N, C, L] -> y [N, C, P]     y[n,c,p] = max over r of x[n, c, p*stride - left + r]
#pragma once
#include "core/layers/sequence_layer.h"

namespace fovea {

struct MaxPool1dOptions {
  std::int64_t kernel = 2;
  std::int64_t stride = 2;
  Size2 padding = 0;  // left and right
  bool ceil_mode = false;
};
void fields(FieldVisitor& visitor, MaxPool1dOptions& options);

class MaxPool1d final : public SequenceLayer {
 public:
  explicit MaxPool1d(MaxPool1dOptions options);
  const MaxPool1dOptions& options() const { return options_; }

  std::string_view type() const override { return "max_pool1d"; }
  void describe(FieldVisitor& visitor) const override;

 private:
  MaxPool1dOptions options_;
};

}  // namespace fovea
