// SPDX-License-Identifier: Apache-2.0
//
// Every counter of a stream sees what it counts, once and nothing else; a dry stream counts alike and does nothing.
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "cuda/runtime/dry.h"
#include "cuda/runtime/event.h"
#include "tests/emu/emu_test.h"
#include "tests/support/runtime_counts.h"

namespace fovea::emu {
namespace {

__global__ void store_kernel(float* y, float value) { *y = value; }

using test::text;

// What `work` adds to the counts.
template <class Work>
std::string during(const Stream& stream, Work&& work) {
  const RuntimeCounts before = stream.counters().read();
  work();
  return text(stream.counters().read() - before);
}

void expect_each_is_counted(Stream& stream, DeviceMemory& memory) {
  void* x = nullptr;
  float host = 3;
  const auto during_work = [&](auto&& work) { return during(stream, work); };
  EXPECT_EQ(during_work([&] { x = memory.allocate(8); }), text({.allocations = 1}));
  EXPECT_EQ(during_work([&] { memory.fill(x, 0, 8); }), text({.fills = 1}));
  EXPECT_EQ(during_work([&] { memory.copy(x, static_cast<char*>(x) + 4, 4); }), text({.copies_on_device = 1}));
  EXPECT_EQ(during_work([&] { memory.copy_from_host(x, &host, 4); }),
            text({.synchronisations = 1, .copies_from_host = 1}));
  EXPECT_EQ(
      during_work([&] { launch(stream, "store", store_kernel, dim3(1), dim3(1), 0, static_cast<float*>(x), 2.0f); }),
      text({.launches = 1}));
  EXPECT_EQ(during_work([&] { memory.copy_to_host(&host, x, 4); }), text({.synchronisations = 1, .copies_to_host = 1}));
  EXPECT_EQ(during_work([&] { memory.synchronize(); }), text({.synchronisations = 1}));
  EXPECT_EQ(during_work([&] { stream.synchronize(); }), text({.synchronisations = 1}));
  EXPECT_EQ(during_work([&] { Event(stream).wait(); }), text({.synchronisations = 1}));
  EXPECT_EQ(during_work([&] { Timer(stream).milliseconds(); }), text({.synchronisations = 1}));
  EXPECT_EQ(during_work([&] { memory.deallocate(x); }), text({.frees = 1}));
  // What moves no byte is no copy.
  EXPECT_EQ(during_work([&] {
              memory.copy_from_host(nullptr, &host, 0);
              memory.copy_to_host(&host, nullptr, 0);
              memory.copy(nullptr, nullptr, 0);
              memory.fill(nullptr, 0, 0);
              memory.deallocate(nullptr);
            }),
            text({}));
}

TEST(Counts, SeeEachOnce) {
  for (const bool pooled : {true, false}) {
    DeviceMemoryOptions options;
    options.pooled = pooled;
    EmuDevice device({}, options);
    expect_each_is_counted(device.stream, device.memory);
    Stream dry;
    count_only(dry);
    DeviceMemory nothing(0, dry, options);
    expect_each_is_counted(dry, nothing);
  }
}

TEST(Counts, WhatFailedIsNotCounted) {
  EmuDevice device;
  device.memory.inject_allocation_failure(1);
  EXPECT_EQ(during(device.stream, [&] { EXPECT_THROW(device.memory.allocate(4), OutOfMemoryError); }), text({}));
  float host = 0;
  EXPECT_EQ(during(device.stream, [&] { EXPECT_THROW(device.memory.copy_to_host(&host, &host, 4), DeviceError); }),
            text({}));
}

TEST(Counts, EveryLaunchWaitsWhenAskedTo) {
  setenv("FOVEA_SYNC", "1", 1);
  EmuDevice device;
  unsetenv("FOVEA_SYNC");
  float* x = device.allocate<float>(1);
  EXPECT_EQ(during(device.stream,
                   [&] {
                     launch(device.stream, "store", store_kernel, dim3(1), dim3(1), 0, x, 1.0f);
                     launch(device.stream, "store", store_kernel, dim3(1), dim3(1), 0, x, 2.0f);
                   }),
            text({.launches = 2, .synchronisations = 2}));
}

// 0, or why the system cannot read the byte for us.
int error_of_reading(const void* byte) {
  int ends[2];
  if (pipe(ends) != 0) return errno;
  const int error = write(ends[1], byte, 1) == 1 ? 0 : errno;
  close(ends[0]);
  close(ends[1]);
  return error;
}

// So that a whole step on a dry device proves that nobody looked at a tensor.
TEST(DryMemory, HasNoBytes) {
  EmuDevice device;
  EXPECT_EQ(error_of_reading(device.allocate<float>(1)), 0);
  Stream dry;
  count_only(dry);
  DeviceMemory memory(0, dry);
  auto* x = static_cast<float*>(memory.allocate(std::size_t{3} << 30));
  EXPECT_EQ(error_of_reading(x), EFAULT);
  launch(dry, "store", store_kernel, dim3(1), dim3(1), 0, x, 2.0f);
  float host = 7;
  memory.copy_to_host(&host, x, 4);
  EXPECT_EQ(host, 0);
  EXPECT_THROW(memory.allocate(std::size_t{2} << 30), OutOfMemoryError);  // as much as the device has, and no more
  memory.deallocate(x);
}

}  // namespace
}  // namespace fovea::emu
