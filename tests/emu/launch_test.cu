// SPDX-License-Identifier: Apache-2.0
//
// What a launch refuses, and the settings from outside.
#include <cstdlib>

#include "cuda/runtime/event.h"
#include "cuda/runtime/handle.h"
#include "cuda/runtime/nvtx.h"
#include "tests/emu/emu_test.h"

namespace fovea::emu {
namespace {

__global__ void nothing_kernel() {}
__global__ void store_kernel(float* y, float value, int index) { y[index] = value; }

void expect_refused(dim3 grid, dim3 block, std::size_t shared_bytes, const std::string& part) {
  EmuDevice device;
  try {
    launch(device.stream, "nothing", nothing_kernel, grid, block, shared_bytes);
    ADD_FAILURE() << "accepted: " << part;
  } catch (const LaunchError& error) {
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    EXPECT_EQ(error.kernel(), "nothing");
  }
  EXPECT_EQ(device.stream.launches(), 0u);
  launch(device.stream, "nothing", nothing_kernel, dim3(1), dim3(1), 0);  // a refusal loses nothing
}

TEST(Launch, Limits) {
  expect_refused(dim3(0), dim3(1), 0, "grid is empty");
  expect_refused(dim3(1, 0), dim3(1), 0, "grid is empty");
  expect_refused(dim3(1), dim3(0), 0, "block is empty");
  expect_refused(dim3(1), dim3(1, 1, 0), 0, "block is empty");
  expect_refused(dim3(1), dim3(1025), 0, "(1024,1024,64)");
  expect_refused(dim3(1), dim3(1, 1, 65), 0, "(1024,1024,64)");
  expect_refused(dim3(1), dim3(33, 32), 0, "at most 1024 threads");
  expect_refused(dim3(1), dim3(1, 1025), 0, "(1024,1024,64)");
  expect_refused(dim3(2147483648u), dim3(1), 0, "a grid extends");
  expect_refused(dim3(1, 65536), dim3(1), 0, "a grid extends");
  expect_refused(dim3(1, 1, 65536), dim3(1), 0, "a grid extends");
  expect_refused(dim3(1), dim3(1), 48 * 1024 + 1, "dynamic shared memory");
  EmuDevice device;
  launch(device.stream, "nothing", nothing_kernel, dim3(1, 2, 2), dim3(4, 4, 64), 48 * 1024);
  EXPECT_EQ(device.stream.launches(), 1u);
}

TEST(Launch, ArgumentsAreConvertedToTheKernelsTypes) {
  EmuDevice device;
  float* y = device.allocate<float>(2);
  launch(device.stream, "store", store_kernel, dim3(1), dim3(1), 0, y, 2, std::int64_t{1});
  EXPECT_EQ(device.download(y, 2)[1], 2.0f);
}

TEST(Launch, SyncNamesTheKernelThatBrokeAGuardZone) {
  if (built_with_asan) GTEST_SKIP() << "the address sanitizer reports it first";
  setenv("FOVEA_SYNC", "1", 1);
  EmuDevice device;
  unsetenv("FOVEA_SYNC");
  EXPECT_TRUE(device.stream.synchronous());
  float* y = device.allocate<float>(3);
  launch(device.stream, "store", store_kernel, dim3(1), dim3(1), 0, y, 1.0f, 2);
  try {
    launch(device.stream, "store_too_far", store_kernel, dim3(1), dim3(1), 0, y, 1.0f, 3);
    ADD_FAILURE() << "no fault was reported";
  } catch (const KernelFaultError& error) {
    EXPECT_EQ(error.fault(), KernelFault::memory_overrun);
    EXPECT_EQ(error.kernel(), "store_too_far");
  }
}

TEST(Settings, Schedule) {
  EXPECT_EQ(EmuOptions::parse("forward").schedule, EmuSchedule::forward);
  EXPECT_EQ(EmuOptions::parse("reverse").schedule, EmuSchedule::reverse);
  EXPECT_EQ(EmuOptions::parse("shuffled").schedule, EmuSchedule::shuffled);
  EXPECT_EQ(EmuOptions::parse("shuffled:42").seed, 42u);
  for (const char* bad : {"", "backward", "shuffled:", "shuffled:x", "shuffled:1x", "reverse:1"}) {
    EXPECT_THROW(EmuOptions::parse(bad), InputError) << bad;
  }
  setenv("FOVEA_EMU_SCHEDULE", "shuffled:5", 1);
  EXPECT_EQ(EmuOptions::from_environment().seed, 5u);
  unsetenv("FOVEA_EMU_SCHEDULE");
  EXPECT_EQ(EmuOptions::from_environment().schedule, EmuSchedule::forward);
}

TEST(Settings, SyncAndPool) {
  setenv("FOVEA_SYNC", "yes", 1);
  EXPECT_THROW(Stream(), InputError);
  unsetenv("FOVEA_SYNC");
  setenv("FOVEA_POOL", "none", 1);
  EXPECT_THROW(DeviceMemoryOptions::from_environment(), InputError);
  setenv("FOVEA_POOL", "off", 1);
  EXPECT_FALSE(DeviceMemoryOptions::from_environment().pooled);
  unsetenv("FOVEA_POOL");
  EXPECT_TRUE(DeviceMemoryOptions::from_environment().pooled);
}

TEST(Stream, DeviceNumber) {
  EXPECT_THROW(Stream(1), InputError);
  Stream stream;
  EXPECT_THROW(DeviceMemory(1, stream), InputError);
}

TEST(Stream, MemoryOutlivesItsStream) {
  std::unique_ptr<DeviceMemory> memory;
  {
    Stream first;
    Stream moved = std::move(first);
    memory = std::make_unique<DeviceMemory>(0, moved);
  }
  void* data = memory->allocate(16);
  memory->synchronize();
  memory->deallocate(data);
}

TEST(Event, MeasuresTheHostsTime) {
  Stream stream;
  Timer timer(stream);
  launch(stream, "nothing", nothing_kernel, dim3(10), dim3(32), 0);
  EXPECT_GT(timer.milliseconds(), 0.0);
  const ProfilerRange range("nothing");
}

struct CountDestroyed {
  void operator()(int* count) const noexcept { ++*count; }
};
TEST(Handle, DestroysExactlyOnce) {
  int first = 0, second = 0;
  {
    Handle<int*, CountDestroyed> a(&first);
    Handle<int*, CountDestroyed> b(std::move(a));
    EXPECT_FALSE(a);
    EXPECT_EQ(b.get(), &first);
    a = Handle<int*, CountDestroyed>(&second);
    b = std::move(a);
    EXPECT_EQ(first, 1);
    EXPECT_EQ(second, 0);
    *b.out() = &first;
    EXPECT_EQ(second, 1);
    EXPECT_EQ(b.release(), &first);
  }
  EXPECT_EQ(first, 1);
  EXPECT_EQ(second, 1);
}

}  // namespace
}  // namespace fovea::emu
