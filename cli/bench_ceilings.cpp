// SPDX-License-Identifier: Apache-2.0
#include "cli/bench_ceilings.h"

#include <nlohmann/json.hpp>

#include "cli/random_batch.h"
#include "core/support/error.h"
#include "core/support/parallel.h"

namespace fovea::cli {
namespace {

// On the host one thread does not fill the memory bus, so each copies its part.
double copy_rate(Backend& backend, std::size_t bytes, const TimingOptions& options) {
  const std::shared_ptr<Memory> memory = backend.memory();
  const Shape shape{static_cast<std::int64_t>(bytes)};
  Tensor from = Tensor::zeros(shape, DType::u8, memory), to(shape, DType::u8, memory);
  const std::int64_t parts = thread_count();
  const auto begin_of = [&](std::int64_t part) {
    return bytes / static_cast<std::size_t>(parts) * static_cast<std::size_t>(part);
  };
  const Timing timing = measure(backend, options, [&] {
    parallel_for(parts, [&](std::int64_t part) {
      const std::size_t begin = begin_of(part), end = part + 1 == parts ? bytes : begin_of(part + 1);
      memory->copy(static_cast<char*>(to.view().data) + begin, static_cast<const char*>(from.view().data) + begin,
                   end - begin);
    });
  });
  return 2 * static_cast<double>(bytes) / timing.fastest();
}

// y = x w^T of n x n matrices. Random ones: a processor that multiplies zeros draws less power and runs faster.
double fastest_product(Backend& backend, Ops& ops, std::int64_t n, const TimingOptions& options, DType dtype) {
  const std::shared_ptr<Memory> memory = backend.memory();
  const LinearOptions linear{.out_features = n, .bias = false};
  const Shape shape{n, n};
  const Tensor values = random_values(shape).converted(dtype);
  Tensor x = values.to(memory), w = values.to(memory), y(shape, dtype, memory);
  const std::size_t bytes = ops.linear_workspace_in(LinearPass::forward, linear, shape, dtype);
  Tensor workspace(Shape{static_cast<std::int64_t>(bytes)}, DType::u8, memory);
  const Workspace space{bytes > 0 ? workspace.view().data : nullptr, bytes};
  return measure(backend, options,
                 [&] { ops.linear_forward(linear, x.view(), w.view(), ConstView(), y.view(), space); })
      .fastest();
}

// Large enough that starting the product costs nothing, small enough that a slow device ends it.
std::int64_t fitting_matrix_size(Backend& backend, Ops& ops, DType dtype) {
  constexpr std::int64_t smallest = 128, largest = 8192;
  constexpr double long_enough = 0.05;
  std::int64_t n = smallest;
  while (n < largest && fastest_product(backend, ops, n, {.repeats = 1, .min_seconds = 0}, dtype) < long_enough) n *= 2;
  return n;
}

}  // namespace

Ceilings measure_ceilings(Backend& backend, const TimingOptions& options, DType dtype) {
  Ops* const own = backend.choose("linear", Direction::forward, {}).ops;
  return measure_ceilings(backend, options, dtype, std::span(&own, 1));
}

Ceilings measure_ceilings(Backend& backend, const TimingOptions& options, DType dtype, std::span<Ops* const> products) {
  Ceilings ceilings;
  ceilings.copy_bytes = std::size_t{256} << 20;
  ceilings.bytes_per_second = copy_rate(backend, ceilings.copy_bytes, options);
  std::string refusal = "nobody computes one";
  for (Ops* const ops : products) {
    try {
      const std::int64_t size = fitting_matrix_size(backend, *ops, dtype);
      const auto n = static_cast<double>(size);
      const double rate = 2 * n * n * n / fastest_product(backend, *ops, size, options, dtype);
      if (rate > ceilings.flops_per_second) ceilings.matrix_size = size, ceilings.flops_per_second = rate;
    } catch (const InputError& error) {  // who refuses the product is not the fastest at it
      refusal = error.what();
    }
  }
  require(ceilings.flops_per_second > 0, [&] { return "ceilings: no product of matrices: " + refusal; });
  return ceilings;
}

Json ceilings_json(const Ceilings& ceilings) {
  return {{"copy_bytes", ceilings.copy_bytes},
          {"bytes_per_second", ceilings.bytes_per_second},
          {"matrix_size", ceilings.matrix_size},
          {"flops_per_second", ceilings.flops_per_second}};
}

}  // namespace fovea::cli
