// SPDX-License-Identifier: Apache-2.0
//
// Fully connected layers (core/ops/linear.h) by oneDNN's matrix products, on weights as they lie, [O, I].
//
// Forward computes y^T = w x^T and then transposes, which is several times faster than x w^T at the small batches of
// training: the rows of w, by far the largest operand, are read once and in order, and nothing has to be repacked. Both
// gradients are plain products, for which oneDNN's sgemm beats its matmul at these shapes.
#include "core/support/parallel.h"
#include "cpu/arguments.h"
#include "cpu/cpu_ops.h"
#include "cpu/openmp.h"

namespace fovea {
namespace {

using dnnl::memory;
using Tag = memory::format_tag;

LinearGeometry checked(const cpu::Arguments& arguments, const LinearOptions& options, const Shape& x) {
  return arguments.geometry([&] { return linear_geometry(options, x); });
}

// y[n,o] = t[o,n] + bias[o], in tiles that fit the nearest cache.
void transpose_rows(const LinearGeometry& g, std::int64_t begin, std::int64_t end, const float* t, const float* bias,
                    float* y) {
  constexpr std::int64_t tile = 32;
  for (std::int64_t o0 = begin; o0 < end; o0 += tile)
    for (std::int64_t n0 = 0; n0 < g.N; n0 += tile)
      for (std::int64_t n = n0; n < std::min(n0 + tile, g.N); ++n)
        for (std::int64_t o = o0; o < std::min(o0 + tile, end); ++o)
          y[n * g.O + o] = t[o * g.N + n] + (bias ? bias[o] : 0.0f);
}

}  // namespace

cpu::LinearProduct& CpuOps::linear_product(const LinearGeometry& g) {
  const auto threads = use_openmp_threads();
  auto [known, missing] = products_.try_emplace(cpu::PrimitiveKey{threads, g.N, g.I, g.O});
  cpu::LinearProduct& p = known->second;
  if (!missing) return p;
  const auto f32 = memory::data_type::f32;
  const memory::desc w({g.O, g.I}, f32, Tag::ab), x({g.I, g.N}, f32, Tag::ba), y({g.O, g.N}, f32, Tag::ab);
  const dnnl::matmul::primitive_desc desc(cpu::onednn_engine(), w, x, y, cpu::with_user_scratchpad());
  p.product = dnnl::matmul(desc);
  const auto on_engine = [](const memory::desc& d) { return memory(d, cpu::onednn_engine(), nullptr); };
  p.w = on_engine(w), p.x = on_engine(x), p.y = on_engine(y), p.scratchpad = on_engine(desc.scratchpad_desc());
  p.y_bytes = cpu::aligned(static_cast<std::size_t>(g.O * g.N) * sizeof(float));
  p.scratchpad_bytes = desc.scratchpad_desc().get_size();
  return p;
}

std::size_t CpuOps::linear_workspace(LinearPass pass, const LinearOptions& options, const Shape& x) {
  if (pass != LinearPass::forward) return 0;
  return cpu::guarded("linear", [&] {
    const cpu::LinearProduct& p = linear_product(linear_geometry(options, x));
    return p.y_bytes + p.scratchpad_bytes;
  });
}

void CpuOps::linear_forward(const LinearOptions& options, ConstView x, ConstView w, ConstView bias, View y,
                            Workspace workspace) {
  const cpu::Arguments arguments("linear_forward", "x", x);
  const LinearGeometry g = checked(arguments, options, x.shape);
  arguments.plain("x", x, x.shape);
  arguments.plain("w", w, {g.O, g.I});
  if (bias) arguments.plain("bias", bias, Shape{g.O});
  arguments.plain("y", y, {g.N, g.O});
  float* const transposed = static_cast<float*>(workspace.data);
  cpu::guarded("linear", [&] {
    cpu::LinearProduct& p = linear_product(g);
    require(workspace.bytes >= p.y_bytes + p.scratchpad_bytes, [&] {
      return "linear: expected a workspace of " + std::to_string(p.y_bytes + p.scratchpad_bytes) + " bytes, got " +
             std::to_string(workspace.bytes);
    });
    p.w.set_data_handle(const_cast<void*>(w.data));  // oneDNN has no const memory
    p.x.set_data_handle(const_cast<void*>(x.data));
    p.y.set_data_handle(transposed);
    p.scratchpad.set_data_handle(static_cast<char*>(workspace.data) + p.y_bytes);
    p.product.execute(
        cpu::onednn_stream(),
        {{DNNL_ARG_SRC, p.w}, {DNNL_ARG_WEIGHTS, p.x}, {DNNL_ARG_DST, p.y}, {DNNL_ARG_SCRATCHPAD, p.scratchpad}});
  });
  const float* b = bias ? data_as<float>(bias) : nullptr;
  float* to = data_as<float>(y);
  parallel_ranges(g.O, 8192 / g.N + 1,
                  [&](std::int64_t begin, std::int64_t end) { transpose_rows(g, begin, end, transposed, b, to); });
  ++executed_;
}

void CpuOps::linear_backward_data(const LinearOptions& options, ConstView dy, ConstView w, View dx, Workspace) {
  const cpu::Arguments arguments("linear_backward_data", "dx", dx);
  const LinearGeometry g = checked(arguments, options, dx.shape);
  arguments.plain("dx", dx, dx.shape);
  arguments.plain("w", w, {g.O, g.I});
  arguments.plain("dy", dy, {g.N, g.O});
  use_openmp_threads();
  cpu::guarded("linear", [&] {
    dnnl::sgemm('N', 'N', g.N, g.I, g.O, 1, data_as<float>(dy), g.O, data_as<float>(w), g.I, 0, data_as<float>(dx),
                g.I);
  });
  ++executed_;
}

void CpuOps::linear_backward_weight(const LinearOptions& options, ConstView x, ConstView dy, View dw, Workspace) {
  const cpu::Arguments arguments("linear_backward_weight", "x", x);
  const LinearGeometry g = checked(arguments, options, x.shape);
  arguments.plain("x", x, x.shape);
  arguments.plain("dy", dy, {g.N, g.O});
  arguments.plain("dw", dw, {g.O, g.I});
  use_openmp_threads();
  cpu::guarded("linear", [&] {
    dnnl::sgemm('T', 'N', g.O, g.I, g.N, 1, data_as<float>(dy), g.O, data_as<float>(x), g.I, 0, data_as<float>(dw),
                g.I);
  });
  ++executed_;
}

}  // namespace fovea
