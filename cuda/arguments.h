// SPDX-License-Identifier: Apache-2.0
//
// Checks the arguments of one operation's call before anything is launched: a kernel given a wrong pointer or shape
// would compute nonsense without a word. Every message names the device, the operation and the argument, what was
// expected and what was given.
#pragma once
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "core/ops/workspace.h"
#include "core/support/error.h"
#include "core/tensor/tensor.h"
#include "cuda/runtime/target.h"

namespace fovea::FOVEA_TARGET {

class Arguments {
 public:
  // `memory` is where all views must lie.
  Arguments(std::string_view operation, const Memory& memory) : operation_(operation), memory_(memory) {}

  // The data of a contiguous tensor of T on this device with exactly this shape, at least one element, that lies in
  // `layout`. Throws InputError otherwise.
  template <class T = float>
  const T* in(std::string_view name, const ConstView& view, const Shape& shape, Layout layout = Layout::nchw) const {
    check(name, view, shape, dtype_of<T>::value, layout);
    return static_cast<const T*>(view.data);
  }
  template <class T = float>
  T* out(std::string_view name, const View& view, const Shape& shape, Layout layout = Layout::nchw) const {
    check(name, view, shape, dtype_of<T>::value, layout);
    return static_cast<T*>(view.data);
  }
  // The same, null for an empty view.
  const float* optional(std::string_view name, const ConstView& view, const Shape& shape) const {
    return view ? in(name, view, shape) : nullptr;
  }
  // What the ReLU before left, or null where an operation does not apply that ReLU's backward.
  template <class T>
  const T* gate(const ConstView* x, const Shape& shape, Layout layout = Layout::nchw) const {
    return x != nullptr ? in<T>("x", *x, shape, layout) : nullptr;
  }

  // How all images of a call lie, for an operation that takes them as they are: like this one of them, nchw or nhwc.
  // Throws InputError for another layout.
  Layout image_layout(std::string_view name, const ConstView& image) const;

  // Calls f(std::type_identity<T>{}) with what this tensor's elements are stored as, which the others of the contract's
  // type T share: float, bf16_t or f16_t. Throws InputError for any other type.
  template <class F>
  void with_storage(std::string_view name, const ConstView& view, F&& f) const {
    if (view.dtype == DType::f32) return f(std::type_identity<float>{});
    if (view.dtype == DType::bf16) return f(std::type_identity<bf16_t>{});
    if (view.dtype == DType::f16) return f(std::type_identity<f16_t>{});
    fail_storage(name, view);
  }

  void check(std::string_view name, const ConstView& view, const Shape& shape, DType dtype,
             Layout layout = Layout::nchw) const;
  void require_rank(std::string_view name, const ConstView& view, int at_least, int at_most) const;
  // For kernels that index with 32 bits.
  void require_indexable(std::string_view name, std::int64_t elements) const;
  void require_workspace(const Workspace& workspace, std::size_t bytes) const;

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
  [[noreturn]] void fail_storage(std::string_view name, const ConstView& view) const;

  std::string_view operation_;
  const Memory& memory_;
};

}  // namespace fovea::FOVEA_TARGET
