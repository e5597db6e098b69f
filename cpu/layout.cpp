// SPDX-License-Identifier: Apache-2.0
//
// Images from one layout to another (core/ops/layout.h) by oneDNN, which also fills the padding with zeros.
#include "cpu/arguments.h"
#include "cpu/cpu_ops.h"
#include "cpu/openmp.h"

namespace fovea {

Layout CpuOps::layout_for(std::string_view op, DType, Layout given) const {
  // Channels side by side are what the loops of this engine are made for.
  if (op == "max_pool2d" || op == "avg_pool2d" || op == "adaptive_pool2d" || op == "batch_norm")
    return given == Layout::nchw ? Layout::nhwc : given;
  if (op == "relu" || op == "add") return given;
  return Layout::nchw;
}

bool CpuOps::fuses_relu(std::string_view op, DType) const { return op == "batch_norm" || op == "add"; }

bool CpuOps::works_in_place(std::string_view op) const { return op == "relu" || op == "add" || op == "dropout"; }

void CpuOps::convert_layout(ConstView x, View y) {
  const cpu::Arguments from("convert_layout", "x", x), to("convert_layout", "y", y);
  to.image("y", y, x.shape);
  use_openmp_threads();
  cpu::guarded("convert_layout", [&] {
    const auto& s = x.shape;
    const cpu::PrimitiveKey key{
        static_cast<std::int64_t>(x.layout), static_cast<std::int64_t>(y.layout), s[0], s[1], s[2], s[3]};
    dnnl::memory source(cpu::image_desc(s, x.layout), cpu::onednn_engine(), const_cast<void*>(x.data));
    dnnl::memory target(cpu::image_desc(s, y.layout), cpu::onednn_engine(), y.data);
    auto [reorder, missing] = reorders_.try_emplace(key);
    if (missing) reorder->second = dnnl::reorder(source, target);
    reorder->second.execute(cpu::onednn_stream(), source, target);
  });
  ++executed_;
}

}  // namespace fovea
