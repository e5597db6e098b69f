// SPDX-License-Identifier: Apache-2.0
//
// Planted faults in shared memory.
#include <cmath>

#include "tests/emu/emu_test.h"

namespace fovea::emu {
namespace {

__global__ void read_unwritten_kernel(float* y, int* z) {
  FOVEA_SHARED(float, values, [32]);
  FOVEA_SHARED(int, index, );
  y[blockIdx.x * 32 + threadIdx.x] = values[threadIdx.x];
  if (threadIdx.x == 0) z[blockIdx.x] = index;
}

TEST(SharedMemory, UnwrittenIsNanAndMinusOneInEveryBlock) {
  EmuDevice device;
  float* y = device.allocate<float>(3 * 32);
  int* z = device.allocate<int>(3);
  for (int repeat = 0; repeat < 2; ++repeat) {
    launch(device.stream, "read_unwritten", read_unwritten_kernel, dim3(3), dim3(32), 0, y, z);
    for (float value : device.download(y, 3 * 32)) EXPECT_TRUE(std::isnan(value));
    EXPECT_EQ(device.download(z, 3), std::vector<int>(3, -1));
    device.memory.fill(y, 0, 3 * 32 * sizeof(float));
    device.memory.fill(z, 0, 3 * sizeof(int));
  }
}

// Leaves numbers behind; the next block must not see them.
__global__ void write_then_read_kernel(float* y) {
  FOVEA_SHARED(float, values, [32]);
  if (blockIdx.x == 0) values[threadIdx.x] = 1;
  __syncthreads();
  if (blockIdx.x == 1) y[threadIdx.x] = values[threadIdx.x];
}
TEST(SharedMemory, BlocksDoNotInheritValues) {
  EmuDevice device;
  float* y = device.allocate<float>(32);
  launch(device.stream, "write_then_read", write_then_read_kernel, dim3(2), dim3(32), 0, y);
  for (float value : device.download(y, 32)) EXPECT_TRUE(std::isnan(value));
}

template <class T>
__global__ void read_unwritten_cell_kernel(T* y) {
  FOVEA_SHARED(shared_cell<T>, values, [32]);
  const unsigned t = threadIdx.x;
  if (t != 9) values[t] = static_cast<T>(t);
  __syncthreads();
  y[t] = values[31 - t];
}
TEST(SharedMemory, CheckedCellNamesTheReader) {
  expect_fault(KernelFault::shared_unwritten, {"read_unwritten_cell", "thread (22,0,0)", "no thread has written"},
               [](EmuDevice& d) {
                 launch(d.stream, "read_unwritten_cell", read_unwritten_cell_kernel<float>, dim3(1), dim3(32), 0,
                        d.allocate<float>(32));
               });
  expect_fault(KernelFault::shared_unwritten, {"thread (22,0,0)"}, [](EmuDevice& d) {
    launch(d.stream, "read_unwritten_cell", read_unwritten_cell_kernel<int>, dim3(1), dim3(32), 0, d.allocate<int>(32));
  });
}

// Written in one block, read in another: the flags are the block's, too.
__global__ void cell_of_other_block_kernel(float* y) {
  FOVEA_SHARED(shared_cell<float>, value, [1]);
  if (blockIdx.x == 0) value[0] = 1;
  __syncthreads();
  *y = value[0];
}
TEST(SharedMemory, CheckedCellForgetsBetweenBlocks) {
  EmuDevice device;
  EXPECT_THROW(
      launch(device.stream, "cell", cell_of_other_block_kernel, dim3(2), dim3(1), 0, device.allocate<float>(1)),
      KernelFaultError);
}

__global__ void overrun_kernel(int array, int index) {
  FOVEA_SHARED(float, first, [4]);
  FOVEA_SHARED(float, second, [33]);
  float* volatile p = array == 0 ? first : second;  // past the compiler's own bounds checks
  p[index] = 1;
}
TEST(SharedMemory, OverrunIsFoundAtTheEndOfTheBlock) {
  if (built_with_asan) GTEST_SKIP() << "the address sanitizer reports it first (emu_planted.shared_overrun)";
  expect_fault(KernelFault::shared_overrun, {"kernel 'overrun'", "'first' (16 bytes", "shared_memory_test.cu"},
               [](EmuDevice& d) { launch(d.stream, "overrun", overrun_kernel, dim3(1), dim3(1), 0, 0, 4); });
  expect_fault(KernelFault::shared_overrun, {"'second' (132 bytes"},
               [](EmuDevice& d) { launch(d.stream, "overrun", overrun_kernel, dim3(1), dim3(1), 0, 1, 33); });
  expect_fault(KernelFault::shared_overrun, {"'first'"},
               [](EmuDevice& d) { launch(d.stream, "overrun", overrun_kernel, dim3(1), dim3(1), 0, 0, -1); });
}

__global__ void dynamic_kernel(int index) {
  float* volatile p = dynamic_shared<float>();
  p[index] = 1;
}
TEST(SharedMemory, OverrunOfDynamicMemory) {
  if (built_with_asan) GTEST_SKIP() << "the address sanitizer reports it first";
  EmuDevice fine;
  launch(fine.stream, "dynamic", dynamic_kernel, dim3(1), dim3(1), 64, 15);
  expect_fault(KernelFault::shared_overrun, {"dynamic shared memory", "64 bytes"},
               [](EmuDevice& d) { launch(d.stream, "dynamic", dynamic_kernel, dim3(1), dim3(1), 64, 16); });
}

TEST(SharedMemory, DynamicMemoryNeedsBytes) {
  expect_fault(KernelFault::shared_too_large, {"launched with 0 bytes"},
               [](EmuDevice& d) { launch(d.stream, "dynamic", dynamic_kernel, dim3(1), dim3(1), 0, 0); });
}

__global__ void big_kernel(int* y) {
  FOVEA_SHARED(char, big, [40000]);
  big[threadIdx.x] = 1;
  if (y != nullptr) *y = dynamic_shared<char>() != nullptr;
}
TEST(SharedMemory, StaticAndDynamicTogetherAreLimited) {
  EmuDevice fine;
  launch(fine.stream, "big", big_kernel, dim3(1), dim3(32), 48 * 1024 - 40000, nullptr);
  expect_fault(KernelFault::shared_too_large, {"'big' needs 40000 bytes", "of 49152"}, [](EmuDevice& d) {
    launch(d.stream, "big", big_kernel, dim3(1), dim3(32), 48 * 1024 - 40000 + 1, nullptr);
  });
}

TEST(SharedMemory, OptInRaisesTheLimitForOneKernel) {
  EmuDevice device;
  EXPECT_THROW(launch(device.stream, "big", big_kernel, dim3(1), dim3(1), 50000, nullptr), LaunchError);
  EXPECT_THROW(allow_dynamic_shared(device.stream, big_kernel, 64 * 1024 + 1), LaunchError);
  allow_dynamic_shared(device.stream, dynamic_kernel, 60000);
  launch(device.stream, "dynamic", dynamic_kernel, dim3(1), dim3(1), 60000, 14999);
  EXPECT_THROW(launch(device.stream, "dynamic", dynamic_kernel, dim3(1), dim3(1), 60001, 0), LaunchError);
  EXPECT_THROW(launch(device.stream, "big", big_kernel, dim3(1), dim3(1), 60000, nullptr), LaunchError);
}

}  // namespace
}  // namespace fovea::emu
