// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "cli/arguments.h"
#include "core/tensor/dtype.h"

namespace fovea::cli {

// --precision fp32|bf16|fp16: how a net's values are stored; sums, parameters and their gradients stay float32.
void declare_precision(Arguments& arguments, std::string& value, const std::string& help);
// fp32 where nothing is given.
DType dtype_of_precision(const std::string& precision);

}  // namespace fovea::cli
