// SPDX-License-Identifier: Apache-2.0
#include "cpu/arguments.h"

#include <fmt/core.h>

namespace fovea::cpu {
namespace {

std::string describe(const ConstView& view) {
  if (!view) return "none";
  return fmt::format("{} {} {} on {}", name_of(view.dtype), view.shape.to_string(), name_of(view.layout),
                     view.memory ? view.memory->device() : "no device");
}

}  // namespace

Arguments::Arguments(std::string_view operation, std::string_view name, const ConstView& main)
    : operation_(operation), layout_(main.layout) {
  if (is_16_bit(main.dtype)) fail(fmt::format("{}: device cpu stores f32 only, got {}", name, describe(main)));
  check(name, main, main.shape, DType::f32, layout_);
}

void Arguments::image(std::string_view name, const ConstView& view, const Shape& shape, DType dtype) const {
  check(name, view, shape, dtype, layout_);
}

void Arguments::plain(std::string_view name, const ConstView& view, const Shape& shape, DType dtype) const {
  check(name, view, shape, dtype, Layout::nchw);
}

void Arguments::demand(bool ok, std::string_view name, std::string_view expected, const ConstView& view) const {
  if (!ok) fail(fmt::format("{}: expected {}, got {}", name, expected, describe(view)));
}

void Arguments::fail(std::string_view message) const { throw InputError(fmt::format("{}: {}", operation_, message)); }

void Arguments::check(std::string_view name, const ConstView& view, const Shape& shape, DType dtype,
                      Layout layout) const {
  if (view && view.memory == host_memory().get() && view.dtype == dtype && view.shape == shape && view.layout == layout)
    return;
  fail(fmt::format("{}: expected {} {} {} on host, got {}", name, name_of(dtype), shape.to_string(), name_of(layout),
                   describe(view)));
}

}  // namespace fovea::cpu
