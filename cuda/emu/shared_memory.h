// SPDX-License-Identifier: Apache-2.0
//
// Shared memory of an emulated block. Every array is a slot of the block's arena, at a fresh place between guard
// gaps, filled with bytes 0xFF (a float NaN, an integer -1) before the block's first thread sees it.
#pragma once
#include <cstddef>
#include <type_traits>

namespace fovea::emu {

// The slot of this block for the array declared at `site` (the address of a variable unique to the declaration).
// Throws inside the engine when the block's shared memory is used up.
void* shared_slot(const void* site, std::size_t bytes, std::size_t alignment, const char* name, const char* file,
                  int line);
void* dynamic_shared_slot();
void mark_shared_written(const void* cell, std::size_t bytes);
void require_shared_written(const void* cell, const char* file, int line);

#define FOVEA_SHARED(T, name, extents)                                                    \
  static constexpr char name##_shared_site = 0;                                           \
  using name##_shared_type = T extents;                                                   \
  name##_shared_type& name = *static_cast<name##_shared_type*>(::fovea::emu::shared_slot( \
      &name##_shared_site, sizeof(name##_shared_type), alignof(name##_shared_type), #name, __FILE__, __LINE__))

template <class T>
T* dynamic_shared() {
  static_assert(alignof(T) <= 16);
  return static_cast<T*>(dynamic_shared_slot());
}

// An element of a shared array that knows whether it was written. A plain T on the device.
template <class T>
class shared_cell {
 public:
  shared_cell() = default;
  shared_cell(const shared_cell& other) : shared_cell() { *this = static_cast<T>(other); }
  shared_cell& operator=(const shared_cell& other) { return *this = static_cast<T>(other); }
  shared_cell& operator=(T value) {
    value_ = value;
    mark_shared_written(this, sizeof(T));
    return *this;
  }
  operator T() const { return read(); }
  T read(const char* file = __builtin_FILE(), int line = __builtin_LINE()) const {
    require_shared_written(this, file, line);
    return value_;
  }
  shared_cell& operator+=(T value) { return *this = static_cast<T>(*this) + value; }
  shared_cell& operator-=(T value) { return *this = static_cast<T>(*this) - value; }
  shared_cell& operator*=(T value) { return *this = static_cast<T>(*this) * value; }

 private:
  T value_;
};

}  // namespace fovea::emu
