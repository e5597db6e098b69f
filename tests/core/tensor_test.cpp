// SPDX-License-Identifier: Apache-2.0
#include "core/tensor/tensor.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "core/support/error.h"

namespace fovea {
namespace {

// A second memory, so that crossings can be counted.
class CountingMemory final : public Memory {
 public:
  int to_device = 0, to_host = 0;
  std::string_view device() const override { return "counting"; }
  void* allocate(std::size_t bytes) override { return ::operator new(bytes + 1); }
  void deallocate(void* data) noexcept override { ::operator delete(data); }
  std::size_t free_bytes() const override { return 0; }
  void copy_from_host(void* dst, const void* src, std::size_t bytes) override {
    ++to_device;
    std::memcpy(dst, src, bytes);
  }
  void copy_to_host(void* dst, const void* src, std::size_t bytes) override {
    ++to_host;
    std::memcpy(dst, src, bytes);
  }
  void copy(void* dst, const void* src, std::size_t bytes) override { std::memmove(dst, src, bytes); }
  void fill(void* dst, unsigned char value, std::size_t bytes) override { std::memset(dst, value, bytes); }
  void synchronize() override {}
};

TEST(Shape, ListsItsExtents) {
  const Shape shape{64, 1, 28, 28};
  EXPECT_EQ(shape.rank(), 4);
  EXPECT_EQ(shape.elements(), 64 * 28 * 28);
  EXPECT_EQ(shape.to_string(), "[64, 1, 28, 28]");
  EXPECT_EQ(shape.without_batch(), (Shape{1, 28, 28}));
  EXPECT_EQ((Shape{1, 28, 28}.with_batch(64)), shape);
  EXPECT_EQ(Shape{}.elements(), 1);
  EXPECT_NE((Shape{2, 3}), (Shape{2, 3, 1}));
}

TEST(Shape, RefusesWhatCannotBe) {
  EXPECT_THROW((Shape{-1, 2}), InputError);
  EXPECT_THROW((Shape{1, 1, 1, 1, 1, 1, 1}), InputError);
  EXPECT_THROW((Shape{std::int64_t{1} << 32, std::int64_t{1} << 32}), InputError);
}

TEST(Tensor, HostValuesAndViews) {
  Tensor t = Tensor::from({2, 3}, {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(t.span<float>()[4], 5);
  const Tensor same = t.reshaped({3, 2});
  t.span<float>()[4] = 50;  // a reshaped tensor shares storage
  EXPECT_EQ(same.span<float>()[4], 50);
  EXPECT_THROW(t.reshaped({4}), InputError);
  EXPECT_THROW(t.span<double>(), InputError);
  EXPECT_THROW(Tensor::from({2, 2}, {1, 2, 3}), InputError);
}

TEST(Tensor, DevicesMixOnlyByName) {
  const auto memory = std::make_shared<CountingMemory>();
  const Tensor host = Tensor::from({3}, {1, 2, 3});
  const Tensor device = host.to(memory);
  EXPECT_EQ(memory->to_device, 1);
  EXPECT_THROW(device.span<float>(), InputError);
  EXPECT_THROW(device.converted(DType::f64), InputError);
  const Tensor back = device.to_host();
  EXPECT_EQ(memory->to_host, 1);
  EXPECT_EQ(back.span<float>()[2], 3);
  EXPECT_EQ(device.view().memory, memory.get());
}

TEST(Tensor, ToIsADeepCopy) {
  Tensor a = Tensor::from({2}, {1, 2});
  const Tensor b = a.to_host();
  a.span<float>()[0] = 9;
  EXPECT_EQ(b.span<float>()[0], 1);
}

TEST(Tensor, OutlivesTheMemoryItCameFrom) {
  auto memory = std::make_shared<CountingMemory>();
  const Tensor device = Tensor::zeros({4}, DType::f32, memory);
  memory.reset();
  EXPECT_EQ(device.to_host().span<float>()[3], 0);
}

TEST(Tensor, ConvertsElementTypes) {
  const Tensor t = Tensor::from({3}, {1.5f, -2.0f, 3.25f});
  EXPECT_EQ(t.converted(DType::f64).span<double>()[2], 3.25);
  EXPECT_EQ(t.converted(DType::bf16).converted(DType::f32).span<float>()[0], 1.5f);
  EXPECT_EQ(t.converted(DType::i32).span<std::int32_t>()[1], -2);
}

}  // namespace
}  // namespace fovea
