// SPDX-License-Identifier: Apache-2.0
//
// Segmentation with nothing to download: circles, squares and triangles on noise, and the class of every pixel.
#pragma once
#include <string_view>

#include "core/data/dataset.h"

namespace fovea {

inline constexpr std::int64_t shapes_train_samples = 2048, shapes_test_samples = 512;

// `arguments` is "HxW", e.g. "32x32". Samples are grey images {1, H, W} with one or two shapes, brighter than
// the noise behind them, later ones over earlier ones; labels {H, W} in background, circle, square, triangle.
// Whole-number arithmetic: the same on every machine. Samples are made when they are read. Throws InputError with the
// form expected.
DataSplits open_shapes(std::string_view arguments);

}  // namespace fovea
