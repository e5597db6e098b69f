// SPDX-License-Identifier: Apache-2.0
#include "core/support/error.h"
#include "cpu_reference/reference_ops.h"

namespace fovea {
void ReferenceOps::concat_forward(const ConcatOptions&, ConstView, std::int64_t, View) { throw Error("pending"); }
void ReferenceOps::concat_backward(const ConcatOptions&, ConstView, std::int64_t, View) { throw Error("pending"); }
void ReferenceOps::pad_forward(const PadOptions&, ConstView, View) { throw Error("pending"); }
void ReferenceOps::pad_backward(const PadOptions&, ConstView, View) { throw Error("pending"); }
void ReferenceOps::upsample2d_forward(const Upsample2dOptions&, ConstView, View) { throw Error("pending"); }
void ReferenceOps::upsample2d_backward(const Upsample2dOptions&, ConstView, View) { throw Error("pending"); }
void ReferenceOps::one_hot_forward(const OneHotOptions&, ConstView, View) { throw Error("pending"); }
}  // namespace fovea
