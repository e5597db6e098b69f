// SPDX-License-Identifier: Apache-2.0
//
// Checks the views of one operation's call against its contract in core/ops. Every message names the operation, the
// argument, what was expected and what was given.
#pragma once
#include <string_view>

#include "core/support/error.h"
#include "core/tensor/tensor.h"

namespace fovea::reference {

class Arguments {
 public:
  // `main` is the argument whose element type, f32, bf16, f16 or f64, the others share. Throws InputError for any other
  // type.
  Arguments(std::string_view operation, std::string_view name, const ConstView& main);
  // For an operation that has no 16-bit form.
  static Arguments f32_or_f64(std::string_view operation, std::string_view name, const ConstView& main);
  // For an operation on other types, which names the type of every argument.
  explicit Arguments(std::string_view operation) : operation_(operation), dtype_(DType::f32) {}

  // Each throws InputError unless the view is a host NCHW tensor of this shape and type.
  void check(std::string_view name, const ConstView& view, const Shape& shape) const;
  void check(std::string_view name, const ConstView& view, const Shape& shape, DType dtype) const;
  // The same in f32, or f64 where `main` is.
  void check_wide(std::string_view name, const ConstView& view, const Shape& shape) const;
  // Any other demand on an argument.
  void demand(bool ok, std::string_view name, std::string_view expected, const ConstView& view) const;

  // Shape arithmetic on behalf of this operation: what it throws is reported under the operation's name.
  template <class F>
  auto geometry(F&& compute) const {
    try {
      return compute();
    } catch (const InputError& error) {
      fail(error.what());
    }
  }

  // Throws InputError(message) under the operation's name.
  [[noreturn]] void fail(std::string_view message) const;

 private:
  std::string_view operation_;
  DType dtype_;
};

}  // namespace fovea::reference
