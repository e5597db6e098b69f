// SPDX-License-Identifier: Apache-2.0
//
// The linear layers of the engine "library". In f32 the product goes to y, and bias is a kernel of its own. In 16 bits
// forward leaves the product in f32, in the workspace, and bias, ReLU and rounding follow there: cuBLASLt adds a bias of
// the result's own type only, not for a single output, and its ReLU makes 0 of NaN.
#include "cuda/arguments.h"
#include "cuda/cudnn/cublaslt_loader.h"
#include "cuda/cudnn/library_ops.h"
#include "cuda/kernels/kernels.h"
#include "cuda/runtime/enqueue.h"
#include "cuda/workspace_pieces.h"

namespace fovea::cuda {

// Inside the class an operation's name means the member: say kernels:: for the launcher.
namespace kernels = fovea::cuda;

namespace {

// A gradient of the input is stored like it; all else is f32 when it leaves the product.
LinearTask linear_task(LinearPass pass, const LinearGeometry& g, DType dtype) {
  return {.pass = pass, .g = g, .operands = dtype, .result = pass == LinearPass::backward_data ? dtype : DType::f32};
}

}  // namespace

void LibraryOps::enqueue_linear(const char* name, const LinearTask& task, const void* first, const void* second,
                                void* result, Workspace workspace) {
  enqueue(stream(), name, [&] { cublaslt().run(task, first, second, result, workspace); });
}

std::size_t LibraryOps::linear_workspace(LinearPass pass, const LinearOptions& options, const Shape& x) {
  return linear_workspace_in(pass, options, x, DType::f32);
}

std::size_t LibraryOps::linear_workspace_in(LinearPass pass, const LinearOptions& options, const Shape& x,
                                            DType dtype) {
  const LinearGeometry g = linear_geometry(options, x);
  std::size_t planned = 0;
  on_device(stream(), [&] { planned = cublaslt().workspace(linear_task(pass, g, dtype)); });
  if (pass != LinearPass::forward || !is_16_bit(dtype)) return planned;
  WorkspacePieces pieces;
  pieces.take<float>(g.N * g.O);
  pieces.take_bytes(planned);
  return pieces.bytes();
}

void LibraryOps::linear_forward(const LinearOptions& options, ConstView x, ConstView w, ConstView bias, View y,
                                Workspace workspace) {
  run_linear_forward("linear_forward", false, options, x, w, bias, y, workspace);
}

void LibraryOps::linear_forward_relu(const LinearOptions& options, ConstView x, ConstView w, ConstView bias, View y,
                                     Workspace workspace) {
  if (!fuses_relu("linear", x.dtype)) return LinearOps::linear_forward_relu(options, x, w, bias, y, workspace);
  run_linear_forward("linear_forward_relu", true, options, x, w, bias, y, workspace);
}

void LibraryOps::run_linear_forward(const char* name, bool relu, const LinearOptions& options, const ConstView& x,
                                    const ConstView& w, const ConstView& bias, const View& y,
                                    const Workspace& workspace) {
  constexpr const char* launched = "cublaslt_linear_forward";
  const Arguments arguments(name, memory());
  const LinearGeometry g = arguments.geometry([&] { return linear_geometry(options, x.shape); });
  const float* bias_data = arguments.optional("bias", bias, {g.O});
  const LinearTask task = linear_task(LinearPass::forward, g, x.dtype);
  arguments.with_storage("x", x, [&]<class T>(std::type_identity<T>) {
    const T* x_data = arguments.in<T>("x", x, x.shape);
    const T* w_data = arguments.in<T>("w", w, {g.O, g.I});
    T* y_data = arguments.out<T>("y", y, {g.N, g.O});
    if constexpr (std::is_same_v<T, float>) {
      enqueue_linear(launched, task, x_data, w_data, y_data, workspace);
      if (bias) bias_add(bias, y);
    } else {
      arguments.require_workspace(workspace, linear_workspace_in(LinearPass::forward, options, x.shape, x.dtype));
      WorkspacePieces pieces(workspace);
      const std::int64_t count = g.N * g.O;
      float* sums = pieces.take<float>(count);
      const std::size_t left = workspace.bytes - pieces.bytes();
      enqueue_linear(launched, task, x_data, w_data, sums, {pieces.take_bytes(left), left});
      if (bias_data != nullptr) kernels::bias_add(stream(), g.N, g.O, 1, bias_data, sums);
      if (relu) kernels::relu_forward(stream(), count, sums, sums);
      kernels::cast(stream(), count, sums, y_data);
    }
  });
}

void LibraryOps::linear_backward_data(const LinearOptions& options, ConstView dy, ConstView w, View dx,
                                      Workspace workspace) {
  const Arguments arguments("linear_backward_data", memory());
  const LinearGeometry g = arguments.geometry([&] { return linear_geometry(options, dx.shape); });
  const LinearTask task = linear_task(LinearPass::backward_data, g, dx.dtype);
  arguments.with_storage("dx", dx, [&]<class T>(std::type_identity<T>) {
    const T* dy_data = arguments.in<T>("dy", dy, {g.N, g.O});
    const T* w_data = arguments.in<T>("w", w, {g.O, g.I});
    T* dx_data = arguments.out<T>("dx", dx, dx.shape);
    enqueue_linear("cublaslt_linear_backward_data", task, dy_data, w_data, dx_data, workspace);
  });
}

void LibraryOps::linear_backward_weight(const LinearOptions& options, ConstView x, ConstView dy, View dw,
                                        Workspace workspace) {
  const Arguments arguments("linear_backward_weight", memory());
  const LinearGeometry g = arguments.geometry([&] { return linear_geometry(options, x.shape); });
  const LinearTask task = linear_task(LinearPass::backward_weight, g, x.dtype);
  float* dw_data = arguments.out("dw", dw, {g.O, g.I});
  arguments.with_storage("x", x, [&]<class T>(std::type_identity<T>) {
    const T* x_data = arguments.in<T>("x", x, x.shape);
    const T* dy_data = arguments.in<T>("dy", dy, {g.N, g.O});
    enqueue_linear("cublaslt_linear_backward_weight", task, x_data, dy_data, dw_data, workspace);
  });
}

}  // namespace fovea::cuda
