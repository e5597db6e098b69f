// SPDX-License-Identifier: Apache-2.0
#include "core/ops/avg_pool2d.h"

namespace fovea {

void fields(FieldVisitor& visitor, AvgPool2dOptions& options) {
  visitor.field("kernel", options.kernel, Presence::optional, at_least(1));
  visitor.field("stride", options.stride, Presence::optional, at_least(1));
  visitor.field("padding", options.padding, Presence::optional, at_least(0));
  visitor.field("ceil_mode", options.ceil_mode, Presence::optional);
  visitor.field("count_include_pad", options.count_include_pad, Presence::optional);
}

Pool2dGeometry avg_pool2d_geometry(const AvgPool2dOptions& o, const Shape& x) {
  return pool2d_geometry(o.kernel, o.stride, o.padding, o.ceil_mode, x);
}

Shape avg_pool2d_output_shape(const AvgPool2dOptions& options, const Shape& x) {
  const Pool2dGeometry g = avg_pool2d_geometry(options, x);
  return {g.N, g.C, g.P, g.Q};
}

}  // namespace fovea
