// SPDX-License-Identifier: Apache-2.0
//
// One owner for everything a device runtime or library hands out by value and wants back by a destroy call: streams,
// events, library handles and descriptors.
#pragma once
#include <utility>

#include "cuda/runtime/target.h"

namespace fovea::FOVEA_TARGET {

// T is trivially copyable and T{} means "none". Destroy is a function object: `void operator()(T) const noexcept`.
template <class T, class Destroy>
class Handle {
 public:
  Handle() = default;
  explicit Handle(T value) : value_(value) {}
  Handle(Handle&& other) noexcept : value_(std::exchange(other.value_, T{})) {}
  Handle& operator=(Handle&& other) noexcept {
    if (this != &other) reset(std::exchange(other.value_, T{}));
    return *this;
  }
  ~Handle() { reset(); }

  T get() const { return value_; }
  explicit operator bool() const { return value_ != T{}; }
  T release() { return std::exchange(value_, T{}); }
  void reset(T value = T{}) noexcept {
    if (value_ != T{}) Destroy{}(value_);
    value_ = value;
  }
  // For creation calls with an out parameter: create(handle.out()).
  T* out() {
    reset();
    return &value_;
  }

 private:
  T value_{};
};

}  // namespace fovea::FOVEA_TARGET
