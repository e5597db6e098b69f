// SPDX-License-Identifier: Apache-2.0
//
// Planted barrier and warp faults: every one is reported by name.
#include "tests/emu/emu_test.h"

namespace fovea::emu {
namespace {

// Each thread reads what the thread before it wrote, without a barrier.
__global__ void missing_barrier_kernel(float* y) {
  FOVEA_SHARED(float, tile, [64]);
  const unsigned t = threadIdx.x;
  tile[t] = static_cast<float>(t);
  y[t] = t == 0 ? 0 : tile[t - 1];
}

TEST(Barrier, MissingOneShowsInSomeSchedule) {
  if (built_with_tsan) GTEST_SKIP() << "the thread sanitizer reports it (emu_planted.missing_barrier)";
  int wrong = 0;
  for (const EmuOptions& options : all_schedules()) {
    EmuDevice device(options);
    float* y = device.allocate<float>(64);
    launch(device.stream, "missing_barrier", missing_barrier_kernel, dim3(1), dim3(64), 0, y);
    std::vector<float> expected = counting(64, -1);
    expected[0] = 0;
    wrong += device.download(y, 64) != expected;
  }
  // Forward order hides it; all others show the NaN of shared memory that nobody has written yet.
  EXPECT_EQ(wrong, 3);
}

constexpr int branch_line = __LINE__ + 2;
__global__ void barrier_in_branch_kernel() {
  if (threadIdx.x < 32) __syncthreads();
}
TEST(Barrier, HalfTheThreadsReturn) {
  expect_fault(
      KernelFault::barrier_exited_thread,
      {"kernel 'barrier_in_branch'", "block (", "tests/emu/barrier_test.cu:" + std::to_string(branch_line),
       "has returned"},
      [](EmuDevice& d) { launch(d.stream, "barrier_in_branch", barrier_in_branch_kernel, dim3(2), dim3(64), 0); });
}

constexpr int even_line = __LINE__ + 3, odd_line = even_line + 2;
__global__ void two_barriers_kernel() {
  if (threadIdx.x % 2 == 0) {
    __syncthreads();
  } else {
    __syncthreads();
  }
}
TEST(Barrier, DifferentCallSites) {
  expect_fault(
      KernelFault::barrier_site_mismatch,
      {"barrier_test.cu:" + std::to_string(even_line), "barrier_test.cu:" + std::to_string(odd_line), "thread ("},
      [](EmuDevice& d) { launch(d.stream, "two_barriers", two_barriers_kernel, dim3(1), dim3(2), 0); });
}

__global__ void barrier_against_warp_kernel() {
  if (threadIdx.x < 16) {
    __syncthreads();
  } else {
    __syncwarp();
  }
}
TEST(Barrier, SomeWaitInAWarpFunction) {
  expect_fault(KernelFault::barrier_divergent, {"__syncwarp(0xffffffff)", "which waits at __syncthreads"},
               [](EmuDevice& d) {
                 launch(d.stream, "barrier_against_warp", barrier_against_warp_kernel, dim3(1), dim3(32), 0);
               });
}

__global__ void loop_of_uneven_length_kernel() {
  for (unsigned i = 0; i <= threadIdx.x % 2; ++i) __syncthreads();
}
TEST(Barrier, LoopsOfUnevenLength) {
  expect_fault(KernelFault::barrier_exited_thread, {"has returned"},
               [](EmuDevice& d) { launch(d.stream, "uneven", loop_of_uneven_length_kernel, dim3(1), dim3(64), 0); });
}

__global__ void exited_lane_kernel(int* y) {
  if (threadIdx.x == 5) return;
  y[threadIdx.x] = __shfl_sync(0xffffffffu, 1, 0);
}
TEST(Warp, ExitedLane) {
  expect_fault(KernelFault::warp_exited_lane, {"__shfl_sync(0xffffffff)", "lane 5"}, [](EmuDevice& d) {
    launch(d.stream, "exited_lane", exited_lane_kernel, dim3(1), dim3(32), 0, d.allocate<int>(32));
  });
}

__global__ void lane_never_comes_kernel() {
  if (threadIdx.x != 7) __syncwarp();
  __syncthreads();
}
TEST(Warp, NamedLaneWaitsElsewhere) {
  expect_fault(KernelFault::barrier_divergent, {"thread (7,0,0)"},
               [](EmuDevice& d) { launch(d.stream, "never_comes", lane_never_comes_kernel, dim3(1), dim3(32), 0); });
}

__global__ void wrong_mask_kernel(int* y) {
  const unsigned mask = threadIdx.x < 16 ? 0x7fffffffu : 0xffffffffu;
  y[threadIdx.x] = __shfl_sync(mask, 1, 0, 16);
}
TEST(Warp, LanesDisagreeOnTheMask) {
  expect_fault(KernelFault::warp_mismatch, {"0x7fffffff", "0xffffffff"}, [](EmuDevice& d) {
    launch(d.stream, "wrong_mask", wrong_mask_kernel, dim3(1), dim3(32), 0, d.allocate<int>(32));
  });
}

__global__ void overlapping_masks_kernel() {
  const unsigned lane = threadIdx.x;
  if (lane == 0) __syncwarp(0x3);
  if (lane == 1 || lane == 2) __syncwarp(lane == 1 ? 0x6 : 0x4);
  __syncthreads();
}
TEST(Warp, MasksThatNeverMeet) {
  expect_fault(KernelFault::warp_mismatch, {"__syncwarp"},
               [](EmuDevice& d) { launch(d.stream, "overlapping", overlapping_masks_kernel, dim3(1), dim3(3), 0); });
}

__global__ void different_calls_kernel(int* y) {
  y[threadIdx.x] = threadIdx.x % 2 == 0 ? __any_sync(0xffffffffu, 1) : __all_sync(0xffffffffu, 1);
}
TEST(Warp, LanesAtDifferentCalls) {
  expect_fault(KernelFault::warp_mismatch, {"__any_sync", "__all_sync"}, [](EmuDevice& d) {
    launch(d.stream, "different_calls", different_calls_kernel, dim3(1), dim3(32), 0, d.allocate<int>(32));
  });
}

__global__ void not_in_own_mask_kernel() { __syncwarp(0x1); }
TEST(Warp, CallingLaneNotNamed) {
  expect_fault(KernelFault::warp_self_not_named, {"does not name the calling lane"},
               [](EmuDevice& d) { launch(d.stream, "not_in_own_mask", not_in_own_mask_kernel, dim3(1), dim3(32), 0); });
}

__global__ void full_mask_kernel() { __syncwarp(); }
TEST(Warp, MaskBeyondTheBlock) {
  expect_fault(KernelFault::warp_missing_lane, {"lane 8", "40 threads"},
               [](EmuDevice& d) { launch(d.stream, "full_mask", full_mask_kernel, dim3(1), dim3(40), 0); });
}

__global__ void source_not_named_kernel(int* y) {
  if (threadIdx.x < 16) y[threadIdx.x] = __shfl_down_sync(0x0000ffffu, 1, 4);
}
TEST(Warp, SourceLaneNotNamed) {
  expect_fault(KernelFault::warp_bad_source, {"__shfl_down_sync(0x0000ffff)", "reads lane"}, [](EmuDevice& d) {
    launch(d.stream, "source_not_named", source_not_named_kernel, dim3(1), dim3(32), 0, d.allocate<int>(32));
  });
}

__global__ void bad_width_kernel(int* y) { y[threadIdx.x] = __shfl_sync(0xffffffffu, 1, 0, 12); }
TEST(Warp, WidthNotAPowerOfTwo) {
  expect_fault(KernelFault::warp_bad_width, {"width 12"}, [](EmuDevice& d) {
    launch(d.stream, "bad_width", bad_width_kernel, dim3(1), dim3(32), 0, d.allocate<int>(32));
  });
}

// The implicit warp-synchronous habit: lanes do not run together, so values are stale in some schedule.
__global__ void no_syncwarp_kernel(float* y) {
  FOVEA_SHARED(float, tile, [32]);
  const unsigned t = threadIdx.x;
  tile[t] = static_cast<float>(t);
  y[t] = tile[31 - t];
}
TEST(Warp, MissingSyncwarpShowsInEverySchedule) {
  if (built_with_tsan) GTEST_SKIP() << "the thread sanitizer reports it (emu_planted.missing_syncwarp)";
  for (const EmuOptions& options : all_schedules()) {
    EmuDevice device(options);
    float* y = device.allocate<float>(32);
    launch(device.stream, "no_syncwarp", no_syncwarp_kernel, dim3(1), dim3(32), 0, y);
    const std::vector<float> values = device.download(y, 32);
    int nans = 0;
    for (float value : values) nans += value != value;
    EXPECT_GT(nans, 0);
  }
}

TEST(Fault, EngineIsUsableAfterwards) {
  for (int repeat = 0; repeat < 3; ++repeat) {
    EmuDevice broken;
    EXPECT_THROW(launch(broken.stream, "two_barriers", two_barriers_kernel, dim3(1), dim3(64), 0), KernelFaultError);
    EmuDevice device;
    float* y = device.allocate<float>(64);
    void (*kernel)(float*) = [](float* out) {
      __syncthreads();
      out[threadIdx.x] = static_cast<float>(threadIdx.x);
      __syncthreads();
    };
    launch(device.stream, "fine", kernel, dim3(1), dim3(64), 0, y);
    EXPECT_EQ(device.download(y, 64), counting(64));
  }
}

TEST(Fault, LaterCallsRepeatTheFirst) {
  EmuDevice device;
  EXPECT_THROW(launch(device.stream, "two_barriers", two_barriers_kernel, dim3(1), dim3(64), 0), KernelFaultError);
  const auto repeats_first = [](const auto& call) {
    try {
      call();
      ADD_FAILURE() << "the device is still in use";
    } catch (const DeviceLostError& error) {
      EXPECT_NE(std::string(error.what()).find("two_barriers"), std::string::npos) << error.what();
    }
  };
  repeats_first([&] { device.memory.allocate(4); });
  repeats_first([&] { device.stream.synchronize(); });
  repeats_first([&] { launch(device.stream, "fine", full_mask_kernel, dim3(1), dim3(32), 0); });
}

TEST(Fault, ExceptionOfAKernelReachesTheHost) {
  EmuDevice device;
  void (*kernel)() = [] {
    __syncthreads();
    if (threadIdx.x == 3) throw std::runtime_error("thrown in a kernel");
    __syncthreads();
  };
  EXPECT_THROW(launch(device.stream, "throws", kernel, dim3(1), dim3(32), 0), std::runtime_error);
  launch(device.stream, "full_mask", full_mask_kernel, dim3(1), dim3(32), 0);
}

TEST(Fault, KernelsCannotLaunchKernels) {
  static Stream* stream_of_kernel = nullptr;
  EmuDevice device;
  stream_of_kernel = &device.stream;
  void (*kernel)() = [] { launch(*stream_of_kernel, "inner", full_mask_kernel, dim3(1), dim3(32), 0); };
  EXPECT_THROW(launch(device.stream, "outer", kernel, dim3(1), dim3(1), 0), LaunchError);
}

}  // namespace
}  // namespace fovea::emu
