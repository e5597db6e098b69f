// SPDX-License-Identifier: Apache-2.0
#include "cpu/conv2d_onednn.h"

#include "core/support/error.h"
#include "cpu/openmp.h"

namespace fovea::cpu {
namespace {

using dnnl::memory;
using Tag = memory::format_tag;

struct Descriptors {
  memory::desc x, y, filters, bias;
  memory::desc plain_filters;
  memory::dims strides, dilations, padding_before, padding_after;
};

struct ImageLayouts {
  Layout x = Layout::nchw, y = Layout::nchw;
};

// oneDNN goes by names: blocks of 16 beside nhwc find no fast implementation, although 16 channels lie alike in both.
ImageLayouts in_one_style(ImageLayouts layouts, const Shape& x, const Shape& y) {
  if (layouts.x == Layout::nchw16c && same_bytes(y, layouts.y, layouts.x)) layouts.y = layouts.x;
  if (layouts.y == Layout::nchw16c && same_bytes(x, layouts.x, layouts.y)) layouts.x = layouts.y;
  return layouts;
}

Descriptors describe(const Conv2dOptions& options, const Shape& x, ImageLayouts layouts, bool with_bias) {
  const Conv2dGeometry g = conv2d_geometry(options, x);
  layouts = in_one_style(layouts, x, {g.N, g.K, g.P, g.Q});
  const auto f32 = memory::data_type::f32;
  const bool grouped = g.groups > 1;
  const memory::dims filter = grouped ? memory::dims{g.groups, g.filters_per_group(), g.channels_per_group(), g.R, g.S}
                                      : memory::dims{g.K, g.C, g.R, g.S};
  return {.x = image_desc(x, layouts.x),
          .y = image_desc({g.N, g.K, g.P, g.Q}, layouts.y),
          .filters = memory::desc(filter, f32, Tag::any),
          .bias = with_bias ? memory::desc({g.K}, f32, Tag::a) : memory::desc(),
          .plain_filters = memory::desc(filter, f32, grouped ? Tag::goihw : Tag::oihw),
          .strides = {options.stride.h, options.stride.w},
          .dilations = {options.dilation.h - 1, options.dilation.w - 1},
          .padding_before = {options.padding.top, options.padding.left},
          .padding_after = {options.padding.bottom, options.padding.right}};
}

using Forward = dnnl::convolution_forward;
using BackwardData = dnnl::convolution_backward_data;
using BackwardFilter = dnnl::convolution_backward_weights;
constexpr auto direct = dnnl::algorithm::convolution_direct;

// As for training also in inference, where oneDNN would choose nhwc, at which small images are half as fast.
Forward::primitive_desc forward_desc(const Descriptors& d) {
  return {onednn_engine(),
          dnnl::prop_kind::forward_training,
          direct,
          d.x,
          d.filters,
          d.bias,
          d.y,
          d.strides,
          d.dilations,
          d.padding_before,
          d.padding_after,
          with_user_scratchpad()};
}
// oneDNN's first choice for AVX2 makes 16 channels at a time also where there are fewer; its second is twice as fast then.
bool fills_up(const BackwardData::primitive_desc& desc) {
  return std::string_view(desc.impl_info_str()) == "brg_fwd:avx2+brgconv:avx2" &&
         desc.diff_src_desc().get_dims()[1] < 16;
}
BackwardData::primitive_desc data_desc(const Descriptors& d, const Forward::primitive_desc& forward) {
  BackwardData::primitive_desc desc(onednn_engine(), direct, d.x, d.filters, d.y, d.strides, d.dilations,
                                    d.padding_before, d.padding_after, forward, with_user_scratchpad());
  while (fills_up(desc) && desc.next_impl()) {
  }
  return desc;
}
// In oneDNN 3.2 the filter gradient of 1x1 filters for AVX2 is wrong for strided nhwc images whose channels do not fill
// vectors.
bool is_wrong(const BackwardFilter::primitive_desc& desc) {
  const std::string_view name = desc.impl_info_str();
  return name == "jit_1x1:avx2" &&
         (desc.src_desc().get_dims()[1] % 8 != 0 || desc.diff_dst_desc().get_dims()[1] % 8 != 0);
}
BackwardFilter::primitive_desc filter_desc(const Descriptors& d, const Forward::primitive_desc& forward) {
  BackwardFilter::primitive_desc desc(onednn_engine(), direct, d.x, d.filters, d.y, d.strides, d.dilations,
                                      d.padding_before, d.padding_after, forward, with_user_scratchpad());
  while (is_wrong(desc) && desc.next_impl()) {
  }
  return desc;
}

// oneDNN's last resort is a plain loop, a thousand times slower.
bool is_fast(const char* implementation) { return !std::string_view(implementation).starts_with("ref"); }

}  // namespace

Conv2dLayouts Conv2dOnednn::layouts(const Conv2dOptions& options, const Shape& x, Layout given, bool training) {
  use_openmp_threads();
  return guarded("conv2d", [&]() -> Conv2dLayouts {
    const Shape y = conv2d_output_shape(options, x);
    // Images of few channels, as nets begin with, have kernels of their own that read them as they are.
    const bool few_channels = x[1] <= 4;
    const auto passes_are_fast = [&](ImageLayouts layouts) {
      const Descriptors d = describe(options, x, layouts, options.bias);
      const auto forward = forward_desc(d);
      if (!is_fast(forward.impl_info_str())) return false;
      return !training || (is_fast(filter_desc(d, forward).impl_info_str()) &&
                           (few_channels || is_fast(data_desc(d, forward).impl_info_str())));
    };
    // dx goes where x came from, when that is no detour.
    const auto with_dx = [&](Layout x_layout, Layout y_layout) -> Conv2dLayouts {
      if (training && x_layout != given) {
        const Descriptors d = describe(options, x, {given, y_layout}, options.bias);
        if (is_fast(data_desc(d, forward_desc(d)).impl_info_str())) return {x_layout, y_layout, given};
      }
      return {x_layout, y_layout, x_layout};
    };
    // For AVX2 the forward pass is fastest in nhwc; oneDNN's own choice, nchw8c, gains in the filter gradient only.
    if (!training && !few_channels) {
      const std::string name =
          forward_desc(describe(options, x, {Layout::nhwc, Layout::nhwc}, options.bias)).impl_info_str();
      if (name.starts_with("brgconv") && name.ends_with(":avx2")) return {Layout::nhwc, Layout::nhwc, Layout::nhwc};
    }
    // oneDNN's own choice. Where it would fill up channels to a block, nhwc computes less.
    if (y[1] % 16 == 0 && (few_channels || x[1] % 16 == 0)) {
      Descriptors d = describe(options, x, {}, options.bias);
      d.x = memory::desc({x[0], x[1], x[2], x[3]}, memory::data_type::f32, Tag::any);
      d.y = memory::desc({y[0], y[1], y[2], y[3]}, memory::data_type::f32, Tag::any);
      const auto forward = forward_desc(d);
      const auto chosen_x = layout_of(forward.src_desc(), x), chosen_y = layout_of(forward.dst_desc(), y);
      if (chosen_x && chosen_y && passes_are_fast({*chosen_x, *chosen_y})) return with_dx(*chosen_x, *chosen_y);
    }
    // At a net's first layer of a few filters full blocks are worth it all the same, to the pooling that follows.
    if (few_channels && y[1] <= 8 && passes_are_fast({given, Layout::nchw8c})) return with_dx(given, Layout::nchw8c);
    if (few_channels && y[1] < 16 && passes_are_fast({given, Layout::nchw16c})) return with_dx(given, Layout::nchw16c);
    if (few_channels && passes_are_fast({given, Layout::nhwc})) return with_dx(given, Layout::nhwc);
    if (passes_are_fast({Layout::nhwc, Layout::nhwc})) return with_dx(Layout::nhwc, Layout::nhwc);
    return {};
  });
}

Conv2dOnednn::Primitive& Conv2dOnednn::primitive(Conv2dPass pass, const Conv2dOptions& options, const Shape& x,
                                                 Conv2dLayouts layouts, bool with_bias) {
  const ImageLayouts images{pass == Conv2dPass::backward_data ? layouts.dx : layouts.x, layouts.y};
  const PrimitiveKey key{static_cast<std::int64_t>(pass),
                         with_bias,
                         static_cast<std::int64_t>(images.x),
                         static_cast<std::int64_t>(images.y),
                         use_openmp_threads(),
                         options.out_channels,
                         options.groups,
                         options.kernel.h,
                         options.kernel.w,
                         options.stride.h,
                         options.stride.w,
                         options.dilation.h,
                         options.dilation.w,
                         options.padding.top,
                         options.padding.left,
                         options.padding.bottom,
                         options.padding.right,
                         x[0],
                         x[1],
                         x[2],
                         x[3]};
  const auto known = primitives_.find(key);
  if (known != primitives_.end()) return known->second;

  const Descriptors d = describe(options, x, images, with_bias);
  const auto forward = forward_desc(d);
  const auto on_engine = [](const memory::desc& desc) { return memory(desc, onednn_engine(), nullptr); };
  Primitive p;
  memory::desc filters, scratchpad;
  if (pass == Conv2dPass::forward) {
    p.convolution = Forward(forward);
    filters = forward.weights_desc();
    scratchpad = forward.scratchpad_desc();
  } else if (pass == Conv2dPass::backward_data) {
    const auto data = data_desc(d, forward);
    p.convolution = BackwardData(data);
    filters = data.weights_desc();
    scratchpad = data.scratchpad_desc();
  } else {
    const auto filter = filter_desc(d, forward);
    p.convolution = BackwardFilter(filter);
    filters = filter.diff_weights_desc();
    scratchpad = filter.scratchpad_desc();
  }
  p.x = on_engine(d.x);
  p.y = on_engine(d.y);
  p.with_bias = with_bias;
  if (with_bias) p.bias = on_engine(d.bias);
  p.filters = on_engine(filters);
  p.plain_filters = on_engine(d.plain_filters);
  p.scratchpad = on_engine(scratchpad);
  p.scratchpad_bytes = scratchpad.get_size();
  p.reorders = filters != d.plain_filters;
  if (p.reorders) {
    const bool out = pass == Conv2dPass::backward_filter;
    const dnnl::reorder::primitive_desc reorder(onednn_engine(), out ? filters : d.plain_filters, onednn_engine(),
                                                out ? d.plain_filters : filters);
    p.reorder = dnnl::reorder(reorder);
    p.filter_bytes = aligned(filters.get_size());
  }
  return primitives_.emplace(key, std::move(p)).first->second;
}

std::size_t Conv2dOnednn::workspace(Conv2dPass pass, const Conv2dOptions& options, const Shape& x,
                                    Conv2dLayouts layouts) {
  return guarded("conv2d", [&] {
    const Primitive& p = primitive(pass, options, x, layouts, pass == Conv2dPass::forward && options.bias);
    return p.filter_bytes + p.scratchpad_bytes;
  });
}

std::string Conv2dOnednn::implementation(Conv2dPass pass, const Conv2dOptions& options, const Shape& x,
                                         Conv2dLayouts layouts) {
  return guarded("conv2d", [&] {
    const Primitive& p = primitive(pass, options, x, layouts, pass == Conv2dPass::forward && options.bias);
    const char* name = nullptr;
    dnnl::error::wrap_c_api(dnnl_primitive_desc_query(p.convolution.get_primitive_desc(), dnnl_query_impl_info_str, 0,
                                                      static_cast<void*>(&name)),
                            "could not ask for the implementation");
    return std::string(name);
  });
}

void Conv2dOnednn::run(Conv2dPass pass, const Conv2dOptions& options, const Shape& x, Conv2dLayouts layouts,
                       const float* first, const float* second, const float* bias, float* result, Workspace workspace) {
  guarded("conv2d", [&] {
    Primitive& p = primitive(pass, options, x, layouts, bias != nullptr);
    require(workspace.bytes >= p.filter_bytes + p.scratchpad_bytes, [&] {
      return "conv2d: expected a workspace of " + std::to_string(p.filter_bytes + p.scratchpad_bytes) + " bytes, got " +
             std::to_string(workspace.bytes);
    });
    const auto read = [](const float* data) { return const_cast<float*>(data); };  // oneDNN has no const memory
    char* const scratch = static_cast<char*>(workspace.data);
    p.scratchpad.set_data_handle(scratch + p.filter_bytes);
    auto& stream = onednn_stream();
    if (pass == Conv2dPass::backward_filter) {
      p.x.set_data_handle(read(first));
      p.y.set_data_handle(read(second));
      p.plain_filters.set_data_handle(result);
      p.filters.set_data_handle(p.reorders ? reinterpret_cast<float*>(scratch) : result);
      p.convolution.execute(stream, {{DNNL_ARG_SRC, p.x},
                                     {DNNL_ARG_DIFF_DST, p.y},
                                     {DNNL_ARG_DIFF_WEIGHTS, p.filters},
                                     {DNNL_ARG_SCRATCHPAD, p.scratchpad}});
      if (p.reorders) p.reorder.execute(stream, {{DNNL_ARG_FROM, p.filters}, {DNNL_ARG_TO, p.plain_filters}});
      return;
    }
    p.plain_filters.set_data_handle(read(second));
    p.filters.set_data_handle(p.reorders ? reinterpret_cast<float*>(scratch) : read(second));
    if (p.reorders) p.reorder.execute(stream, {{DNNL_ARG_FROM, p.plain_filters}, {DNNL_ARG_TO, p.filters}});
    if (pass == Conv2dPass::forward) {
      p.x.set_data_handle(read(first));
      p.y.set_data_handle(result);
      std::unordered_map<int, memory> arguments{
          {DNNL_ARG_SRC, p.x}, {DNNL_ARG_WEIGHTS, p.filters}, {DNNL_ARG_DST, p.y}, {DNNL_ARG_SCRATCHPAD, p.scratchpad}};
      if (p.with_bias) {
        p.bias.set_data_handle(read(bias));
        arguments.emplace(DNNL_ARG_BIAS, p.bias);
      }
      p.convolution.execute(stream, arguments);
    } else {
      p.y.set_data_handle(read(first));
      p.x.set_data_handle(result);
      p.convolution.execute(stream, {{DNNL_ARG_DIFF_DST, p.y},
                                     {DNNL_ARG_WEIGHTS, p.filters},
                                     {DNNL_ARG_DIFF_SRC, p.x},
                                     {DNNL_ARG_SCRATCHPAD, p.scratchpad}});
    }
  });
}

}  // namespace fovea::cpu
