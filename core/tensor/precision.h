// SPDX-License-Identifier: Apache-2.0
//
// What a net computes with, by the names that users know. Parameters, their gradients, sums and losses are float32 in all
// of them.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

#include "core/tensor/dtype.h"

namespace fovea {

enum class Precision : std::uint8_t {
  fp32,    // float32 throughout
  tf32,    // tensor cores round the factors of products to 10 fraction bits; the engine library-tf32 of a GPU
  fp32x3,  // float32 with float32's bounds, convolutions and linear layers on tensor cores: three products of tf32 for
           // one; the engine native-fp32x3 of emu and of a GPU
  bf16,    // values, their gradients and copies of the weights are stored as bf16
  fp16,    // likewise as f16
};
inline constexpr std::array<std::pair<Precision, std::string_view>, 5> precision_names{{{Precision::fp32, "fp32"},
                                                                                        {Precision::tf32, "tf32"},
                                                                                        {Precision::fp32x3, "fp32x3"},
                                                                                        {Precision::bf16, "bf16"},
                                                                                        {Precision::fp16, "fp16"}}};

std::string_view name_of(Precision precision);
// Throws InputError for another word.
Precision precision_named(std::string_view word);
// What values are stored as: PlanOptions::dtype.
DType storage_of(Precision precision);

}  // namespace fovea
