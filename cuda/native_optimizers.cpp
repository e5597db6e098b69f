// SPDX-License-Identifier: Apache-2.0
//
// Updates of parameters, and what is done to their gradients before.
#include "cuda/native_ops.h"

#include "cuda/arguments.h"
#include "cuda/kernels/kernels.h"

namespace fovea::FOVEA_TARGET {

// Inside the class an operation's name means the member: say kernels:: for the launcher.
namespace kernels = fovea::FOVEA_TARGET;

void NativeOps::sgd_step(const SgdOptions& options, View w, ConstView g, View v) {
  if (w.elements() == 0 && g.elements() == 0 && v.elements() == 0) return;  // a net without parameters
  const Arguments arguments("sgd_step", memory_);
  kernels::sgd_step(stream_, options, w.elements(), arguments.out("w", w, w.shape), arguments.in("g", g, w.shape),
                    arguments.out("v", v, w.shape));
}

void NativeOps::adam_step(const AdamOptions& options, View w, ConstView g, View m, View v) {
  const Arguments arguments("adam_step", memory_);
  kernels::adam_step(stream_, options, w.elements(), arguments.out("w", w, w.shape), arguments.in("g", g, w.shape),
                     arguments.out("m", m, w.shape), arguments.out("v", v, w.shape));
}

void NativeOps::rmsprop_step(const RmspropOptions& options, View w, ConstView g, View v, View b) {
  const Arguments arguments("rmsprop_step", memory_);
  kernels::rmsprop_step(stream_, options, w.elements(), arguments.out("w", w, w.shape), arguments.in("g", g, w.shape),
                        arguments.out("v", v, w.shape), arguments.out("b", b, w.shape));
}

void NativeOps::adagrad_step(const AdagradOptions& options, View w, ConstView g, View v) {
  const Arguments arguments("adagrad_step", memory_);
  kernels::adagrad_step(stream_, options, w.elements(), arguments.out("w", w, w.shape), arguments.in("g", g, w.shape),
                        arguments.out("v", v, w.shape));
}

void NativeOps::average_step(double decay, View a, ConstView w) {
  const Arguments arguments("average_step", memory_);
  kernels::average_step(stream_, decay, a.elements(), arguments.out("a", a, a.shape), arguments.in("w", w, a.shape));
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

}  // namespace fovea::FOVEA_TARGET
