// SPDX-License-Identifier: Apache-2.0
//
// Made-up numbers for measurements; the same in every run.
#pragma once
#include "core/tensor/tensor.h"

namespace fovea::cli {

// f32 on the host, mean 0 and variance 1.
Tensor random_values(const Shape& shape);
// On `memory`, as `dtype` in `layout`: the first million of those values, over and over. For tensors of gigabytes, which
// take seconds to draw; a blocked layout's padding is not zero.
Tensor repeated_random_values(const Shape& shape, DType dtype, Layout layout, const std::shared_ptr<Memory>& memory);
// i32 on the host, each of [0, classes) equally often.
Tensor random_labels(const Shape& shape, std::int64_t classes);

}  // namespace fovea::cli
