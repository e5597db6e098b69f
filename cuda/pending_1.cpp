// SPDX-License-Identifier: Apache-2.0
#include "core/support/error.h"
#include "cuda/native_ops.h"

namespace fovea::FOVEA_TARGET {
void NativeOps::activation_forward(const ActivationOptions&, ConstView, View) { throw Error("pending"); }
void NativeOps::activation_backward(const ActivationOptions&, ConstView, ConstView, View) { throw Error("pending"); }
void NativeOps::prelu_forward(ConstView, ConstView, View) { throw Error("pending"); }
void NativeOps::prelu_backward_data(ConstView, ConstView, ConstView, View) { throw Error("pending"); }
void NativeOps::prelu_backward_slope(ConstView, ConstView, View) { throw Error("pending"); }
void NativeOps::multiply_forward(ConstView, ConstView, View) { throw Error("pending"); }
void NativeOps::multiply_backward(ConstView, ConstView, View) { throw Error("pending"); }
void NativeOps::dropout_forward(const DropoutOptions&, RandomKey, ConstView, View) { throw Error("pending"); }
void NativeOps::dropout_backward(const DropoutOptions&, RandomKey, ConstView, View) { throw Error("pending"); }
}  // namespace fovea::FOVEA_TARGET
