// SPDX-License-Identifier: Apache-2.0
//
// Device memory: the pool, its debug mode, what it fills and guards, and injected failures.
#include <cmath>
#include <cstdint>
#include <random>

#include "core/tensor/tensor.h"
#include "tests/emu/emu_test.h"

namespace fovea::emu {
namespace {

__global__ void store_kernel(float* y, int index) { y[index] = 1; }
__global__ void wide_store_kernel(float* y, int first) { *wide<float4>(y + first) = make_float4(1, 2, 3, 4); }
__global__ void wide_load_kernel(const bf16_t* x, int first, unsigned* y) { y[0] = *wide<const unsigned>(x + first); }

DeviceMemoryOptions pooled(bool on) {
  DeviceMemoryOptions options;
  options.pooled = on;
  return options;
}

class PoolOnAndOff : public ::testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Memory, PoolOnAndOff, ::testing::Bool(),
                         [](const auto& test) { return std::string(test.param ? "Pool" : "NoPool"); });

TEST_P(PoolOnAndOff, FreshMemoryIsNan) {
  EmuDevice device({}, pooled(GetParam()));
  for (int repeat = 0; repeat < 2; ++repeat) {
    float* x = device.allocate<float>(100);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(x) % 256, 0u);
    for (float value : device.download(x, 100)) ASSERT_TRUE(std::isnan(value));
    device.memory.fill(x, 0, 400);
    EXPECT_EQ(device.download(x, 100), std::vector<float>(100));
    device.memory.deallocate(x);
  }
}

TEST_P(PoolOnAndOff, OverrunIsFoundWhenSynchronising) {
  if (built_with_asan) GTEST_SKIP() << "the address sanitizer reports it first (emu_planted.memory_overrun)";
  for (int index : {5, -1, 6, 40}) {
    EmuDevice device({}, pooled(GetParam()));
    device.allocate<float>(8);
    float* x = device.allocate<float>(5);
    device.allocate<float>(8);
    launch(device.stream, "store", store_kernel, dim3(1), dim3(1), 0, x, index);
    try {
      device.stream.synchronize();
      ADD_FAILURE() << "index " << index << " was not noticed";
    } catch (const KernelFaultError& error) {
      EXPECT_EQ(error.fault(), KernelFault::memory_overrun);
      EXPECT_NE(std::string(error.what()).find("'store'"), std::string::npos) << error.what();
    }
    EXPECT_THROW(device.memory.allocate(4), DeviceLostError);
  }
}

TEST_P(PoolOnAndOff, OverrunIsFoundWhenFreed) {
  if (built_with_asan) GTEST_SKIP() << "the address sanitizer reports it first";
  EmuDevice device({}, pooled(GetParam()));
  float* x = device.allocate<float>(5);
  launch(device.stream, "store", store_kernel, dim3(1), dim3(1), 0, x, 5);
  device.memory.deallocate(x);  // must not throw
  EXPECT_THROW(device.stream.synchronize(), DeviceLostError);
}

TEST(Memory, WriteAfterFreeIsFoundOnReuse) {
  if (built_with_asan) GTEST_SKIP() << "the address sanitizer reports it first (emu_planted.use_after_free)";
  EmuDevice device;
  float* x = device.allocate<float>(5);
  device.memory.deallocate(x);
  launch(device.stream, "store", store_kernel, dim3(1), dim3(1), 0, x, 2);
  try {
    device.memory.allocate(20);
    ADD_FAILURE() << "not noticed";
  } catch (const KernelFaultError& error) {
    EXPECT_EQ(error.fault(), KernelFault::memory_use_after_free);
  }
}

TEST_P(PoolOnAndOff, FreeingTwiceOrTheWrongPointerIsNoted) {
  {
    EmuDevice device({}, pooled(GetParam()));
    void* x = device.memory.allocate(8);
    device.memory.deallocate(nullptr);
    device.memory.deallocate(x);
    device.memory.deallocate(x);
    EXPECT_THROW(device.memory.allocate(8), DeviceLostError);
  }
  EmuDevice device({}, pooled(GetParam()));
  char* x = static_cast<char*>(device.memory.allocate(8));
  device.memory.deallocate(x + 1);
  EXPECT_THROW(device.memory.allocate(8), DeviceLostError);
}

TEST_P(PoolOnAndOff, CopiesStayInsideTheirAllocation) {
  EmuDevice device({}, pooled(GetParam()));
  float* x = device.upload(counting(10));
  float* y = device.allocate<float>(10);
  std::vector<float> host(20);
  device.memory.copy_to_host(host.data(), x + 5, 20);
  EXPECT_EQ(host[4], 9.0f);
  device.memory.copy(y, x + 2, 32);
  EXPECT_EQ(device.download(y, 8), counting(8, 2));
  EXPECT_THROW(device.memory.copy_to_host(host.data(), x + 5, 24), DeviceError);
  EXPECT_THROW(device.memory.copy_from_host(x, host.data(), 44), DeviceError);
  EXPECT_THROW(device.memory.copy(x + 1, y, 40), DeviceError);
  EXPECT_THROW(device.memory.fill(host.data(), 0, 4), DeviceError);
  device.memory.copy_to_host(host.data(), nullptr, 0);
  device.memory.deallocate(x);
  EXPECT_THROW(device.memory.copy_to_host(host.data(), x, 4), DeviceError);
  EXPECT_EQ(device.download(y, 1)[0], 2.0f);  // a refused copy loses nothing
}

TEST(Memory, OutOfMemorySaysHowMuch) {
  DeviceMemoryOptions options;
  options.capacity_bytes = std::size_t{8} << 20;
  EmuDevice device({}, options);
  void* half = device.memory.allocate(std::size_t{4} << 20);
  try {
    device.memory.allocate(std::size_t{6} << 20);
    ADD_FAILURE() << "there is no room for it";
  } catch (const OutOfMemoryError& error) {
    EXPECT_EQ(error.bytes_asked(), std::size_t{6} << 20);
    EXPECT_GT(error.bytes_free(), std::size_t{1} << 20);
    EXPECT_LT(error.bytes_free(), std::size_t{4} << 20);
    EXPECT_NE(std::string(error.what()).find("6291456 bytes asked"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find(std::to_string(error.bytes_free()) + " free"), std::string::npos);
  }
  device.memory.deallocate(half);
  device.memory.deallocate(device.memory.allocate(std::size_t{6} << 20));  // cached segments make way
  EXPECT_THROW(device.memory.allocate(~std::size_t{0}), OutOfMemoryError);
}

// Every allocation of a small computation fails once: each time an error, then the same computation works.
TEST_P(PoolOnAndOff, InjectedFailureAtEveryAllocation) {
  auto stream = std::make_unique<Stream>();
  const auto memory = std::make_shared<DeviceMemory>(0, *stream, pooled(GetParam()));
  const auto compute = [&] {
    const Tensor a = Tensor::from<float>({2, 2}, counting(4)).to(memory);
    const Tensor b = a.to(memory);
    Tensor c = Tensor(Shape{4}, DType::f32, memory);
    launch(*stream, "store", store_kernel, dim3(1), dim3(1), 0, static_cast<float*>(c.view().data), 0);
    return b.to_host().span<float>()[3] + c.to_host().span<float>()[0];
  };
  EXPECT_EQ(compute(), 4.0f);
  int failures = 0;
  for (std::uint64_t nth = 1; nth <= 10; ++nth) {
    memory->inject_allocation_failure(nth);
    try {
      EXPECT_EQ(compute(), 4.0f);
      EXPECT_GT(nth, 3u);
    } catch (const OutOfMemoryError& error) {
      ++failures;
      EXPECT_NE(std::string(error.what()).find("injected"), std::string::npos);
    }
    memory->inject_allocation_failure(0);
    EXPECT_EQ(memory->statistics().live_blocks, 0u) << "after failure " << nth;
    EXPECT_EQ(compute(), 4.0f);
  }
  EXPECT_EQ(failures, 3);
}

TEST(Memory, InjectionByOption) {
  DeviceMemoryOptions options;
  options.fail_allocation = 2;
  EmuDevice device({}, options);
  device.memory.allocate(1);
  EXPECT_THROW(device.memory.allocate(1), OutOfMemoryError);
  device.memory.allocate(1);
}

TEST(Pool, ReusesAndMerges) {
  EmuDevice device;
  void* a = device.memory.allocate(1000);
  void* b = device.memory.allocate(1000);
  void* c = device.memory.allocate(1000);
  EXPECT_EQ(device.memory.statistics().reserved_bytes, Pool::segment_bytes + 256);
  EXPECT_EQ(device.memory.statistics().used_bytes, 3000u);
  device.memory.deallocate(a);
  EXPECT_EQ(device.memory.allocate(900), a);  // best fit, at once
  device.memory.deallocate(a);
  device.memory.deallocate(c);
  device.memory.deallocate(b);
  EXPECT_EQ(device.memory.allocate(2000), a);  // neighbours merged
  device.memory.deallocate(a);
  EXPECT_EQ(device.memory.statistics().live_blocks, 0u);
  EXPECT_EQ(device.memory.statistics().peak_used_bytes, 3000u);
  device.memory.release_unused();
  EXPECT_EQ(device.memory.statistics().reserved_bytes, 0u);
}

TEST(Pool, OffReturnsEverythingAtOnce) {
  EmuDevice device({}, pooled(false));
  void* a = device.memory.allocate(1000);
  EXPECT_EQ(device.memory.statistics().reserved_bytes, 1280u + 256u);
  device.memory.deallocate(a);
  EXPECT_EQ(device.memory.statistics().reserved_bytes, 0u);
}

// Random traffic: live blocks never overlap and keep their contents; in the end all is one free piece again.
TEST_P(PoolOnAndOff, RandomTraffic) {
  EmuDevice device({}, pooled(GetParam()));
  std::mt19937 random(1);
  struct Live {
    unsigned char* data;
    std::size_t bytes;
    unsigned char value;
  };
  std::vector<Live> live;
  const auto check_and_free = [&](std::size_t i) {
    for (unsigned char byte : device.download(live[i].data, live[i].bytes)) ASSERT_EQ(byte, live[i].value);
    device.memory.deallocate(live[i].data);
    live.erase(live.begin() + static_cast<std::ptrdiff_t>(i));
  };
  for (int step = 0; step < 600; ++step) {
    if (live.empty() || random() % 5 < 3) {
      const std::size_t bytes = random() % (random() % 20 == 0 ? 3000000 : 5000);
      auto* data = static_cast<unsigned char*>(device.memory.allocate(bytes));
      const auto value = static_cast<unsigned char>(random());
      device.memory.fill(data, value, bytes);
      live.push_back({data, bytes, value});
    } else {
      check_and_free(random() % live.size());
    }
  }
  while (!live.empty()) check_and_free(live.size() - 1);
  EXPECT_EQ(device.memory.statistics().live_blocks, 0u);
  EXPECT_EQ(device.memory.statistics().used_bytes, 0u);
  device.memory.release_unused();
  EXPECT_EQ(device.memory.statistics().reserved_bytes, 0u);
}

TEST(WideAccess, FromAlignedAddresses) {
  EmuDevice device;
  float* y = device.upload(counting(8));
  launch(device.stream, "wide_store", wide_store_kernel, dim3(1), dim3(1), 0, y, 4);
  EXPECT_EQ(device.download(y, 8), (std::vector<float>{0, 1, 2, 3, 1, 2, 3, 4}));
}

TEST(WideAccess, MisalignedIsAFault) {
  for (int first : {1, 2, 3}) {
    expect_fault(KernelFault::wide_misaligned, {"'wide_store'", "memory_test.cu", "16 bytes", "not aligned to 16"},
                 [first](EmuDevice& d) {
                   launch(d.stream, "wide_store", wide_store_kernel, dim3(1), dim3(1), 0, d.allocate<float>(8), first);
                 });
  }
  expect_fault(KernelFault::wide_misaligned, {"accesses 4 bytes"}, [](EmuDevice& d) {
    const bf16_t* x = d.allocate<bf16_t>(8);
    launch(d.stream, "wide_load", wide_load_kernel, dim3(1), dim3(1), 0, x, 1, d.allocate<unsigned>(1));
  });
}

// A raw allocator that fails when told to: whatever the pool was doing, it stays whole.
class FailingRawMemory final : public RawMemory {
 public:
  explicit FailingRawMemory(int& calls, const int& fail_at) : calls_(calls), fail_at_(fail_at) {}
  void* allocate(std::size_t bytes) override {
    return ++calls_ == fail_at_ ? nullptr : ::operator new (bytes, std::align_val_t{256});
  }
  void deallocate(void* data, std::size_t) noexcept override { ::operator delete (data, std::align_val_t{256}); }
  std::size_t free_bytes() const override { return 12345; }

 private:
  int& calls_;
  const int& fail_at_;
};

TEST(Pool, DeviceFailureAtEveryCallLeavesThePoolWhole) {
  for (int fail_at = 1; fail_at <= 6; ++fail_at) {
    int calls = 0;
    Stream stream;
    DeviceMemory memory(stream, std::make_unique<FailingRawMemory>(calls, fail_at), DeviceMemoryOptions{});
    std::vector<void*> blocks;
    for (int i = 0; i < 4; ++i) blocks.push_back(memory.allocate(std::size_t{3} << 20));  // retried: none is lost
    for (void* block : blocks) memory.deallocate(block);
    memory.release_unused();
    EXPECT_EQ(memory.statistics().reserved_bytes, 0u);
  }
}

}  // namespace
}  // namespace fovea::emu
