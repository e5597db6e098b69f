// SPDX-License-Identifier: Apache-2.0
//
// Asynchronous copies: nothing arrives before the wait that demands it, and every misuse is named.
#include "cuda/runtime/cp_async.cuh"

#include <cstdint>

#include "tests/emu/emu_test.h"

namespace fovea::emu {
namespace {

__global__ void early_read_kernel(const float* x, float* early, float* late, float* of_neighbour) {
  FOVEA_SHARED(float, tile, [32]);
  const unsigned t = threadIdx.x;
  tile[t] = -1;
  cp_async<4>(tile + t, x + t);
  early[t] = tile[t];
  cp_async_commit();
  cp_async_wait<0>();
  late[t] = tile[t];
  __syncthreads();
  of_neighbour[t] = tile[31 - t];
}
TEST(CpAsync, EarlyReadSeesTheOldBytes) {
  for (const EmuOptions& options : all_schedules()) {
    EmuDevice device(options);
    const std::vector<float> x = counting(32, 100);
    float *early = device.allocate<float>(32), *late = device.allocate<float>(32),
          *of_neighbour = device.allocate<float>(32);
    launch(device.stream, "early_read", early_read_kernel, dim3(1), dim3(32), 0, device.upload(x), early, late,
           of_neighbour);
    EXPECT_EQ(device.download(early, 32), std::vector<float>(32, -1));
    EXPECT_EQ(device.download(late, 32), x);
    EXPECT_EQ(device.download(of_neighbour, 32), std::vector<float>(x.rbegin(), x.rend()));
  }
}

// A wait that leaves as many groups as there are waits for nothing.
__global__ void groups_kernel(const int* x, int* seen) {
  FOVEA_SHARED(int, tile, [4]);
  const auto look = [&](int row) {
    for (int i = 0; i < 4; ++i) seen[row * 4 + i] = tile[i];
  };
  for (int i = 0; i < 4; ++i) tile[i] = -1;
  for (int i = 0; i < 3; ++i) {
    cp_async<4>(tile + i, x + i);
    cp_async_commit();
  }
  cp_async_wait<3>();
  look(0);
  cp_async_wait<2>();
  look(1);
  cp_async_commit();  // an empty group counts
  cp_async_wait<2>();
  look(2);
  cp_async<4>(tile + 3, x + 3);  // belongs to no group yet
  cp_async_wait<0>();
  look(3);
  cp_async_wait_all();
  look(4);
  cp_async_wait_all();
}
TEST(CpAsync, GroupsArriveInOrder) {
  EmuDevice device;
  int* seen = device.allocate<int>(20);
  launch(device.stream, "groups", groups_kernel, dim3(1), dim3(1), 0,
         static_cast<const int*>(device.upload(std::vector<int>{10, 11, 12, 13})), seen);
  EXPECT_EQ(device.download(seen, 20),
            (std::vector<int>{-1, -1, -1, -1, 10, -1, -1, -1, 10, 11, -1, -1, 10, 11, 12, -1, 10, 11, 12, 13}));
}

// Later copies to the same place win, also where one wait ends both.
__global__ void same_place_kernel(const int* x, int* y) {
  FOVEA_SHARED(int, value, [1]);
  cp_async<4>(value, x);
  cp_async<4>(value, x + 1);
  cp_async_wait_all();
  *y = value[0];
}
TEST(CpAsync, CopiesOfOneThreadArriveInOrder) {
  EmuDevice device;
  int* y = device.allocate<int>(1);
  launch(device.stream, "same_place", same_place_kernel, dim3(1), dim3(1), 0,
         static_cast<const int*>(device.upload(std::vector<int>{1, 2})), y);
  EXPECT_EQ(device.download(y, 1), std::vector<int>{2});
}

// A thread's wait ends its own copies only.
__global__ void other_threads_wait_kernel(const int* x, int* seen) {
  FOVEA_SHARED(int, tile, [2]);
  const unsigned t = threadIdx.x;
  tile[t] = -1;
  cp_async<4>(tile + t, x + t);
  if (t == 1) cp_async_wait_all();
  __syncthreads();
  if (t == 1) seen[0] = tile[1];
  __syncthreads();
  if (t == 0) {
    seen[1] = tile[0];
    cp_async_wait_all();
    seen[2] = tile[0];
  }
}
TEST(CpAsync, GroupsAreTheThreadsOwn) {
  for (const EmuOptions& options : all_schedules()) {
    EmuDevice device(options);
    int* seen = device.allocate<int>(3);
    launch(device.stream, "other_threads_wait", other_threads_wait_kernel, dim3(1), dim3(2), 0,
           static_cast<const int*>(device.upload(std::vector<int>{7, 8})), seen);
    EXPECT_EQ(device.download(seen, 3), (std::vector<int>{8, -1, 7}));
  }
}

template <int bytes, CacheLevel level>
__global__ void zero_fill_kernel(const unsigned char* x, unsigned char* y) {
  FOVEA_SHARED(uint4, tile, [17]);
  auto* const all = reinterpret_cast<unsigned char*>(tile);
  for (unsigned i = 0; i < sizeof tile; ++i) all[i] = 0xee;
  for (int n = 0; n <= bytes; ++n) cp_async<bytes, level>(tile + n, n == 0 ? nullptr : x, n);
  cp_async_commit();
  cp_async_wait<0>();
  for (unsigned i = 0; i < sizeof tile; ++i) y[i] = all[i];
}
template <int bytes, CacheLevel level>
void expect_zero_fill() {
  EmuDevice device;
  std::vector<unsigned char> x(16);
  for (unsigned i = 0; i < 16; ++i) x[i] = static_cast<unsigned char>(i + 1);
  auto* y = device.allocate<unsigned char>(17 * 16);
  launch(device.stream, "zero_fill", zero_fill_kernel<bytes, level>, dim3(1), dim3(1), 0, device.upload(x), y);
  std::vector<unsigned char> expected(17 * 16, 0xee);
  for (std::size_t n = 0; n <= bytes; ++n) {
    for (std::size_t i = 0; i < bytes; ++i) expected[n * 16 + i] = static_cast<unsigned char>(i < n ? i + 1 : 0);
  }
  EXPECT_EQ(device.download(y, 17 * 16), expected);
}
TEST(CpAsync, WritesZerosForWhatItDoesNotRead) {
  expect_zero_fill<4, CacheLevel::all>();
  expect_zero_fill<8, CacheLevel::all>();
  expect_zero_fill<16, CacheLevel::all>();
  expect_zero_fill<16, CacheLevel::l2>();
}

__global__ void or_zeros_kernel(const int* x, int* y) {
  FOVEA_SHARED(uint4, tile, [2]);
  tile[0] = tile[1] = uint4{9, 9, 9, 9};
  cp_async_or_zeros<16>(tile, x, 4, true);
  cp_async_or_zeros<16>(tile + 1, x, 1 << 30, false);  // far outside, and not asked for
  cp_async_wait_all();
  for (int i = 0; i < 8; ++i) y[i] = reinterpret_cast<const int*>(tile)[i];
}
TEST(CpAsync, CopiesFromAnElementOnOrWritesZeros) {
  EmuDevice device;
  int* y = device.allocate<int>(8);
  launch(device.stream, "or_zeros", or_zeros_kernel, dim3(1), dim3(1), 0,
         static_cast<const int*>(device.upload(std::vector<int>{1, 2, 3, 4, 5, 6, 7, 8})), y);
  EXPECT_EQ(device.download(y, 8), (std::vector<int>{5, 6, 7, 8, 0, 0, 0, 0}));
}

// A copy makes a shared_cell written when it arrives, not when it starts.
__global__ void cell_kernel(const float* x, float* y, bool wait) {
  FOVEA_SHARED(shared_cell<float>, cell, [1]);
  cp_async<4>(cell, x);
  if (wait) cp_async_wait_all();
  *y = cell[0];
  cp_async_wait_all();
}
TEST(CpAsync, SharedCellKnowsWhetherItArrived) {
  EmuDevice device;
  float* y = device.allocate<float>(1);
  launch(device.stream, "cell", cell_kernel, dim3(1), dim3(1), 0, device.upload(counting(1, 5)), y, true);
  EXPECT_EQ(device.download(y, 1), counting(1, 5));
  expect_fault(KernelFault::shared_unwritten, {"kernel 'cell'", "no thread has written"}, [](EmuDevice& d) {
    launch(d.stream, "cell", cell_kernel, dim3(1), dim3(1), 0, d.upload(counting(1)), d.allocate<float>(1), false);
  });
}

constexpr int unfinished_line = __LINE__ + 4;
__global__ void unfinished_kernel(const float* x, bool committed) {
  FOVEA_SHARED(float, tile, [32]);
  const unsigned t = threadIdx.x;
  cp_async<4>(tile + t, x + t);
  if (committed) cp_async_commit();
  if (t != 9) cp_async_wait_all();
}
TEST(CpAsyncFaults, NobodyWaits) {
  for (const bool committed : {false, true}) {
    expect_fault(KernelFault::copy_unfinished,
                 {"thread (9,0,0)", "cp_async_test.cu:" + std::to_string(unfinished_line), "cp_async<4>", "behind: 1"},
                 [committed](EmuDevice& d) {
                   launch(d.stream, "unfinished", unfinished_kernel, dim3(1), dim3(32), 0, d.upload(counting(32)),
                          committed);
                 });
  }
}

template <int bytes>
__global__ void copy_fault_kernel(const unsigned char* x, int to, int from, int from_bytes) {
  FOVEA_SHARED(uint4, tile, [4]);
  cp_async<bytes>(reinterpret_cast<unsigned char*>(tile) + to, x + from, from_bytes);
  cp_async_wait_all();
}
template <int bytes>
void expect_copy_fault(KernelFault fault, std::initializer_list<std::string> parts, int to, int from, int from_bytes) {
  expect_fault(fault, parts, [=](EmuDevice& d) {
    launch(d.stream, "copy_fault", copy_fault_kernel<bytes>, dim3(1), dim3(1), 0,
           static_cast<const unsigned char*>(d.allocate<unsigned char>(64)), to, from, from_bytes);
  });
}
TEST(CpAsyncFaults, DestinationNotAligned) {
  expect_copy_fault<16>(KernelFault::shared_misaligned, {"cp_async<16>", "8 bytes into 'tile'"}, 8, 0, 16);
  expect_copy_fault<8>(KernelFault::shared_misaligned, {"cp_async<8>", "must be aligned to 8"}, 4, 0, 8);
}
TEST(CpAsyncFaults, DestinationOutsideOfSharedMemory) {
  expect_copy_fault<16>(KernelFault::shared_outside, {"cp_async<16>", "cp_async_test.cu"}, 64, 0, 16);
  expect_copy_fault<4>(KernelFault::shared_outside, {"the 4 bytes"}, -4, 0, 4);
}
TEST(CpAsyncFaults, SourceNotAligned) {
  expect_copy_fault<16>(KernelFault::copy_misaligned_source, {"source is not aligned to 16"}, 0, 4, 16);
  expect_copy_fault<8>(KernelFault::copy_misaligned_source, {"cp_async<8>"}, 0, 4, 0);
}
TEST(CpAsyncFaults, ReadsMoreThanItCopies) {
  expect_copy_fault<8>(KernelFault::copy_bad_size, {"cp_async<8>", "9 bytes are to be read"}, 0, 0, 9);
  expect_copy_fault<8>(KernelFault::copy_bad_size, {"-1 bytes"}, 0, 0, -1);
}

__global__ void shared_to_shared_kernel() {
  FOVEA_SHARED(float, tile, [2]);
  tile[0] = 1;
  cp_async<4>(tile + 1, tile);
  cp_async_wait_all();
}
__global__ void many_copies_kernel(const float* x, int count) {
  FOVEA_SHARED(float, tile, [1]);
  for (int i = 0; i < count; ++i) cp_async<4>(tile, x);
  cp_async_wait_all();
}
TEST(CpAsyncFaults, SourceInSharedMemory) {
  expect_fault(KernelFault::copy_shared_source, {"must be global memory"},
               [](EmuDevice& d) { launch(d.stream, "shared", shared_to_shared_kernel, dim3(1), dim3(1), 0); });
}
TEST(CpAsyncFaults, MoreThanTheEmulatorKeeps) {
  EmuDevice fine;
  launch(fine.stream, "many", many_copies_kernel, dim3(1), dim3(1), 0, fine.upload(counting(1)), 512);
  expect_fault(KernelFault::copy_too_many, {"more than 512 copies"}, [](EmuDevice& d) {
    launch(d.stream, "many", many_copies_kernel, dim3(1), dim3(1), 0, d.upload(counting(1)), 513);
  });
}

// A fault leaves no copies behind for the next kernel.
TEST(CpAsyncFaults, NextKernelStartsWithNone) {
  EmuDevice broken;
  EXPECT_THROW(
      launch(broken.stream, "unfinished", unfinished_kernel, dim3(1), dim3(32), 0, broken.upload(counting(32)), true),
      KernelFaultError);
  EmuDevice device;
  float* y = device.allocate<float>(1);
  launch(device.stream, "cell", cell_kernel, dim3(1), dim3(1), 0, device.upload(counting(1, 3)), y, true);
  EXPECT_EQ(device.download(y, 1), counting(1, 3));
}

}  // namespace
}  // namespace fovea::emu
