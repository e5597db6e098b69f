// SPDX-License-Identifier: Apache-2.0
#include "cpu/onednn.h"

namespace fovea::cpu {

const dnnl::engine& onednn_engine() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

dnnl::stream& onednn_stream() {
  thread_local dnnl::stream stream(onednn_engine());
  return stream;
}

dnnl::primitive_attr with_user_scratchpad() {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  // Not left to ONEDNN_DEFAULT_FPMATH_MODE, which may ask for sums of bfloat16 or TF32 products.
  attributes.set_fpmath_mode(dnnl::fpmath_mode::strict);
  return attributes;
}

dnnl::memory::format_tag tag_of(Layout layout) {
  using Tag = dnnl::memory::format_tag;
  switch (layout) {
    case Layout::nchw:
      return Tag::nchw;
    case Layout::nhwc:
      return Tag::nhwc;
    case Layout::nchw8c:
      return Tag::nChw8c;
    case Layout::nchw16c:
      return Tag::nChw16c;
  }
  return Tag::undef;
}

dnnl::memory::desc image_desc(const Shape& shape, Layout layout) {
  return {{shape[0], shape[1], shape[2], shape[3]}, dnnl::memory::data_type::f32, tag_of(layout)};
}

std::optional<Layout> layout_of(const dnnl::memory::desc& desc, const Shape& shape) {
  for (const Layout layout : {Layout::nchw16c, Layout::nchw8c, Layout::nhwc, Layout::nchw})
    if (desc == image_desc(shape, layout)) return layout;
  return std::nullopt;
}

}  // namespace fovea::cpu
