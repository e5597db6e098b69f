// SPDX-License-Identifier: Apache-2.0
//
// What the arguments of a convolution must look like.
#pragma once
#include "core/ops/conv2d.h"
#include "cuda/arguments.h"

namespace fovea::FOVEA_TARGET {

struct Conv2dShapes {
  Conv2dGeometry g;
  Shape x, w, bias, y;
};

// Throws InputError, too, where a kernel could not index something with 32 bits.
Conv2dShapes conv2d_shapes(const Arguments& arguments, const Conv2dOptions& options, const Shape& x);

}  // namespace fovea::FOVEA_TARGET
