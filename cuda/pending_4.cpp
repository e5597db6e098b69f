// SPDX-License-Identifier: Apache-2.0
#include "core/support/error.h"
#include "cuda/native_ops.h"

namespace fovea::FOVEA_TARGET {
void NativeOps::log_softmax_forward(ConstView, View) { throw Error("pending"); }
void NativeOps::log_softmax_backward(ConstView, ConstView, View) { throw Error("pending"); }
void NativeOps::hinge_loss_forward(const HingeLossOptions&, ConstView, ConstView, View, View) {
  throw Error("pending");
}
void NativeOps::hinge_loss_backward(const HingeLossOptions&, ConstView, ConstView, ConstView, View) {
  throw Error("pending");
}
void NativeOps::mean_squared_error_forward(ConstView, ConstView, View, View) { throw Error("pending"); }
void NativeOps::mean_squared_error_backward(ConstView, ConstView, ConstView, View) { throw Error("pending"); }
void NativeOps::binary_cross_entropy_forward(ConstView, ConstView, View, View) { throw Error("pending"); }
void NativeOps::binary_cross_entropy_backward(ConstView, ConstView, ConstView, View) { throw Error("pending"); }
void NativeOps::distance_forward(DistanceNorm, ConstView, ConstView, View) { throw Error("pending"); }
}  // namespace fovea::FOVEA_TARGET
