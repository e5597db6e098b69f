// SPDX-License-Identifier: Apache-2.0
//
// Sequences with nothing to download: noisy oscillations, told apart by their form.
#pragma once
#include <string_view>

#include "core/data/dataset.h"

namespace fovea {

inline constexpr std::int64_t waves_train_samples = 2048, waves_test_samples = 512;

// `arguments` is "L:CLASSES", e.g. "128:4": samples {1, L} in the first CLASSES of rising (a saw's teeth), falling,
// square, triangle, pulse, chirp (a triangle that becomes faster). Period, phase and strength are random, so no single
// place tells the class. Whole-number arithmetic: the same on every machine. Samples are made when they are read.
// Throws InputError with the form expected.
DataSplits open_waves(std::string_view arguments);

}  // namespace fovea
