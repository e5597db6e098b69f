// SPDX-License-Identifier: Apache-2.0
#include "cuda/convolution_mma.h"

#include "cuda/conv2d_shapes.h"
#include "cuda/kernels/kernels_mma.h"
#include "cuda/workspace_pieces.h"

namespace fovea::FOVEA_TARGET {
namespace {

// A call's workspace. Cut without memory it says how much is needed.
template <class T>
struct ForwardPieces {
  T *images = nullptr, *krsc = nullptr;  // images: where they are folded

  ForwardPieces(WorkspacePieces& pieces, const Conv2dGeometry& g, const std::optional<FoldedConv2d>& folded) {
    if (folded) images = pieces.take<T>(folded->image_elements());
    krsc = pieces.take<T>(folded ? folded->filter_elements() : g.K * g.channels_per_group() * g.R * g.S);
  }
};
template <class T>
struct FilterGradientPieces {
  T* images = nullptr;  // these two where they are folded
  float *folded_dw = nullptr, *partials = nullptr;

  FilterGradientPieces(WorkspacePieces& pieces, const Conv2dGeometry& g, const std::optional<FoldedConv2d>& folded) {
    if (folded) images = pieces.take<T>(folded->image_elements());
    if (folded) folded_dw = pieces.take<float>(folded->filter_elements());
    partials = static_cast<float*>(pieces.take_bytes(conv2d_backward_filter_mma_workspace(folded ? folded->g : g)));
  }
};

std::optional<FoldedConv2d> fold_of(const Conv2dGeometry& g) { return folding_pays(g) ? fold_window(g) : std::nullopt; }

MmaTileSize tile_of(MmaFloats floats) {
  return floats == MmaFloats::fp32x3 ? MmaTileSize::fp32x3 : MmaTileSize::by_shape;
}

// The kernels index with 32 bits.
LinearGeometry indexable_geometry(const Arguments& arguments, const LinearOptions& options, const Shape& x) {
  const LinearGeometry g = arguments.geometry([&] { return linear_geometry(options, x); });
  arguments.require_indexable("x", g.N * g.I);
  arguments.require_indexable("w", g.O * g.I);
  arguments.require_indexable("y", g.N * g.O);
  return g;
}

}  // namespace

bool serves_conv2d_mma(Stream& stream, DType dtype, Layout layout) {
  return is_16_bit(dtype) && layout == Layout::nhwc && conv2d_mma_available(stream);
}

bool serves_linear_mma(Stream& stream, DType dtype) { return is_16_bit(dtype) && conv2d_mma_available(stream); }

std::size_t conv2d_mma_workspace(Conv2dPass pass, const Conv2dOptions& options, const Shape& x, DType dtype) {
  const Conv2dGeometry g = conv2d_geometry(options, x);
  const auto bytes = [&]<class T>(std::type_identity<T>) {
    WorkspacePieces pieces;
    if (pass == Conv2dPass::forward)
      ForwardPieces<T>(pieces, g, fold_of(g));
    else if (pass == Conv2dPass::backward_filter)
      FilterGradientPieces<T>(pieces, g, fold_of(g));
    else
      pieces.take<T>(g.K * g.channels_per_group() * g.R * g.S);
    return pieces.bytes();
  };
  return is_16_bit(dtype) ? bytes(std::type_identity<bf16_t>{}) : bytes(std::type_identity<float>{});
}

void run_conv2d_mma(Stream& stream, const Arguments& arguments, MmaFloats floats, bool relu,
                    const Conv2dOptions& options, const ConstView& x, const ConstView& w, const ConstView& bias,
                    const View& y, const Workspace& workspace) {
  const Conv2dShapes shapes = conv2d_shapes(arguments, options, x.shape);
  arguments.with_storage("x", x, [&]<class T>(std::type_identity<T>) {
    const Conv2dForwardData<T> data(arguments, shapes, Layout::nhwc, x, w, bias, y);
    arguments.require_workspace(workspace, conv2d_mma_workspace(Conv2dPass::forward, options, x.shape, x.dtype));
    const std::optional<FoldedConv2d> folded = fold_of(shapes.g);
    WorkspacePieces cut(workspace);
    const ForwardPieces<T> pieces(cut, shapes.g, folded);
    if (folded) {
      conv2d_fold_images(stream, shapes.g, *folded, data.x, pieces.images);
      conv2d_fold_filters(stream, shapes.g, *folded, data.w, pieces.krsc);
      conv2d_forward_mma<T>(stream, folded->g, relu, pieces.images, pieces.krsc, data.bias, data.y, tile_of(floats));
    } else {
      conv2d_filters_to_krsc(stream, shapes.g, data.w, pieces.krsc);
      conv2d_forward_mma<T>(stream, shapes.g, relu, data.x, pieces.krsc, data.bias, data.y, tile_of(floats));
    }
  });
}

void run_conv2d_backward_data_mma(Stream& stream, const Arguments& arguments, MmaFloats floats,
                                  const Conv2dOptions& options, const ConstView* x, const ConstView& dy,
                                  const ConstView& w, const View& dx, const Workspace& workspace) {
  const Conv2dShapes shapes = conv2d_shapes(arguments, options, dx.shape);
  arguments.with_storage("dx", dx, [&]<class T>(std::type_identity<T>) {
    const Conv2dBackwardDataData<T> data(arguments, shapes, Layout::nhwc, x, dy, w, dx);
    arguments.require_workspace(workspace,
                                conv2d_mma_workspace(Conv2dPass::backward_data, options, dx.shape, dx.dtype));
    T* crsk = static_cast<T*>(workspace.data);
    conv2d_filters_to_crsk(stream, shapes.g, data.w, crsk);
    conv2d_backward_data_mma<T>(stream, shapes.g, data.gate, data.dy, crsk, data.dx, tile_of(floats));
  });
}

void run_conv2d_backward_filter_mma(Stream& stream, const Arguments& arguments, MmaFloats floats,
                                    const Conv2dOptions& options, const ConstView& x, const ConstView& dy,
                                    const View& dw, const Workspace& workspace) {
  const Conv2dShapes shapes = conv2d_shapes(arguments, options, x.shape);
  arguments.with_storage("x", x, [&]<class T>(std::type_identity<T>) {
    const Conv2dBackwardFilterData<T> data(arguments, shapes, Layout::nhwc, x, dy, dw);
    arguments.require_workspace(workspace,
                                conv2d_mma_workspace(Conv2dPass::backward_filter, options, x.shape, x.dtype));
    const std::optional<FoldedConv2d> folded = fold_of(shapes.g);
    WorkspacePieces cut(workspace);
    const FilterGradientPieces<T> pieces(cut, shapes.g, folded);
    if (folded) {
      conv2d_fold_images(stream, shapes.g, *folded, data.x, pieces.images);
      conv2d_backward_filter_mma<T>(stream, folded->g, pieces.images, data.dy, pieces.folded_dw, pieces.partials,
                                    tile_of(floats));
      conv2d_unfold_filter_gradient(stream, shapes.g, *folded, pieces.folded_dw, data.dw);
    } else {
      conv2d_backward_filter_mma<T>(stream, shapes.g, data.x, data.dy, data.dw, pieces.partials, tile_of(floats));
    }
  });
}

std::size_t linear_mma_workspace(LinearPass pass, const LinearOptions& options, const Shape& x) {
  return pass == LinearPass::backward_weight ? linear_backward_weight_mma_workspace(linear_geometry(options, x)) : 0;
}

void run_linear_mma(Stream& stream, const Arguments& arguments, MmaFloats floats, bool relu,
                    const LinearOptions& options, const ConstView& x, const ConstView& w, const ConstView& bias,
                    const View& y) {
  const LinearGeometry g = indexable_geometry(arguments, options, x.shape);
  arguments.with_storage("x", x, [&]<class T>(std::type_identity<T>) {
    linear_forward_mma<T>(stream, g, relu, arguments.in<T>("x", x, x.shape), arguments.in<T>("w", w, {g.O, g.I}),
                          arguments.optional("bias", bias, {g.O}), arguments.out<T>("y", y, {g.N, g.O}),
                          tile_of(floats));
  });
}

void run_linear_backward_data_mma(Stream& stream, const Arguments& arguments, MmaFloats floats,
                                  const LinearOptions& options, const ConstView* x, const ConstView& dy,
                                  const ConstView& w, const View& dx) {
  const LinearGeometry g = indexable_geometry(arguments, options, dx.shape);
  arguments.with_storage("dx", dx, [&]<class T>(std::type_identity<T>) {
    linear_backward_data_mma<T>(stream, g, arguments.gate<T>(x, dx.shape), arguments.in<T>("dy", dy, {g.N, g.O}),
                                arguments.in<T>("w", w, {g.O, g.I}), arguments.out<T>("dx", dx, dx.shape),
                                tile_of(floats));
  });
}

void run_linear_backward_weight_mma(Stream& stream, const Arguments& arguments, MmaFloats floats,
                                    const LinearOptions& options, const ConstView& x, const ConstView& dy,
                                    const View& dw, const Workspace& workspace) {
  const LinearGeometry g = indexable_geometry(arguments, options, x.shape);
  arguments.with_storage("x", x, [&]<class T>(std::type_identity<T>) {
    const T* x_data = arguments.in<T>("x", x, x.shape);
    const T* dy_data = arguments.in<T>("dy", dy, {g.N, g.O});
    float* dw_data = arguments.out("dw", dw, {g.O, g.I});
    arguments.require_workspace(workspace, linear_mma_workspace(LinearPass::backward_weight, options, x.shape));
    linear_backward_weight_mma<T>(stream, g, x_data, dy_data, dw_data, static_cast<float*>(workspace.data),
                                  tile_of(floats));
  });
}

}  // namespace fovea::FOVEA_TARGET
