// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/tensor/tensor.h"

namespace fovea {

// A rectangle of an image, in pixels from its upper left corner.
struct ImageRegion {
  double top = 0, left = 0, height = 0, width = 0;
};

// Scales `region` of the u8 planes [C, H, W] to the size of `result`, u8 [C, H', W']. Each output element is a weighted
// mean under a triangle around its centre, as wide as an output element when shrinking and as an input element when
// growing; the triangle may reach beyond the region, but not beyond the image.
void resize_planes(const Tensor& planes, const ImageRegion& region, Tensor& result);

}  // namespace fovea
