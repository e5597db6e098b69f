// SPDX-License-Identifier: Apache-2.0
//
// The 16-bit copy of the weights that an update leaves beside them (core/ops/update_memory.h), where one is wanted.
//
//   copy = w         as cast.h rounds it, after the update
#pragma once
#include <fmt/core.h>

#include "cpu_reference/cast.h"
#include "cpu_reference/dispatch.h"

namespace fovea::reference {

// `Checks`: the Arguments of this folder, or another engine's with its demand(). Throws InputError unless the copy is empty
// or a host tensor of w's shape in 16 bits.
template <class Checks>
void check_copy(const Checks& arguments, const ConstView& w, const ConstView& copy) {
  if (!copy) return;
  const bool on_host = copy.memory == host_memory().get() && copy.layout == Layout::nchw;
  arguments.demand(on_host && is_16_bit(copy.dtype) && copy.shape == w.shape, "copy",
                   fmt::format("bf16 or f16 {} on host", w.shape.to_string()), copy);
}

inline void write_copy(const ConstView& w, const View& copy) {
  if (!copy) return;
  with_real(w.dtype, [&](auto real) {
    with_storage(copy.dtype, [&](auto stored) {
      using From = decltype(real);
      using To = decltype(stored);
      cast<From, To>(w.elements(), data_as<From>(w), data_as<To>(copy));
    });
  });
}

}  // namespace fovea::reference
