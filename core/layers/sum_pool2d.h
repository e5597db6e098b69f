// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/layers/avg_pool2d.h"

namespace fovea {

// Padding adds 0, so there is nothing to count: no count_include_pad.
struct SumPool2dOptions {
  Size2 kernel = 2;
  Size2 stride = 2;
  Padding2 padding = 0;
  bool ceil_mode = false;
};
void fields(FieldVisitor& visitor, SumPool2dOptions& options);

// Sum pooling: average pooling (core/ops/avg_pool2d.h) without the division.
class SumPool2d final : public AvgPool2d {
 public:
  explicit SumPool2d(SumPool2dOptions options)
      : AvgPool2d({.kernel = options.kernel,
                   .stride = options.stride,
                   .padding = options.padding,
                   .ceil_mode = options.ceil_mode,
                   .sum = true}) {}

  std::string_view type() const override { return "sum_pool2d"; }
  std::string_view op() const override { return "avg_pool2d"; }
  void describe(FieldVisitor& visitor) const override;
};

}  // namespace fovea
