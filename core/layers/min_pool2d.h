// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/layers/max_pool2d.h"

namespace fovea {

// Min pooling: max pooling (core/ops/max_pool2d.h) of which the smallest wins.
class MinPool2d final : public MaxPool2d {
 public:
  explicit MinPool2d(MaxPool2dOptions options) : MaxPool2d(with_minimum(options)) {}

  std::string_view type() const override { return "min_pool2d"; }
  std::string_view op() const override { return "max_pool2d"; }

 private:
  static MaxPool2dOptions with_minimum(MaxPool2dOptions options) {
    options.minimum = true;
    return options;
  }
};

}  // namespace fovea
