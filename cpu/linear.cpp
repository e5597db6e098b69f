// SPDX-License-Identifier: Apache-2.0
//
// Fully connected layers (core/ops/linear.h) by oneDNN's matrix products, on weights as they lie, [O, I].
//
// Forward computes y^T = w x^T and then transposes, which is several times faster than x w^T at the small batches of
// training: the rows of w, by far the largest operand, are read once and in order, and nothing has to be repacked.
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

cpu::LinearProduct& CpuOps::linear_product(LinearPass pass, const LinearGeometry& g) {
  const auto threads = use_openmp_threads();
  auto [known, missing] =
      products_.try_emplace(cpu::PrimitiveKey{static_cast<std::int64_t>(pass), threads, g.N, g.I, g.O});
  cpu::LinearProduct& p = known->second;
  if (!missing) return p;
  const auto f32 = memory::data_type::f32;
  memory::desc a, b, c;
  if (pass == LinearPass::forward) {  // y^T [O, N] = w [O, I] x^T [I, N]
    a = {{g.O, g.I}, f32, Tag::ab};
    b = {{g.I, g.N}, f32, Tag::ba};
    c = {{g.O, g.N}, f32, Tag::ab};
  } else if (pass == LinearPass::backward_data) {  // dx [N, I] = dy [N, O] w [O, I]
    a = {{g.N, g.O}, f32, Tag::ab};
    b = {{g.O, g.I}, f32, Tag::ab};
    c = {{g.N, g.I}, f32, Tag::ab};
  } else {  // dw [O, I] = dy^T [O, N] x [N, I]
    a = {{g.O, g.N}, f32, Tag::ba};
    b = {{g.N, g.I}, f32, Tag::ab};
    c = {{g.O, g.I}, f32, Tag::ab};
  }
  const dnnl::matmul::primitive_desc desc(cpu::onednn_engine(), a, b, c, cpu::with_user_scratchpad());
  p.product = dnnl::matmul(desc);
  const auto on_engine = [](const memory::desc& d) { return memory(d, cpu::onednn_engine(), nullptr); };
  p.a = on_engine(a), p.b = on_engine(b), p.c = on_engine(c), p.scratchpad = on_engine(desc.scratchpad_desc());
  p.transposed_bytes =
      pass == LinearPass::forward ? cpu::aligned(static_cast<std::size_t>(g.O * g.N) * sizeof(float)) : 0;
  p.scratchpad_bytes = desc.scratchpad_desc().get_size();
  return p;
}

std::size_t CpuOps::linear_workspace(LinearPass pass, const LinearOptions& options, const Shape& x) {
  return cpu::guarded("linear", [&] {
    const cpu::LinearProduct& p = linear_product(pass, linear_geometry(options, x));
    return p.transposed_bytes + p.scratchpad_bytes;
  });
}

void CpuOps::multiply_linear(LinearPass pass, const LinearGeometry& g, const float* a, const float* b, float* c,
                             Workspace workspace) {
  cpu::guarded("linear", [&] {
    cpu::LinearProduct& p = linear_product(pass, g);
    require(workspace.bytes >= p.transposed_bytes + p.scratchpad_bytes, [&] {
      return "linear: expected a workspace of " + std::to_string(p.transposed_bytes + p.scratchpad_bytes) +
             " bytes, got " + std::to_string(workspace.bytes);
    });
    p.a.set_data_handle(const_cast<float*>(a));
    p.b.set_data_handle(const_cast<float*>(b));
    p.c.set_data_handle(c);
    p.scratchpad.set_data_handle(static_cast<char*>(workspace.data) + p.transposed_bytes);
    p.product.execute(
        cpu::onednn_stream(),
        {{DNNL_ARG_SRC, p.a}, {DNNL_ARG_WEIGHTS, p.b}, {DNNL_ARG_DST, p.c}, {DNNL_ARG_SCRATCHPAD, p.scratchpad}});
  });
  ++executed_;
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
  multiply_linear(LinearPass::forward, g, data_as<float>(w), data_as<float>(x), transposed, workspace);
  const float* b = bias ? data_as<float>(bias) : nullptr;
  float* to = data_as<float>(y);
  parallel_ranges(g.O, 8192 / g.N + 1,
                  [&](std::int64_t begin, std::int64_t end) { transpose_rows(g, begin, end, transposed, b, to); });
}

void CpuOps::linear_backward_data(const LinearOptions& options, ConstView dy, ConstView w, View dx,
                                  Workspace workspace) {
  const cpu::Arguments arguments("linear_backward_data", "dx", dx);
  const LinearGeometry g = checked(arguments, options, dx.shape);
  arguments.plain("dx", dx, dx.shape);
  arguments.plain("w", w, {g.O, g.I});
  arguments.plain("dy", dy, {g.N, g.O});
  multiply_linear(LinearPass::backward_data, g, data_as<float>(dy), data_as<float>(w), data_as<float>(dx), workspace);
}

void CpuOps::linear_backward_weight(const LinearOptions& options, ConstView x, ConstView dy, View dw,
                                    Workspace workspace) {
  const cpu::Arguments arguments("linear_backward_weight", "x", x);
  const LinearGeometry g = checked(arguments, options, x.shape);
  arguments.plain("x", x, x.shape);
  arguments.plain("dy", dy, {g.N, g.O});
  arguments.plain("dw", dw, {g.O, g.I});
  multiply_linear(LinearPass::backward_weight, g, data_as<float>(dy), data_as<float>(x), data_as<float>(dw), workspace);
}

}  // namespace fovea
