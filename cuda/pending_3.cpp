// SPDX-License-Identifier: Apache-2.0
#include "core/support/error.h"
#include "cuda/native_ops.h"

namespace fovea::FOVEA_TARGET {
void NativeOps::adaptive_avg_pool2d_forward(const AdaptivePool2dOptions&, ConstView, View) { throw Error("pending"); }
void NativeOps::adaptive_avg_pool2d_backward(const AdaptivePool2dOptions&, ConstView, View) { throw Error("pending"); }
void NativeOps::adaptive_max_pool2d_forward(const AdaptivePool2dOptions&, ConstView, View, View) {
  throw Error("pending");
}
void NativeOps::adaptive_max_pool2d_backward(const AdaptivePool2dOptions&, ConstView, ConstView, View) {
  throw Error("pending");
}
void NativeOps::lrn_forward(const LrnOptions&, ConstView, View, View) { throw Error("pending"); }
void NativeOps::lrn_backward(const LrnOptions&, ConstView, ConstView, ConstView, ConstView, View) {
  throw Error("pending");
}
void NativeOps::batch_norm_forward(const BatchNormOptions&, ConstView, ConstView, ConstView, View, View, View, View,
                                   View) {
  throw Error("pending");
}
void NativeOps::batch_norm_backward(const BatchNormOptions&, ConstView, ConstView, ConstView, ConstView, ConstView,
                                    View, View, View) {
  throw Error("pending");
}
void NativeOps::batch_norm_inference(const BatchNormOptions&, ConstView, ConstView, ConstView, ConstView, ConstView,
                                     View) {
  throw Error("pending");
}
void NativeOps::batch_norm_inference_backward(const BatchNormOptions&, ConstView, ConstView, ConstView, ConstView,
                                              ConstView, View, View, View) {
  throw Error("pending");
}
}  // namespace fovea::FOVEA_TARGET
