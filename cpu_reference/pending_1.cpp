// SPDX-License-Identifier: Apache-2.0
#include "core/support/error.h"
#include "cpu_reference/reference_ops.h"

namespace fovea {
void ReferenceOps::activation_forward(const ActivationOptions&, ConstView, View) { throw Error("pending"); }
void ReferenceOps::activation_backward(const ActivationOptions&, ConstView, ConstView, View) { throw Error("pending"); }
void ReferenceOps::prelu_forward(ConstView, ConstView, View) { throw Error("pending"); }
void ReferenceOps::prelu_backward_data(ConstView, ConstView, ConstView, View) { throw Error("pending"); }
void ReferenceOps::prelu_backward_slope(ConstView, ConstView, View) { throw Error("pending"); }
void ReferenceOps::multiply_forward(ConstView, ConstView, View) { throw Error("pending"); }
void ReferenceOps::multiply_backward(ConstView, ConstView, View) { throw Error("pending"); }
void ReferenceOps::dropout_forward(const DropoutOptions&, RandomKey, ConstView, View) { throw Error("pending"); }
void ReferenceOps::dropout_backward(const DropoutOptions&, RandomKey, ConstView, View) { throw Error("pending"); }
}  // namespace fovea
