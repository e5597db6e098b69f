// SPDX-License-Identifier: Apache-2.0
#include "cli/precision_option.h"

namespace fovea::cli {

void declare_precision(Arguments& arguments, std::string& value, const std::string& help) {
  arguments.choice("--precision", value, {"fp32", "bf16", "fp16"}, help);
}

DType dtype_of_precision(const std::string& precision) {
  if (precision == "bf16") return DType::bf16;
  return precision == "fp16" ? DType::f16 : DType::f32;
}

}  // namespace fovea::cli
