// SPDX-License-Identifier: Apache-2.0
//
// Average pooling of sequences, avg_pool2d on images of one row (core/ops/avg_pool2d.h).
//
//   x [N, C, L] -> y [N, C, P]     y[n,c,p] = 1/D * sum over r of x[n, c, p*stride - left + r]
#pragma once
#include "core/layers/sequence_layer.h"

namespace fovea {

struct AvgPool1dOptions {
  std::int64_t kernel = 2;
  std::int64_t stride = 2;
  Size2 padding = 0;  // left and right
  bool ceil_mode = false;
  bool count_include_pad = true;
};
void fields(FieldVisitor& visitor, AvgPool1dOptions& options);

class AvgPool1d final : public SequenceLayer {
 public:
  explicit AvgPool1d(AvgPool1dOptions options);
  const AvgPool1dOptions& options() const { return options_; }

  std::string_view type() const override { return "avg_pool1d"; }
  void describe(FieldVisitor& visitor) const override;

 private:
  AvgPool1dOptions options_;
};

}  // namespace fovea
