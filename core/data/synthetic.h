// SPDX-License-Identifier: Apache-2.0
//
// Made-up images of any shape that a net can tell apart, for trying nets, tests and timings without data.
#pragma once
#include <memory>
#include <string_view>

#include "core/data/dataset.h"

namespace fovea {

inline constexpr std::int64_t synthetic_train_samples = 2048, synthetic_test_samples = 512;

// `arguments` is "CxHxW:CLASSES", e.g. "3x32x32:10". Each class is a smooth random pattern of its own; a sample is its
// class's pattern, made brighter or darker, under noise. Whole-number arithmetic: the same on every machine. Samples
// are made when they are read. Throws InputError with the form expected.
DataSplits open_synthetic(std::string_view arguments);

}  // namespace fovea
