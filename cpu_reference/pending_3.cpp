// SPDX-License-Identifier: Apache-2.0
#include "core/support/error.h"
#include "cpu_reference/reference_ops.h"

namespace fovea {
void ReferenceOps::adaptive_avg_pool2d_forward(const AdaptivePool2dOptions&, ConstView, View) {
  throw Error("pending");
}
void ReferenceOps::adaptive_avg_pool2d_backward(const AdaptivePool2dOptions&, ConstView, View) {
  throw Error("pending");
}
void ReferenceOps::adaptive_max_pool2d_forward(const AdaptivePool2dOptions&, ConstView, View, View) {
  throw Error("pending");
}
void ReferenceOps::adaptive_max_pool2d_backward(const AdaptivePool2dOptions&, ConstView, ConstView, View) {
  throw Error("pending");
}
void ReferenceOps::lrn_forward(const LrnOptions&, ConstView, View, View) { throw Error("pending"); }
void ReferenceOps::lrn_backward(const LrnOptions&, ConstView, ConstView, ConstView, ConstView, View) {
  throw Error("pending");
}
void ReferenceOps::batch_norm_forward(const BatchNormOptions&, ConstView, ConstView, ConstView, View, View, View, View,
                                      View) {
  throw Error("pending");
}
void ReferenceOps::batch_norm_backward(const BatchNormOptions&, ConstView, ConstView, ConstView, ConstView, ConstView,
                                       View, View, View) {
  throw Error("pending");
}
void ReferenceOps::batch_norm_inference(const BatchNormOptions&, ConstView, ConstView, ConstView, ConstView, ConstView,
                                        View) {
  throw Error("pending");
}
void ReferenceOps::batch_norm_inference_backward(const BatchNormOptions&, ConstView, ConstView, ConstView, ConstView,
                                                 ConstView, View, View, View) {
  throw Error("pending");
}
}  // namespace fovea
