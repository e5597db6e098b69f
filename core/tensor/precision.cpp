// SPDX-License-Identifier: Apache-2.0
#include "core/tensor/precision.h"

#include <string>
#include <vector>

#include "core/support/did_you_mean.h"
#include "core/support/error.h"

namespace fovea {

std::string_view name_of(Precision precision) {
  for (const auto& [known, word] : precision_names)
    if (known == precision) return word;
  return "";
}

Precision precision_named(std::string_view word) {
  std::vector<std::string> words;
  for (const auto& [known, name] : precision_names) {
    if (name == word) return known;
    words.emplace_back(name);
  }
  throw InputError("precision: expected fp32, tf32, fp32x3, bf16 or fp16, got '" + std::string(word) + "'" +
                   did_you_mean(word, words));
}

DType storage_of(Precision precision) {
  if (precision == Precision::bf16) return DType::bf16;
  return precision == Precision::fp16 ? DType::f16 : DType::f32;
}

}  // namespace fovea
