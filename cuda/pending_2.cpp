// SPDX-License-Identifier: Apache-2.0
#include "core/support/error.h"
#include "cuda/native_ops.h"

namespace fovea::FOVEA_TARGET {
void NativeOps::concat_forward(const ConcatOptions&, ConstView, std::int64_t, View) { throw Error("pending"); }
void NativeOps::concat_backward(const ConcatOptions&, ConstView, std::int64_t, View) { throw Error("pending"); }
void NativeOps::pad_forward(const PadOptions&, ConstView, View) { throw Error("pending"); }
void NativeOps::pad_backward(const PadOptions&, ConstView, View) { throw Error("pending"); }
void NativeOps::upsample2d_forward(const Upsample2dOptions&, ConstView, View) { throw Error("pending"); }
void NativeOps::upsample2d_backward(const Upsample2dOptions&, ConstView, View) { throw Error("pending"); }
void NativeOps::one_hot_forward(const OneHotOptions&, ConstView, View) { throw Error("pending"); }
}  // namespace fovea::FOVEA_TARGET
