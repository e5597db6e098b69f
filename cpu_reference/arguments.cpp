// SPDX-License-Identifier: Apache-2.0
#include "cpu_reference/arguments.h"

#include <fmt/core.h>

namespace fovea::reference {
namespace {

std::string describe(const ConstView& view) {
  if (!view) return "nothing";
  return fmt::format("{} {}{} on {}", name_of(view.dtype), view.shape.to_string(),
                     view.layout == Layout::nchw ? "" : " (NHWC)", view.memory ? view.memory->device() : "no device");
}

bool on_host(const ConstView& view) {
  return view && view.memory == host_memory().get() && view.layout == Layout::nchw;
}

}  // namespace

Arguments::Arguments(std::string_view operation, std::string_view name, const ConstView& main)
    : operation_(operation), dtype_(main.dtype) {
  const bool stored = dtype_ == DType::f32 || is_16_bit(dtype_) || dtype_ == DType::f64;
  demand(on_host(main) && stored, name, "f32, bf16, f16 or f64 on host", main);
}

Arguments Arguments::f32_or_f64(std::string_view operation, std::string_view name, const ConstView& main) {
  Arguments arguments(operation);
  arguments.dtype_ = main.dtype;
  const bool real = main.dtype == DType::f32 || main.dtype == DType::f64;
  arguments.demand(on_host(main) && real, name, "f32 or f64 on host", main);
  return arguments;
}

void Arguments::check(std::string_view name, const ConstView& view, const Shape& shape) const {
  check(name, view, shape, dtype_);
}

void Arguments::check(std::string_view name, const ConstView& view, const Shape& shape, DType dtype) const {
  if (on_host(view) && view.dtype == dtype && view.shape == shape) return;
  demand(false, name, fmt::format("{} {} on host", name_of(dtype), shape.to_string()), view);
}

void Arguments::check_wide(std::string_view name, const ConstView& view, const Shape& shape) const {
  check(name, view, shape, dtype_ == DType::f64 ? DType::f64 : DType::f32);
}

void Arguments::demand(bool ok, std::string_view name, std::string_view expected, const ConstView& view) const {
  if (!ok) fail(fmt::format("{}: expected {}, got {}", name, expected, describe(view)));
}

void Arguments::fail(std::string_view message) const {
  throw InputError(fmt::format("reference {}: {}", operation_, message));
}

}  // namespace fovea::reference
