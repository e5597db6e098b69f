// SPDX-License-Identifier: Apache-2.0
//
// Updates of parameters, and what is done to their gradients before.
#include "cpu_reference/reference_ops.h"

#include "cpu_reference/adagrad.h"
#include "cpu_reference/adam.h"
#include "cpu_reference/average.h"
#include "cpu_reference/dispatch.h"
#include "cpu_reference/gradient_clip.h"
#include "cpu_reference/halt.h"
#include "cpu_reference/nonfinite.h"
#include "cpu_reference/rmsprop.h"
#include "cpu_reference/sgd.h"
#include "cpu_reference/sum_of_squares.h"
#include "cpu_reference/weight_copy.h"

namespace fovea {

using reference::Arguments;
using reference::with_real;
using reference::with_storage;

void ReferenceOps::sgd_step(const SgdOptions& options, View w, ConstView g, View v, View copy) {
  const Arguments arguments = Arguments::f32_or_f64("sgd_step", "w", w);
  arguments.check("g", g, w.shape);
  arguments.check("v", v, w.shape);
  reference::check_copy(arguments, w, copy);
  if (is_halted(options.memory.halt)) return;
  with_real(w.dtype, [&](auto real) {
    using T = decltype(real);
    reference::sgd_step<T>(options, w.elements(), data_as<T>(w), data_as<T>(g), data_as<T>(v));
  });
  reference::write_copy(w, copy);
  ++executed_;
}

void ReferenceOps::adam_step(const AdamOptions& options, View w, ConstView g, View m, View v, View copy) {
  const Arguments arguments = Arguments::f32_or_f64("adam_step", "w", w);
  arguments.check("g", g, w.shape);
  arguments.check("m", m, w.shape);
  arguments.check("v", v, w.shape);
  reference::check_copy(arguments, w, copy);
  if (is_halted(options.memory.halt)) return;
  with_real(w.dtype, [&](auto real) {
    using T = decltype(real);
    reference::adam_step<T>(options, w.elements(), data_as<T>(w), data_as<T>(g), data_as<T>(m), data_as<T>(v));
  });
  reference::write_copy(w, copy);
  ++executed_;
}

void ReferenceOps::rmsprop_step(const RmspropOptions& options, View w, ConstView g, View v, View b, View copy) {
  const Arguments arguments = Arguments::f32_or_f64("rmsprop_step", "w", w);
  arguments.check("g", g, w.shape);
  arguments.check("v", v, w.shape);
  arguments.check("b", b, w.shape);
  reference::check_copy(arguments, w, copy);
  if (is_halted(options.memory.halt)) return;
  with_real(w.dtype, [&](auto real) {
    using T = decltype(real);
    reference::rmsprop_step<T>(options, w.elements(), data_as<T>(w), data_as<T>(g), data_as<T>(v), data_as<T>(b));
  });
  reference::write_copy(w, copy);
  ++executed_;
}

void ReferenceOps::adagrad_step(const AdagradOptions& options, View w, ConstView g, View v, View copy) {
  const Arguments arguments = Arguments::f32_or_f64("adagrad_step", "w", w);
  arguments.check("g", g, w.shape);
  arguments.check("v", v, w.shape);
  reference::check_copy(arguments, w, copy);
  if (is_halted(options.memory.halt)) return;
  with_real(w.dtype, [&](auto real) {
    using T = decltype(real);
    reference::adagrad_step<T>(options, w.elements(), data_as<T>(w), data_as<T>(g), data_as<T>(v));
  });
  reference::write_copy(w, copy);
  ++executed_;
}

void ReferenceOps::average_step(double decay, View a, ConstView w, ConstView halt) {
  const Arguments arguments = Arguments::f32_or_f64("average_step", "a", a);
  arguments.check("w", w, a.shape);
  if (is_halted(halt)) return;
  with_real(a.dtype, [&](auto real) {
    using T = decltype(real);
    reference::average_step<T>(decay, a.elements(), data_as<T>(a), data_as<T>(w));
  });
  ++executed_;
}

std::size_t ReferenceOps::sum_of_squares_workspace(std::int64_t) { return 0; }

void ReferenceOps::sum_of_squares(ConstView x, View sum, Workspace) {
  const Arguments arguments = Arguments::f32_or_f64("sum_of_squares", "x", x);
  arguments.check("sum", sum, {1}, DType::f64);
  with_real(x.dtype, [&](auto real) {
    using T = decltype(real);
    *data_as<double>(sum) = reference::sum_of_squares<T>(x.elements(), data_as<T>(x));
  });
  ++executed_;
}

void ReferenceOps::gradient_scale(double factor, View g) {
  Arguments::f32_or_f64("gradient_scale", "g", g);
  with_real(g.dtype, [&](auto real) {
    using T = decltype(real);
    reference::gradient_scale<T>(factor, g.elements(), data_as<T>(g));
  });
  ++executed_;
}

void ReferenceOps::gradient_scale_by(ConstView factor, View g) {
  const Arguments arguments = Arguments::f32_or_f64("gradient_scale_by", "g", g);
  arguments.check("factor", factor, {1});
  with_real(g.dtype, [&](auto real) {
    using T = decltype(real);
    reference::gradient_scale<T>(*data_as<T>(factor), g.elements(), data_as<T>(g));
  });
  ++executed_;
}

void ReferenceOps::norm_factor(double limit, ConstView squares, View factor) {
  const Arguments arguments = Arguments::f32_or_f64("norm_factor", "factor", factor);
  arguments.check("factor", factor, {1});
  arguments.check("squares", squares, squares.shape, DType::f64);
  with_real(factor.dtype, [&](auto real) {
    using T = decltype(real);
    *data_as<T>(factor) = static_cast<T>(reference::norm_factor(limit, squares.elements(), data_as<double>(squares)));
  });
  ++executed_;
}

void ReferenceOps::gradient_clamp(double limit, View g) {
  Arguments::f32_or_f64("gradient_clamp", "g", g);
  with_real(g.dtype, [&](auto real) {
    using T = decltype(real);
    reference::gradient_clamp<T>(limit, g.elements(), data_as<T>(g));
  });
  ++executed_;
}

std::size_t ReferenceOps::nonfinite_workspace(std::int64_t) { return 0; }

void ReferenceOps::nonfinite(ConstView x, View first, Workspace) {
  const Arguments arguments("nonfinite", "x", x);
  arguments.check("first", first, {1}, DType::i64);
  with_storage(x.dtype, [&](auto stored) {
    using T = decltype(stored);
    *data_as<std::int64_t>(first) = reference::nonfinite<T>(x.elements(), data_as<T>(x));
  });
  ++executed_;
}

void ReferenceOps::halt_if_found(ConstView found, View halt) {
  const Arguments arguments("halt_if_found");
  arguments.check("found", found, found.shape, DType::i64);
  arguments.check("halt", halt, {1}, DType::i64);
  std::int64_t& value = *data_as<std::int64_t>(halt);
  value = reference::halt_if_found(found.elements(), data_as<std::int64_t>(found), value);
  ++executed_;
}

void ReferenceOps::restore_if_halted(ConstView halt, ConstView from, View to) {
  const Arguments arguments = Arguments::f32_or_f64("restore_if_halted", "from", from);
  arguments.check("halt", halt, {1}, DType::i64);
  arguments.check("to", to, from.shape);
  if (is_halted(halt)) host_memory()->copy(to.data, from.data, to.bytes());
  ++executed_;
}

}  // namespace fovea
