// SPDX-License-Identifier: Apache-2.0
//
// Memory (where bytes live), View (a borrowed piece of it) and Tensor (an owner). The only crossings between devices
// are the named calls Tensor::to and Memory::copy_{from,to}_host; everything else throws when devices differ.
#pragma once
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/tensor/dtype.h"
#include "core/tensor/layout.h"
#include "core/tensor/shape.h"

namespace fovea {

class Tensor;
struct ConstView;

// Values on their way to the host.
class Arrival {
 public:
  virtual ~Arrival() = default;  // does not wait: what nobody asks for is dropped
  // Waits for them: host tensors in the order that they were asked for. Throws the fault of work before the copy.
  virtual const std::vector<Tensor>& wait() = 0;
};

// One device's memory. Work that a Backend issues is ordered with these calls; copy_to_host returns when the bytes
// are there, copy_from_host when the source may be changed or freed. Implementations are thread-safe.
class Memory {
 public:
  virtual ~Memory() = default;
  virtual std::string_view device() const = 0;    // "host", "emu", ...: for messages
  virtual void* allocate(std::size_t bytes) = 0;  // throws DeviceError; 256-byte aligned
  virtual void deallocate(void* data) noexcept = 0;
  // What allocations may still take in all, as far as the device knows now. Throws DeviceError when it cannot tell.
  virtual std::size_t free_bytes() const = 0;
  virtual void copy_from_host(void* device_dst, const void* host_src, std::size_t bytes) = 0;
  virtual void copy_to_host(void* host_dst, const void* device_src, std::size_t bytes) = 0;
  virtual void copy(void* device_dst, const void* device_src, std::size_t bytes) = 0;
  virtual void fill(void* device_dst, unsigned char value, std::size_t bytes) = 0;
  virtual void synchronize() = 0;
  // The same copies for who has more to do than to wait, in order with the device's work too. The bytes to send have been
  // taken over when send_from_host returns; a device may keep the caller until earlier ones have left.
  virtual void send_from_host(void* device_dst, const void* host_src, std::size_t bytes) {
    copy_from_host(device_dst, host_src, bytes);
  }
  virtual std::unique_ptr<Arrival> fetch_to_host(std::span<const ConstView> values);
};

// The memory of the process itself.
const std::shared_ptr<Memory>& host_memory();

// A borrowed, contiguous piece of device memory with its meaning. An empty view (data == nullptr) stands for "none".
struct View {
  void* data = nullptr;
  Shape shape;
  DType dtype = DType::f32;
  Layout layout = Layout::nchw;
  const Memory* memory = nullptr;

  explicit operator bool() const { return data != nullptr; }
  std::int64_t elements() const { return shape.elements(); }
  std::size_t bytes() const { return static_cast<std::size_t>(storage_elements(shape, layout)) * size_of(dtype); }
  // The same bytes under another shape of equal size. Throws InputError when the sizes differ.
  View reshaped(const Shape& to) const;
};

struct ConstView {
  const void* data = nullptr;
  Shape shape;
  DType dtype = DType::f32;
  Layout layout = Layout::nchw;
  const Memory* memory = nullptr;

  ConstView() = default;
  ConstView(const void* d, Shape s, DType t, Layout l, const Memory* m)
      : data(d), shape(s), dtype(t), layout(l), memory(m) {}
  ConstView(const View& v) : ConstView(v.data, v.shape, v.dtype, v.layout, v.memory) {}

  explicit operator bool() const { return data != nullptr; }
  std::int64_t elements() const { return shape.elements(); }
  std::size_t bytes() const { return static_cast<std::size_t>(storage_elements(shape, layout)) * size_of(dtype); }
  ConstView reshaped(const Shape& to) const;
};

// Typed access for code that runs where the bytes are. Throws InputError when T is not the view's dtype.
template <class T>
T* data_as(const View& v);
template <class T>
const T* data_as(const ConstView& v);

class Tensor {
 public:
  Tensor() = default;
  // Uninitialised storage on `memory`.
  explicit Tensor(Shape shape, DType dtype = DType::f32, std::shared_ptr<Memory> memory = host_memory(),
                  Layout layout = Layout::nchw);
  // A host tensor holding `values`; throws InputError when their number is not shape.elements().
  template <class T>
  static Tensor from(Shape shape, std::span<const T> values);
  static Tensor from(Shape shape, std::initializer_list<float> values);
  static Tensor zeros(Shape shape, DType dtype = DType::f32, std::shared_ptr<Memory> memory = host_memory());

  bool empty() const { return storage_ == nullptr; }
  const Shape& shape() const { return shape_; }
  DType dtype() const { return dtype_; }
  Layout layout() const { return layout_; }
  std::int64_t elements() const { return shape_.elements(); }
  std::size_t bytes() const { return static_cast<std::size_t>(storage_elements(shape_, layout_)) * size_of(dtype_); }
  const std::shared_ptr<Memory>& memory() const { return memory_; }
  bool on_host() const { return memory_ == host_memory(); }

  // A deep copy on `memory`; also when it already lives there.
  Tensor to(const std::shared_ptr<Memory>& memory) const;
  Tensor to_host() const { return to(host_memory()); }
  // The same values in another layout, on the host. Throws InputError off the host, or for a shape that is not 4-D.
  Tensor in_layout(Layout layout) const;
  // Shares storage. Throws InputError when the sizes differ.
  Tensor reshaped(const Shape& to) const;
  // Element conversion on the host (f32 <-> f64, bf16, f16, u8, ...). Throws InputError off the host.
  Tensor converted(DType dtype) const;

  View view();
  ConstView view() const;
  // The elements as host values, in the order of the layout, its padding included. Throws InputError off the host or when T is not the dtype.
  template <class T>
  std::span<T> span();
  template <class T>
  std::span<const T> span() const;

 private:
  Shape shape_;
  DType dtype_ = DType::f32;
  Layout layout_ = Layout::nchw;
  std::shared_ptr<Memory> memory_;
  std::shared_ptr<void> storage_;
};

}  // namespace fovea
