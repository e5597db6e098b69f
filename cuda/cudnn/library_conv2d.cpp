// SPDX-License-Identifier: Apache-2.0
//
// The convolutions of the engine "library". A pass goes one of three ways, by type, layout and geometry alone:
//
//   f32                     cuDNN on the tensors as they are; bias and ReLU are kernels of their own
//   16 bits as they are     images in nhwc, forward and data gradient: cuDNN on tensor cores, with bias and ReLU in the
//                           same graph; filters are brought to KRSC in the workspace
//   16 bits by way of f32   everything else: operands are copied to f32, which is exact, and what comes out is rounded
//                           once. All filter gradients go this way, which are f32: cuDNN would round them to 16 bits.
//                           TF32 holds the copies' numbers as they are, so tensor cores multiply them all the same.
#include <limits>

#include "cuda/arguments.h"
#include "cuda/conv2d_shapes.h"
#include "cuda/cudnn/library_ops.h"
#include "cuda/kernels/kernels.h"
#include "cuda/kernels/kernels_mma.h"
#include "cuda/kernels/kernels_nhwc.h"
#include "cuda/runtime/enqueue.h"
#include "cuda/workspace_pieces.h"

namespace fovea::cuda {

// Inside the class an operation's name means the member: say kernels:: for the launcher.
namespace kernels = fovea::cuda;

namespace {

bool as_they_are(Conv2dPass pass, const Conv2dGeometry& g, Layout layout) {
  return pass != Conv2dPass::backward_filter && layout == Layout::nhwc && convolves_16_bits(g);
}

// What cuDNN is asked for when tensors of this type lie so; `bias` where there is one.
Conv2dTask conv2d_task(Conv2dPass pass, const Conv2dGeometry& g, DType dtype, Layout layout, bool bias) {
  if (dtype == DType::f32) return {.pass = pass, .g = g};
  if (!as_they_are(pass, g, layout)) return {.pass = pass, .g = g, .layout = layout, .fits_tf32 = true};
  return {.pass = pass, .g = g, .dtype = dtype, .layout = layout, .epilogue = bias && pass == Conv2dPass::forward};
}

std::int64_t x_elements(const Conv2dGeometry& g) { return g.N * g.C * g.H * g.W; }
std::int64_t w_elements(const Conv2dGeometry& g) { return g.K * g.channels_per_group() * g.R * g.S; }
std::int64_t y_elements(const Conv2dGeometry& g) { return g.N * g.K * g.P * g.Q; }

// The workspace of a pass in 16 bits. Only what the way needs is not null.
template <class T>
struct Pieces16 {
  T* filters = nullptr;  // in KRSC
  float* x = nullptr;    // by way of f32: copies of the three, of which the pass leaves one,
  float* w = nullptr;    // filters in the task's order,
  float* y = nullptr;
  float* w_kcrs = nullptr;  // and, in nhwc, in the operation's
  Workspace cudnn;
  std::size_t bytes = 0;

  Pieces16(const Conv2dTask& task, std::size_t planned, WorkspacePieces pieces) {
    const Conv2dGeometry& g = task.g;
    if (is_16_bit(task.dtype)) {
      filters = pieces.take<T>(w_elements(g));
    } else {
      x = pieces.take<float>(x_elements(g));
      y = pieces.take<float>(y_elements(g));
      w = pieces.take<float>(w_elements(g));
      if (task.layout == Layout::nhwc && task.pass != Conv2dPass::backward_filter)
        w_kcrs = pieces.take<float>(w_elements(g));
    }
    cudnn = {pieces.take_bytes(planned), planned};
    bytes = pieces.bytes();
  }
};

// w as the task wants it, on the way of f32.
template <class T>
void widen_filters(Stream& stream, const Conv2dTask& task, const T* w, const Pieces16<T>& pieces) {
  const bool reordered = task.layout == Layout::nhwc;
  kernels::cast(stream, w_elements(task.g), w, reordered ? pieces.w_kcrs : pieces.w);
  if (reordered) conv2d_filters_to_krsc(stream, task.g, pieces.w_kcrs, pieces.w);
}

void add_bias(Stream& stream, const Conv2dTask& task, const float* bias, float* y) {
  const Conv2dGeometry& g = task.g;
  if (task.layout == Layout::nhwc)
    bias_nhwc_add(stream, g.N * g.P * g.Q, g.K, bias, y);
  else
    kernels::bias_add(stream, g.N, g.K, g.P * g.Q, bias, y);
}

void require_aligned(const Arguments& arguments, std::string_view name, const void* data) {
  if (reinterpret_cast<std::uintptr_t>(data) % conv2d_alignment != 0)
    arguments.fail(std::string(name) + ": expected data at a multiple of 16 bytes, as tensors of a plan lie");
}

// Calls f(std::type_identity<T>{}) with the 16-bit type.
template <class F>
void with_stored_16_bits(const Arguments& arguments, std::string_view name, const ConstView& image, F&& f) {
  if (image.dtype == DType::bf16) return f(std::type_identity<bf16_t>{});
  if (image.dtype == DType::f16) return f(std::type_identity<f16_t>{});
  arguments.fail(std::string(name) + ": expected f32, bf16 or f16, got " + std::string(name_of(image.dtype)));
}

}  // namespace

std::size_t LibraryOps::planned_bytes(const Conv2dTask& task) {
  std::size_t bytes = 0;
  on_device(stream(), [&] { bytes = cudnn().plan(task).workspace_bytes; });
  return bytes;
}

void LibraryOps::enqueue_conv2d(const char* name, const Conv2dTask& task, const void* first, const void* second,
                                void* result, Workspace workspace, Conv2dEpilogue epilogue) {
  Arguments(name, memory()).require_workspace(workspace, planned_bytes(task));
  enqueue(stream(), name, [&] { cudnn().run(task, first, second, result, workspace.data, epilogue); });
}

Conv2dLayouts LibraryOps::conv2d_layouts(const Conv2dOptions& options, const Shape& x, DType dtype, Layout, bool) {
  if (!is_16_bit(dtype) || !convolves_16_bits(conv2d_geometry(options, x))) return {};
  return {.x = Layout::nhwc, .y = Layout::nhwc, .dx = Layout::nhwc};
}

std::size_t LibraryOps::conv2d_workspace(Conv2dPass pass, const Conv2dOptions& options, const Shape& x) {
  return conv2d_workspace_in(pass, options, x, DType::f32, {});
}

std::size_t LibraryOps::conv2d_workspace_in(Conv2dPass pass, const Conv2dOptions& options, const Shape& x, DType dtype,
                                            Conv2dLayouts layouts) {
  const Layout image = pass == Conv2dPass::backward_data ? layouts.dx : layouts.x;
  const Conv2dTask task = conv2d_task(pass, conv2d_geometry(options, x), dtype, image, options.bias);
  const std::size_t planned = planned_bytes(task);
  return is_16_bit(dtype) ? Pieces16<bf16_t>(task, planned, {}).bytes : planned;
}

void LibraryOps::conv2d_forward(const Conv2dOptions& options, ConstView x, ConstView w, ConstView bias, View y,
                                Workspace workspace) {
  run_conv2d_forward("conv2d_forward", false, options, x, w, bias, y, workspace);
}

void LibraryOps::conv2d_forward_relu(const Conv2dOptions& options, ConstView x, ConstView w, ConstView bias, View y,
                                     Workspace workspace) {
  if (!fuses_relu("conv2d", x.dtype)) return Conv2dOps::conv2d_forward_relu(options, x, w, bias, y, workspace);
  run_conv2d_forward("conv2d_forward_relu", true, options, x, w, bias, y, workspace);
}

void LibraryOps::run_conv2d_forward(const char* name, bool relu, const Conv2dOptions& options, const ConstView& x,
                                    const ConstView& w, const ConstView& bias, const View& y,
                                    const Workspace& workspace) {
  constexpr const char* launched = "cudnn_conv2d_forward";
  const Arguments arguments(name, memory());
  const Conv2dShapes shapes = conv2d_shapes(arguments, options, x.shape);
  const Conv2dGeometry& g = shapes.g;
  const Layout layout = arguments.image_layout("x", x);
  const float* bias_data = arguments.optional("bias", bias, shapes.bias);
  const Conv2dTask task = conv2d_task(Conv2dPass::forward, g, x.dtype, layout, bias_data != nullptr);
  if (x.dtype == DType::f32) {
    const float* x_data = arguments.in("x", x, shapes.x);
    const float* w_data = arguments.in("w", w, shapes.w);
    float* y_data = arguments.out("y", y, shapes.y);
    enqueue_conv2d(launched, task, x_data, w_data, y_data, workspace);
    if (bias) add_bias(stream(), task, bias_data, y_data);
    return;
  }
  with_stored_16_bits(arguments, "x", x, [&]<class T>(std::type_identity<T>) {
    const T* x_data = arguments.in<T>("x", x, shapes.x, layout);
    const T* w_data = arguments.in<T>("w", w, shapes.w);
    T* y_data = arguments.out<T>("y", y, shapes.y, layout);
    const std::size_t planned = planned_bytes(task);
    arguments.require_workspace(workspace, Pieces16<T>(task, planned, {}).bytes);
    const Pieces16<T> pieces(task, planned, WorkspacePieces(workspace));
    if (is_16_bit(task.dtype)) {
      require_aligned(arguments, "x", x_data);
      require_aligned(arguments, "y", y_data);
      conv2d_filters_to_krsc(stream(), g, w_data, pieces.filters);
      enqueue_conv2d(launched, task, x_data, pieces.filters, y_data, pieces.cudnn,
                     {bias_data, relu ? 0.0f : -std::numeric_limits<float>::infinity()});
      // Convolutions without bias end in a batch norm, not in a ReLU; their graph is the product alone.
      if (relu && !task.epilogue) kernels::relu_forward(stream(), y_elements(g), y_data, y_data);
      return;
    }
    kernels::cast(stream(), x_elements(g), x_data, pieces.x);
    widen_filters(stream(), task, w_data, pieces);
    enqueue_conv2d(launched, task, pieces.x, pieces.w, pieces.y, pieces.cudnn);
    if (bias) add_bias(stream(), task, bias_data, pieces.y);
    if (relu) kernels::relu_forward(stream(), y_elements(g), pieces.y, pieces.y);
    kernels::cast(stream(), y_elements(g), pieces.y, y_data);
  });
}

void LibraryOps::conv2d_backward_data(const Conv2dOptions& options, ConstView dy, ConstView w, View dx,
                                      Workspace workspace) {
  constexpr const char* launched = "cudnn_conv2d_backward_data";
  const Arguments arguments("conv2d_backward_data", memory());
  const Conv2dShapes shapes = conv2d_shapes(arguments, options, dx.shape);
  const Conv2dGeometry& g = shapes.g;
  const Layout layout = arguments.image_layout("dx", dx);
  const Conv2dTask task = conv2d_task(Conv2dPass::backward_data, g, dx.dtype, layout, false);
  if (dx.dtype == DType::f32) {
    const float* dy_data = arguments.in("dy", dy, shapes.y);
    const float* w_data = arguments.in("w", w, shapes.w);
    return enqueue_conv2d(launched, task, dy_data, w_data, arguments.out("dx", dx, shapes.x), workspace);
  }
  with_stored_16_bits(arguments, "dx", dx, [&]<class T>(std::type_identity<T>) {
    const T* dy_data = arguments.in<T>("dy", dy, shapes.y, layout);
    const T* w_data = arguments.in<T>("w", w, shapes.w);
    T* dx_data = arguments.out<T>("dx", dx, shapes.x, layout);
    const std::size_t planned = planned_bytes(task);
    arguments.require_workspace(workspace, Pieces16<T>(task, planned, {}).bytes);
    const Pieces16<T> pieces(task, planned, WorkspacePieces(workspace));
    if (is_16_bit(task.dtype)) {
      require_aligned(arguments, "dy", dy_data);
      require_aligned(arguments, "dx", dx_data);
      conv2d_filters_to_krsc(stream(), g, w_data, pieces.filters);
      return enqueue_conv2d(launched, task, dy_data, pieces.filters, dx_data, pieces.cudnn);
    }
    kernels::cast(stream(), y_elements(g), dy_data, pieces.y);
    widen_filters(stream(), task, w_data, pieces);
    enqueue_conv2d(launched, task, pieces.y, pieces.w, pieces.x, pieces.cudnn);
    kernels::cast(stream(), x_elements(g), pieces.x, dx_data);
  });
}

void LibraryOps::conv2d_backward_filter(const Conv2dOptions& options, ConstView x, ConstView dy, View dw,
                                        Workspace workspace) {
  constexpr const char* launched = "cudnn_conv2d_backward_filter";
  const Arguments arguments("conv2d_backward_filter", memory());
  const Conv2dShapes shapes = conv2d_shapes(arguments, options, x.shape);
  const Conv2dGeometry& g = shapes.g;
  const Layout layout = arguments.image_layout("x", x);
  float* dw_data = arguments.out("dw", dw, shapes.w);
  const Conv2dTask task = conv2d_task(Conv2dPass::backward_filter, g, x.dtype, layout, false);
  if (x.dtype == DType::f32) {
    const float* x_data = arguments.in("x", x, shapes.x);
    return enqueue_conv2d(launched, task, x_data, arguments.in("dy", dy, shapes.y), dw_data, workspace);
  }
  with_stored_16_bits(arguments, "x", x, [&]<class T>(std::type_identity<T>) {
    const T* x_data = arguments.in<T>("x", x, shapes.x, layout);
    const T* dy_data = arguments.in<T>("dy", dy, shapes.y, layout);
    const std::size_t planned = planned_bytes(task);
    arguments.require_workspace(workspace, Pieces16<T>(task, planned, {}).bytes);
    const Pieces16<T> pieces(task, planned, WorkspacePieces(workspace));
    kernels::cast(stream(), x_elements(g), x_data, pieces.x);
    kernels::cast(stream(), y_elements(g), dy_data, pieces.y);
    const bool reordered = layout == Layout::nhwc;
    enqueue_conv2d(launched, task, pieces.x, pieces.y, reordered ? pieces.w : dw_data, pieces.cudnn);
    if (reordered) conv2d_filters_from_krsc(stream(), g, pieces.w, dw_data);
  });
}

}  // namespace fovea::cuda
