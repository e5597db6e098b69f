// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include "cli/bench_ladder.h"
#include "cli/commands.h"
#include "cli/random_batch.h"

namespace fovea::cli {
namespace {

struct BenchGemmFlags {
  std::int64_t size = 4096;
  LadderOptions ladder;
};

// As a linear layer has them, all of n x n: y = x w^T, dx = dy w, dw = dy^T x.
struct Product {
  LinearPass pass;
  const char* direction;
};
constexpr Product products[] = {{LinearPass::forward, "forward"},
                                {LinearPass::backward_data, "backward_data"},
                                {LinearPass::backward_weight, "backward_weight"}};

// The matrices of one call, on the device.
struct Matrices {
  Tensor first, second, result, workspace;

  Workspace space() { return {workspace.bytes() > 0 ? workspace.view().data : nullptr, workspace.bytes()}; }
};

std::function<void()> product_call(Backend& backend, std::int64_t n, LinearPass pass, DType dtype, Ops& ops) {
  const std::shared_ptr<Memory> memory = backend.memory();
  const LinearOptions options{.out_features = n, .bias = false};
  const Shape shape{n, n};
  auto t = std::make_shared<Matrices>();
  t->first = repeated_random_values(shape, dtype, Layout::nchw, memory);
  t->second = repeated_random_values(shape, dtype, Layout::nchw, memory);
  t->result = Tensor(shape, pass == LinearPass::backward_weight ? DType::f32 : dtype, memory);
  const auto bytes = static_cast<std::int64_t>(ops.linear_workspace_in(pass, options, shape, dtype));
  t->workspace = Tensor(Shape{bytes}, DType::u8, memory);
  return [t, pass, options, &ops] {
    if (pass == LinearPass::forward)
      ops.linear_forward(options, t->first.view(), t->second.view(), {}, t->result.view(), t->space());
    else if (pass == LinearPass::backward_data)
      ops.linear_backward_data(options, t->first.view(), t->second.view(), t->result.view(), t->space());
    else
      ops.linear_backward_weight(options, t->first.view(), t->second.view(), t->result.view(), t->space());
  };
}

int run_bench_gemm(const BenchGemmFlags& o, Output& out) {
  const std::unique_ptr<Backend> backend = open(o.ladder.device);
  const DType dtype = storage_of(precision_named(o.ladder.precision));
  const auto wide = static_cast<std::int64_t>(sizeof(float)), narrow = static_cast<std::int64_t>(size_of(dtype));
  const std::int64_t n = o.size;
  std::vector<LadderWork> works;
  for (const Product& product : products) {
    if (o.ladder.direction != "all" && o.ladder.direction != product.direction) continue;
    const std::int64_t result = product.pass == LinearPass::backward_weight ? wide : narrow;
    LadderWork work{"gemm", product.direction, fmt::format("{}x{}x{}", n, n, n), {{"size", n}}};
    work.flops = 2 * n * n * n;
    work.bytes = (2 * narrow + result) * n * n;
    work.prepare = [&backend = *backend, n, product, dtype](const Contestant& who) {
      return product_call(backend, n, product.pass, dtype, *who.engine.ops);
    };
    works.push_back(std::move(work));
  }
  const Json head{{"bench", "gemm"}, {"size", n}, {"direction", o.ladder.direction}};
  return run_ladder(o.ladder, *backend, "linear", head, works, out);
}

}  // namespace

Run declare_bench_gemm(Arguments& arguments) {
  auto o = std::make_shared<BenchGemmFlags>();
  arguments.integer("--size", o->size, {1, 32768}, "Rows and columns of all three matrices");
  declare(arguments, o->ladder, {"forward", "backward_data", "backward_weight"});
  arguments.footer(
      "The three products of a linear layer on square matrices, by each generation of the device's own kernels and by "
      "its\n"
      "library, where it has one: cuBLASLt on cuda, oneDNN on cpu. Read as 'fovea bench conv' is.\n\n"
      "Examples:\n"
      "  fovea bench gemm --size 4096 --precision bf16 --device cuda\n"
      "  fovea bench gemm --size 64 --device emu --no-ceilings");
  return [o](Output& out) { return run_bench_gemm(*o, out); };
}

}  // namespace fovea::cli
