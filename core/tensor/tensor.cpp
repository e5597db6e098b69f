// SPDX-License-Identifier: Apache-2.0
#include "core/tensor/tensor.h"

#include <cstring>
#include <new>
#include <optional>
#include <vector>

#include "core/support/available_memory.h"
#include "core/support/error.h"

namespace fovea {
namespace {

class HostMemory final : public Memory {
 public:
  std::string_view device() const override { return "host"; }
  void* allocate(std::size_t bytes) override {
    void* data = ::operator new (std::max<std::size_t>(bytes, 1), std::align_val_t{256}, std::nothrow);
    if (!data) throw DeviceError("host: out of memory allocating " + std::to_string(bytes) + " bytes");
    return data;
  }
  void deallocate(void* data) noexcept override { ::operator delete (data, std::align_val_t{256}); }
  std::size_t free_bytes() const override {
    const std::optional<std::uint64_t> bytes = available_memory();
    if (!bytes) throw DeviceError("host: cannot tell how much memory is free: expected MemAvailable in /proc/meminfo");
    return static_cast<std::size_t>(*bytes);
  }
  void copy_from_host(void* dst, const void* src, std::size_t bytes) override { copy(dst, src, bytes); }
  void copy_to_host(void* dst, const void* src, std::size_t bytes) override { copy(dst, src, bytes); }
  void copy(void* dst, const void* src, std::size_t bytes) override {
    if (bytes) std::memmove(dst, src, bytes);
  }
  void fill(void* dst, unsigned char value, std::size_t bytes) override {
    if (bytes) std::memset(dst, value, bytes);
  }
  void synchronize() override {}
};

// Of a memory that copies while it is called.
class Arrived final : public Arrival {
 public:
  explicit Arrived(std::vector<Tensor> values) : values_(std::move(values)) {}
  const std::vector<Tensor>& wait() override { return values_; }

 private:
  std::vector<Tensor> values_;
};

template <class V>
V reshape_view(V view, const Shape& to) {
  require(to.elements() == view.elements(),
          [&] { return "reshape: " + view.shape.to_string() + " and " + to.to_string() + " differ in size"; });
  require(view.layout == Layout::nchw || to == view.shape, [&] {
    return "reshape: expected layout nchw, " + view.shape.to_string() + " is " + std::string(name_of(view.layout));
  });
  view.shape = to;
  return view;
}

template <class T>
void require_dtype(DType got, const char* what) {
  require(got == dtype_of<T>::value, [&] {
    return std::string(what) + ": expected " + std::string(name_of(dtype_of<T>::value)) + ", the tensor holds " +
           std::string(name_of(got));
  });
}

// Calls f(T{}) with the C++ type of `dtype`.
template <class F>
void with_type(DType dtype, F&& f) {
  switch (dtype) {
    case DType::f32:
      return f(float{});
    case DType::f64:
      return f(double{});
    case DType::bf16:
      return f(bf16_t{});
    case DType::f16:
      return f(f16_t{});
    case DType::u8:
      return f(std::uint8_t{});
    case DType::u16:
      return f(std::uint16_t{});
    case DType::i32:
      return f(std::int32_t{});
    case DType::i64:
      return f(std::int64_t{});
  }
}

template <class To, class From>
To convert(From value) {
  if constexpr (std::is_same_v<To, bf16_t> || std::is_same_v<To, f16_t>) {
    return To(static_cast<double>(value));
  } else if constexpr (std::is_same_v<From, bf16_t> || std::is_same_v<From, f16_t>) {
    return static_cast<To>(static_cast<float>(value));
  } else {
    return static_cast<To>(value);
  }
}

}  // namespace

std::unique_ptr<Arrival> Memory::fetch_to_host(std::span<const ConstView> values) {
  std::vector<Tensor> copies;
  for (const ConstView& value : values) {
    copies.emplace_back(value.shape, value.dtype, host_memory(), value.layout);
    copy_to_host(copies.back().view().data, value.data, value.bytes());
  }
  return std::make_unique<Arrived>(std::move(copies));
}

const std::shared_ptr<Memory>& host_memory() {
  static const std::shared_ptr<Memory> memory = std::make_shared<HostMemory>();
  return memory;
}

View View::reshaped(const Shape& to) const { return reshape_view(*this, to); }
ConstView ConstView::reshaped(const Shape& to) const { return reshape_view(*this, to); }

template <class T>
T* data_as(const View& view) {
  require_dtype<T>(view.dtype, "data_as");
  return static_cast<T*>(view.data);
}
template <class T>
const T* data_as(const ConstView& view) {
  require_dtype<T>(view.dtype, "data_as");
  return static_cast<const T*>(view.data);
}

Tensor::Tensor(Shape shape, DType dtype, std::shared_ptr<Memory> memory, Layout layout)
    : shape_(shape), dtype_(dtype), layout_(layout), memory_(std::move(memory)) {
  std::int64_t bytes = 0;
  require(layout == Layout::nchw || shape.rank() == 4, [&] {
    return "tensor " + shape_.to_string() + ": expected 4 extents for layout " + std::string(name_of(layout));
  });
  require(!__builtin_mul_overflow(storage_elements(shape_, layout), static_cast<std::int64_t>(size_of(dtype)), &bytes),
          [&] { return "tensor " + shape_.to_string() + ": more than 2^63 bytes"; });
  // The deleter keeps the memory alive as long as the storage.
  storage_ = std::shared_ptr<void>(memory_->allocate(static_cast<std::size_t>(bytes)),
                                   [memory = memory_](void* data) { memory->deallocate(data); });
}

template <class T>
Tensor Tensor::from(Shape shape, std::span<const T> values) {
  require(shape.elements() == static_cast<std::int64_t>(values.size()), [&] {
    return "tensor " + shape.to_string() + ": expected " + std::to_string(shape.elements()) + " values, got " +
           std::to_string(values.size());
  });
  Tensor tensor(shape, dtype_of<T>::value);
  std::copy(values.begin(), values.end(), static_cast<T*>(tensor.storage_.get()));
  return tensor;
}

Tensor Tensor::from(Shape shape, std::initializer_list<float> values) {
  return from<float>(shape, std::span<const float>(values.begin(), values.size()));
}

Tensor Tensor::zeros(Shape shape, DType dtype, std::shared_ptr<Memory> memory) {
  Tensor tensor(shape, dtype, std::move(memory));
  tensor.memory_->fill(tensor.storage_.get(), 0, tensor.bytes());
  return tensor;
}

Tensor Tensor::to(const std::shared_ptr<Memory>& target) const {
  require(!empty(), [] { return "Tensor::to: the tensor is empty"; });
  Tensor copy(shape_, dtype_, target, layout_);
  if (target == memory_) {
    target->copy(copy.storage_.get(), storage_.get(), bytes());
  } else if (on_host()) {
    target->copy_from_host(copy.storage_.get(), storage_.get(), bytes());
  } else if (target == host_memory()) {
    memory_->copy_to_host(copy.storage_.get(), storage_.get(), bytes());
  } else {  // between two devices, through the host
    const Tensor host = to_host();
    target->copy_from_host(copy.storage_.get(), host.storage_.get(), bytes());
  }
  return copy;
}

Tensor Tensor::in_layout(Layout layout) const {
  require(on_host(), [] { return std::string("Tensor::in_layout: expected a host tensor"); });
  Tensor result(shape_, dtype_, memory_, layout);
  copy_layout(shape_, size_of(dtype_), storage_.get(), layout_, result.storage_.get(), layout);
  return result;
}

Tensor Tensor::reshaped(const Shape& to) const {
  require(to.elements() == elements(),
          [&] { return "reshape: " + shape_.to_string() + " and " + to.to_string() + " differ in size"; });
  require(layout_ == Layout::nchw || to == shape_, [&] {
    return "reshape: expected layout nchw, " + shape_.to_string() + " is " + std::string(name_of(layout_));
  });
  Tensor result = *this;
  result.shape_ = to;
  return result;
}

Tensor Tensor::converted(DType dtype) const {
  require(on_host(), [&] {
    return "Tensor::converted: expected a host tensor, got " +
           (memory_ ? "one on " + std::string(memory_->device()) : std::string("an empty one"));
  });
  Tensor result(shape_, dtype, memory_, layout_);
  with_type(dtype_, [&](auto from) {
    with_type(dtype, [&](auto to) {
      const auto* src = static_cast<const decltype(from)*>(storage_.get());
      auto* dst = static_cast<decltype(to)*>(result.storage_.get());
      for (std::int64_t i = 0; i < storage_elements(shape_, layout_); ++i) dst[i] = convert<decltype(to)>(src[i]);
    });
  });
  return result;
}

View Tensor::view() { return {storage_.get(), shape_, dtype_, layout_, memory_.get()}; }
ConstView Tensor::view() const { return {storage_.get(), shape_, dtype_, layout_, memory_.get()}; }

template <class T>
std::span<T> Tensor::span() {
  require(on_host(), [&] {
    return "Tensor::span: expected a host tensor, got one on " +
           std::string(memory_ ? memory_->device() : "no device (empty)") + "; copy it with to_host()";
  });
  require_dtype<T>(dtype_, "Tensor::span");
  return {static_cast<T*>(storage_.get()), static_cast<std::size_t>(storage_elements(shape_, layout_))};
}
template <class T>
std::span<const T> Tensor::span() const {
  return const_cast<Tensor*>(this)->span<T>();
}

#define FOVEA_INSTANTIATE(T)                                  \
  template T* data_as<T>(const View&);                        \
  template const T* data_as<T>(const ConstView&);             \
  template Tensor Tensor::from<T>(Shape, std::span<const T>); \
  template std::span<T> Tensor::span<T>();                    \
  template std::span<const T> Tensor::span<T>() const;
FOVEA_INSTANTIATE(float)
FOVEA_INSTANTIATE(double)
FOVEA_INSTANTIATE(bf16_t)
FOVEA_INSTANTIATE(f16_t)
FOVEA_INSTANTIATE(std::uint8_t)
FOVEA_INSTANTIATE(std::uint16_t)
FOVEA_INSTANTIATE(std::int32_t)
FOVEA_INSTANTIATE(std::int64_t)
#undef FOVEA_INSTANTIATE

}  // namespace fovea
