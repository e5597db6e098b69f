// SPDX-License-Identifier: Apache-2.0
//
// How images lie: which operations have a form for NHWC, which ask for it, and the way there and back.
#include <algorithm>
#include <array>

#include "cuda/arguments.h"
#include "cuda/kernels/kernels_nhwc.h"
#include "cuda/native_ops.h"

namespace fovea::FOVEA_TARGET {

// Inside the class an operation's name means the member: say kernels:: for the launcher.
namespace kernels = fovea::FOVEA_TARGET;

Layout NativeOps::layout_for(std::string_view op, DType, Layout given) const {
  static constexpr std::array<std::string_view, 13> as_given{
      "activation", "adaptive_pool2d", "add",      "avg_pool2d", "batch_norm", "concat", "dropout",
      "lrn",        "max_pool2d",      "multiply", "pad",        "relu",       "tanh"};
  const bool has_nhwc = std::ranges::find(as_given, op) != as_given.end();
  return given == Layout::nhwc && has_nhwc ? Layout::nhwc : Layout::nchw;
}

Conv2dLayouts NativeOps::conv2d_layouts(const Conv2dOptions& options, const Shape& x, DType dtype, Layout given, bool) {
  if (!on_tensor_cores(dtype, Layout::nhwc) && !is_depthwise(options, x, given)) return {};
  return {.x = Layout::nhwc, .y = Layout::nhwc, .dx = Layout::nhwc};
}

void NativeOps::convert_layout(ConstView x, View y) {
  const Arguments arguments("convert_layout", memory_);
  arguments.require_rank("x", x, 4, 4);
  arguments.require_indexable("x", x.elements());
  const Layout from = arguments.image_layout("x", x);
  const Layout to = from == Layout::nchw ? Layout::nhwc : Layout::nchw;
  const std::int64_t N = x.shape[0], C = x.shape[1], positions = x.shape[2] * x.shape[3];
  arguments.with_storage("x", x, [&]<class T>(std::type_identity<T>) {
    const T* x_data = arguments.in<T>("x", x, x.shape, from);
    T* y_data = arguments.out<T>("y", y, x.shape, to);
    if (from == Layout::nchw)
      kernels::convert_layout(stream_, N, C, positions, x_data, y_data);
    else
      kernels::convert_layout(stream_, N, positions, C, x_data, y_data);
  });
}

}  // namespace fovea::FOVEA_TARGET
