// SPDX-License-Identifier: Apache-2.0
#include "core/support/error.h"
#include "cpu_reference/reference_ops.h"

namespace fovea {
void ReferenceOps::log_softmax_forward(ConstView, View) { throw Error("pending"); }
void ReferenceOps::log_softmax_backward(ConstView, ConstView, View) { throw Error("pending"); }
void ReferenceOps::hinge_loss_forward(const HingeLossOptions&, ConstView, ConstView, View, View) {
  throw Error("pending");
}
void ReferenceOps::hinge_loss_backward(const HingeLossOptions&, ConstView, ConstView, ConstView, View) {
  throw Error("pending");
}
void ReferenceOps::mean_squared_error_forward(ConstView, ConstView, View, View) { throw Error("pending"); }
void ReferenceOps::mean_squared_error_backward(ConstView, ConstView, ConstView, View) { throw Error("pending"); }
void ReferenceOps::binary_cross_entropy_forward(ConstView, ConstView, View, View) { throw Error("pending"); }
void ReferenceOps::binary_cross_entropy_backward(ConstView, ConstView, ConstView, View) { throw Error("pending"); }
void ReferenceOps::distance_forward(DistanceNorm, ConstView, ConstView, View) { throw Error("pending"); }
}  // namespace fovea
