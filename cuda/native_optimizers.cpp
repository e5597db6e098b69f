// SPDX-License-Identifier: Apache-2.0
//
// Updates of parameters, and what is done to their gradients before.
#include "cuda/native_ops.h"

#include <fmt/core.h>

#include "cuda/arguments.h"
#include "cuda/kernels/kernels.h"
#include "cuda/kernels/kernels_update.h"

namespace fovea::FOVEA_TARGET {

// Inside the class an operation's name means the member: say kernels:: for the launcher.
namespace kernels = fovea::FOVEA_TARGET;

namespace {

// Of the factors and the halt of a step, where it has some in memory.
template <class Factors>
void check_step(const Arguments& arguments, const UpdateMemory& memory) {
  if (memory.factors) arguments.in("factors", memory.factors, {factor_count<Factors>});
  if (memory.halt) arguments.in<std::int64_t>("halt", memory.halt, {1});
}

// The copy of w that an update is to write.
NarrowCopy narrow_copy(const Arguments& arguments, const View& w, const View& copy) {
  if (!copy) return {};
  if (!is_16_bit(copy.dtype)) arguments.fail(fmt::format("copy: expected bf16 or f16, got {}", name_of(copy.dtype)));
  if (copy.dtype == DType::f16) return {.f16 = arguments.out<f16_t>("copy", copy, w.shape)};
  return {.bf16 = arguments.out<bf16_t>("copy", copy, w.shape)};
}

}  // namespace

void NativeOps::sgd_step(const SgdOptions& options, View w, ConstView g, View v, View copy) {
  if (w.elements() == 0 && g.elements() == 0 && v.elements() == 0) return;  // a net without parameters
  const Arguments arguments("sgd_step", memory_);
  check_step<SgdFactors>(arguments, options.memory);
  kernels::sgd_step(stream_, options, w.elements(), arguments.out("w", w, w.shape), arguments.in("g", g, w.shape),
                    arguments.out("v", v, w.shape), narrow_copy(arguments, w, copy));
}

void NativeOps::adam_step(const AdamOptions& options, View w, ConstView g, View m, View v, View copy) {
  const Arguments arguments("adam_step", memory_);
  check_step<AdamFactors<float>>(arguments, options.memory);
  kernels::adam_step(stream_, options, w.elements(), arguments.out("w", w, w.shape), arguments.in("g", g, w.shape),
                     arguments.out("m", m, w.shape), arguments.out("v", v, w.shape), narrow_copy(arguments, w, copy));
}

void NativeOps::rmsprop_step(const RmspropOptions& options, View w, ConstView g, View v, View b, View copy) {
  const Arguments arguments("rmsprop_step", memory_);
  check_step<RmspropFactors<float>>(arguments, options.memory);
  kernels::rmsprop_step(stream_, options, w.elements(), arguments.out("w", w, w.shape), arguments.in("g", g, w.shape),
                        arguments.out("v", v, w.shape), arguments.out("b", b, w.shape),
                        narrow_copy(arguments, w, copy));
}

void NativeOps::adagrad_step(const AdagradOptions& options, View w, ConstView g, View v, View copy) {
  const Arguments arguments("adagrad_step", memory_);
  check_step<AdagradFactors<float>>(arguments, options.memory);
  kernels::adagrad_step(stream_, options, w.elements(), arguments.out("w", w, w.shape), arguments.in("g", g, w.shape),
                        arguments.out("v", v, w.shape), narrow_copy(arguments, w, copy));
}

void NativeOps::average_step(double decay, View a, ConstView w, ConstView halt) {
  const Arguments arguments("average_step", memory_);
  const std::int64_t* halted = halt ? arguments.in<std::int64_t>("halt", halt, {1}) : nullptr;
  kernels::average_step(stream_, decay, halted, a.elements(), arguments.out("a", a, a.shape),
                        arguments.in("w", w, a.shape));
}

std::size_t NativeOps::sum_of_squares_workspace(std::int64_t count) {
  return static_cast<std::size_t>(sum_parts(count)) * sizeof(double);
}

void NativeOps::sum_of_squares(ConstView x, View sum, Workspace workspace) {
  const Arguments arguments("sum_of_squares", memory_);
  arguments.require_workspace(workspace, sum_of_squares_workspace(x.elements()));
  kernels::sum_of_squares(stream_, x.elements(), arguments.in("x", x, x.shape), static_cast<double*>(workspace.data),
                          arguments.out<double>("sum", sum, {1}));
}

void NativeOps::gradient_scale(double factor, View g) {
  const Arguments arguments("gradient_scale", memory_);
  kernels::gradient_scale(stream_, factor, g.elements(), arguments.out("g", g, g.shape));
}

void NativeOps::gradient_scale_by(ConstView factor, View g) {
  const Arguments arguments("gradient_scale_by", memory_);
  kernels::gradient_scale_by(stream_, arguments.in("factor", factor, {1}), g.elements(),
                             arguments.out("g", g, g.shape));
}

void NativeOps::norm_factor(double limit, ConstView squares, View factor) {
  const Arguments arguments("norm_factor", memory_);
  kernels::norm_factor(stream_, limit, squares.elements(), arguments.in<double>("squares", squares, squares.shape),
                       arguments.out("factor", factor, {1}));
}

void NativeOps::gradient_clamp(double limit, View g) {
  const Arguments arguments("gradient_clamp", memory_);
  kernels::gradient_clamp(stream_, limit, g.elements(), arguments.out("g", g, g.shape));
}

std::size_t NativeOps::nonfinite_workspace(std::int64_t count) {
  return static_cast<std::size_t>(kernels::nonfinite_parts(count)) * sizeof(std::int64_t);
}

void NativeOps::nonfinite(ConstView x, View first, Workspace workspace) {
  const Arguments arguments("nonfinite", memory_);
  arguments.require_workspace(workspace, nonfinite_workspace(x.elements()));
  arguments.with_storage("x", x, [&]<class T>(std::type_identity<T>) {
    kernels::nonfinite(stream_, x.elements(), arguments.in<T>("x", x, x.shape),
                       static_cast<std::int64_t*>(workspace.data), arguments.out<std::int64_t>("first", first, {1}));
  });
}

void NativeOps::halt_if_found(ConstView found, View halt) {
  const Arguments arguments("halt_if_found", memory_);
  kernels::halt_if_found(stream_, found.elements(), arguments.in<std::int64_t>("found", found, found.shape),
                         arguments.out<std::int64_t>("halt", halt, {1}));
}

void NativeOps::restore_if_halted(ConstView halt, ConstView from, View to) {
  const Arguments arguments("restore_if_halted", memory_);
  kernels::restore_if_halted(stream_, arguments.in<std::int64_t>("halt", halt, {1}), to.elements(),
                             arguments.in("from", from, to.shape), arguments.out("to", to, to.shape));
}

}  // namespace fovea::FOVEA_TARGET
