// SPDX-License-Identifier: Apache-2.0
#include "core/graph/layer.h"

#include <algorithm>

namespace fovea {

StepLayouts Layer::layouts(Ops& ops, Phase, DType dtype, Shapes inputs, std::span<const Layout> given) const {
  const bool images = std::ranges::all_of(inputs, [](const Shape& shape) { return shape.rank() == 4; });
  const Layout layout = images ? ops.layout_for(op(), dtype, given[0]) : Layout::nchw;
  return {std::vector<Layout>(inputs.size(), layout), layout};
}

}  // namespace fovea
