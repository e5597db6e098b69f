// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>

#include "core/data/augment/passes.h"

namespace fovea {

// Where the pixels of a changed image come from: the point (x, y) of the result, with pixel centres at 0.5, 1.5, ..., is
// the point ((m0 x + m1 y + m2) / w, (m3 x + m4 y + m5) / w) of the image, w = m6 x + m7 y + 1.
using WarpMatrix = std::array<double, 8>;

enum class Outside { black, edge };  // what lies beyond the image

// The row of a warp (core/ops/augment.h): the matrix rounded to 2^-32.
using WarpRow = std::array<std::int64_t, augment_numbers(AugmentPass::warp)>;
WarpRow warp_row(const WarpMatrix& matrix, Outside outside);

// Bilinear between pixel centres, positions cut to 1/256 of a pixel.
void warp(const ImageBytes& image, const WarpMatrix& matrix, Outside outside);

// Moves the image by whole pixels: pixel (y, x) of the result is (y + dy, x + dx) of the image.
void translate(const ImageBytes& image, std::int64_t dy, std::int64_t dx, Outside outside);

// Left to right.
void mirror(const ImageBytes& image);

// Where `row` scales an image and `next` is the row of a mirror: changes `row` to do both at once, with the same bytes.
bool scale_and_mirror(std::span<std::int64_t> row, AugmentRow next, std::int64_t width);

// The matrix that takes the corners of an image of height x width (upper left, upper right, lower right, lower left) from
// the points given as {x, y}, which must be the corners of a convex region in that order.
WarpMatrix corners_from(double height, double width, const std::array<std::array<double, 2>, 4>& points);

}  // namespace fovea
