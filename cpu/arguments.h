// SPDX-License-Identifier: Apache-2.0
//
// Checks the views of one operation's call against its contract in core/ops, as this engine takes them: f32 host
// tensors, images in any layout as long as all of a call lie alike.
#pragma once
#include <string_view>

#include "core/support/error.h"
#include "core/tensor/tensor.h"

namespace fovea::cpu {

class Arguments {
 public:
  // `main` is an image or another tensor whose layout all images of the call share.
  Arguments(std::string_view operation, std::string_view name, const ConstView& main);

  // Each throws InputError naming the operation, the argument, what was expected and what was given.
  void image(std::string_view name, const ConstView& view, const Shape& shape, DType dtype = DType::f32) const;
  void plain(std::string_view name, const ConstView& view, const Shape& shape, DType dtype = DType::f32) const;
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
  [[noreturn]] void fail(std::string_view message) const;

 private:
  void check(std::string_view name, const ConstView& view, const Shape& shape, DType dtype, Layout layout) const;

  std::string_view operation_;
  Layout layout_;
};

}  // namespace fovea::cpu
