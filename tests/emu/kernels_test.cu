// SPDX-License-Identifier: Apache-2.0
//
// Correct kernels are exact in every schedule, and clean under the sanitizers.
#include <numeric>
#include <thread>

#include "tests/emu/emu_test.h"

namespace fovea::emu {
namespace {

constexpr int tile_size = 64;

__global__ void reverse_tile_kernel(const float* x, float* y) {
  FOVEA_SHARED(float, tile, [tile_size]);
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  tile[threadIdx.x] = x[i];
  __syncthreads();
  y[i] = tile[blockDim.x - 1 - threadIdx.x];
}

__device__ float warp_sum(float value) {
  for (unsigned delta = 16; delta > 0; delta /= 2) value += __shfl_down_sync(0xffffffffu, value, delta);
  return value;
}

// One partial sum per warp, combined by the first warp; blocks meet in a global atomic.
__global__ void sum_kernel(const float* x, int count, float* sum) {
  FOVEA_SHARED(float, partial, [32]);
  const int lane = static_cast<int>(threadIdx.x % 32), warp = static_cast<int>(threadIdx.x / 32);
  float value = 0;
  for (int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x); i < count;
       i += static_cast<int>(gridDim.x * blockDim.x)) {
    value += x[i];
  }
  value = warp_sum(value);
  if (lane == 0) partial[warp] = value;
  __syncthreads();
  if (warp == 0) {
    value = warp_sum(lane < static_cast<int>(blockDim.x / 32) ? partial[lane] : 0.0f);
    if (lane == 0) atomicAdd(sum, value);
  }
}

__global__ void histogram_kernel(const int* x, int count, int bins, int* histogram) {
  int* local = dynamic_shared<int>();
  for (int b = static_cast<int>(threadIdx.x); b < bins; b += static_cast<int>(blockDim.x)) local[b] = 0;
  __syncthreads();
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < count) atomicAdd(&local[x[i]], 1);
  __syncthreads();
  for (int b = static_cast<int>(threadIdx.x); b < bins; b += static_cast<int>(blockDim.x)) {
    atomicAdd(&histogram[b], local[b]);
  }
}

// C = A * B, n x n, in square tiles that do not divide n; two barriers per step.
__global__ void tiled_product_kernel(const float* a, const float* b, float* c, int n) {
  constexpr int side = 8;
  FOVEA_SHARED(shared_cell<float>, tile_a, [side][side + 1]);
  FOVEA_SHARED(float, tile_b, [side][side + 1]);
  const int column = static_cast<int>(threadIdx.x), row = static_cast<int>(threadIdx.y);
  const int i = static_cast<int>(blockIdx.y) * side + row, j = static_cast<int>(blockIdx.x) * side + column;
  float sum = 0;
#pragma unroll
  for (int k0 = 0; k0 < n; k0 += side) {
    tile_a[row][column] = i < n && k0 + column < n ? a[i * n + k0 + column] : 0.0f;
    tile_b[row][column] = k0 + row < n && j < n ? b[(k0 + row) * n + j] : 0.0f;
    __syncthreads();
    for (int k = 0; k < side; ++k) sum = fmaf(tile_a[row][k], tile_b[k][column], sum);
    __syncthreads();
  }
  if (i < n && j < n) c[i * n + j] = sum;
}

// Neighbouring lanes exchange through shared memory, ordered by __syncwarp alone; half-warps go their own ways.
__global__ void swap_pairs_kernel(const float* x, float* y) {
  FOVEA_SHARED(float, tile, [tile_size]);
  const unsigned t = threadIdx.x;
  const unsigned half = t % 32 < 16 ? 0x0000ffffu : 0xffff0000u;
  tile[t] = x[t];
  __syncwarp(half);
  const float neighbour = tile[t ^ 1u];
  __syncwarp(half);
  tile[t] = neighbour + 1;
  __syncwarp(half);
  y[t] = tile[t ^ 1u];
}

__global__ void vote_kernel(const int* x, unsigned* y) {
  const int value = x[threadIdx.x];
  y[threadIdx.x] = __ballot_sync(0xffffffffu, value > 0);
  y[32 + threadIdx.x] =
      static_cast<unsigned>(__any_sync(0xffffffffu, value > 30) * 2 + __all_sync(0xffffffffu, value >= 0));
  y[64 + threadIdx.x] =
      static_cast<unsigned>(__shfl_sync(0xffffffffu, value, 3, 8) * 1000 + __shfl_up_sync(0xffffffffu, value, 2, 16));
  y[96 + threadIdx.x] = static_cast<unsigned>(__shfl_xor_sync(0xffffffffu, value, 5));
}

class EverySchedule : public ::testing::TestWithParam<EmuOptions> {};
INSTANTIATE_TEST_SUITE_P(Kernels, EverySchedule, ::testing::ValuesIn(all_schedules()), [](const auto& test) {
  return std::string(test.index == 0   ? "forward"
                     : test.index == 1 ? "reverse"
                     : test.index == 2 ? "shuffled1"
                                       : "shuffled2");
});

TEST_P(EverySchedule, ReverseTile) {
  EmuDevice device(GetParam());
  const std::vector<float> x = counting(tile_size * 5);
  float* dx = device.upload(x);
  float* dy = device.allocate<float>(x.size());
  launch(device.stream, "reverse_tile", reverse_tile_kernel, dim3(5), dim3(tile_size), 0, dx, dy);
  const std::vector<float> y = device.download(dy, x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    ASSERT_EQ(y[i], x[i / tile_size * tile_size + tile_size - 1 - i % tile_size]) << i;
  }
  EXPECT_EQ(device.stream.launches(), 1u);
}

TEST_P(EverySchedule, SumOverWarpsBlocksAndAtomics) {
  EmuDevice device(GetParam());
  const std::vector<float> x = counting(1000, 1);
  float* dx = device.upload(x);
  float* sum = device.upload(std::vector<float>{0});
  launch(device.stream, "sum", sum_kernel, dim3(3), dim3(128), 0, dx, 1000, sum);
  EXPECT_EQ(device.download(sum, 1)[0], 500500.0f);
}

TEST_P(EverySchedule, HistogramInDynamicSharedMemory) {
  EmuDevice device(GetParam());
  std::vector<int> x(500);
  for (int i = 0; i < 500; ++i) x[static_cast<std::size_t>(i)] = i * i % 7;
  std::vector<int> expected(7);
  for (int value : x) ++expected[static_cast<std::size_t>(value)];
  int* dx = device.upload(x);
  int* bins = device.upload(std::vector<int>(7));
  launch(device.stream, "histogram", histogram_kernel, dim3(4), dim3(128), 7 * sizeof(int), dx, 500, 7, bins);
  EXPECT_EQ(device.download(bins, 7), expected);
}

TEST_P(EverySchedule, TiledProductWithTails) {
  constexpr int n = 19;
  EmuDevice device(GetParam());
  std::vector<float> a(n * n), b(n * n), expected(n * n);
  for (int i = 0; i < n * n; ++i) {
    a[static_cast<std::size_t>(i)] = static_cast<float>(i % 7 - 3);
    b[static_cast<std::size_t>(i)] = static_cast<float>(i % 5 - 2);
  }
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < n; ++j) {
      for (int k = 0; k < n; ++k) {
        expected[static_cast<std::size_t>(i * n + j)] +=
            a[static_cast<std::size_t>(i * n + k)] * b[static_cast<std::size_t>(k * n + j)];
      }
    }
  }
  float* da = device.upload(a);
  float* db = device.upload(b);
  float* dc = device.allocate<float>(n * n);
  launch(device.stream, "tiled_product", tiled_product_kernel, dim3(3, 3), dim3(8, 8), 0, da, db, dc, n);
  EXPECT_EQ(device.download(dc, n * n), expected);
}

TEST_P(EverySchedule, HalfWarpsThroughSharedMemory) {
  EmuDevice device(GetParam());
  float* dx = device.upload(counting(tile_size));
  float* dy = device.allocate<float>(tile_size);
  launch(device.stream, "swap_pairs", swap_pairs_kernel, dim3(1), dim3(tile_size), 0, dx, dy);
  EXPECT_EQ(device.download(dy, tile_size), counting(tile_size, 1));
}

TEST_P(EverySchedule, VotesAndShuffles) {
  EmuDevice device(GetParam());
  std::vector<int> x(32);
  std::iota(x.begin(), x.end(), 0);
  int* dx = device.upload(x);
  unsigned* dy = device.allocate<unsigned>(128);
  launch(device.stream, "vote", vote_kernel, dim3(1), dim3(32), 0, dx, dy);
  const std::vector<unsigned> y = device.download(dy, 128);
  for (unsigned lane = 0; lane < 32; ++lane) {
    EXPECT_EQ(y[lane], 0xfffffffeu);
    EXPECT_EQ(y[32 + lane], 3u);
    EXPECT_EQ(y[64 + lane], (lane / 8 * 8 + 3) * 1000 + (lane % 16 < 2 ? lane : lane - 2));
    EXPECT_EQ(y[96 + lane], lane ^ 5u);
  }
}

TEST(Kernels, ShuffledSchedulesAreReproducible) {
  // A racy kernel: its result is the order of the threads.
  const auto order_of = [](std::uint64_t seed) {
    EmuDevice device({EmuSchedule::shuffled, seed});
    int* position = device.upload(std::vector<int>{0});
    int* order = device.allocate<int>(64);
    void (*kernel)(int*, int*) = [](int* next, int* out) { out[atomicAdd(next, 1)] = static_cast<int>(threadIdx.x); };
    launch(device.stream, "order", kernel, dim3(1), dim3(64), 0, position, order);
    return device.download(order, 64);
  };
  EXPECT_EQ(order_of(7), order_of(7));
  EXPECT_NE(order_of(7), order_of(8));
}

TEST(Kernels, EveryBlockRunsOnceInEverySchedule) {
  for (const EmuOptions& options : all_schedules()) {
    for (const dim3 grid : {dim3(1), dim3(7), dim3(8, 3), dim3(2, 3, 5)}) {
      EmuDevice device(options);
      const std::size_t blocks = std::size_t{grid.x} * grid.y * grid.z;
      int* count = device.upload(std::vector<int>(blocks));
      void (*kernel)(int*) = [](int* out) {
        if (threadIdx.x == 0) ++out[(blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x];
      };
      launch(device.stream, "count_blocks", kernel, grid, dim3(2), 0, count);
      EXPECT_EQ(device.download(count, blocks), std::vector<int>(blocks, 1));
    }
  }
}

TEST(Kernels, SeveralHostThreadsAtOnce) {
  std::vector<std::thread> threads;
  std::vector<float> sums(3);
  for (std::size_t i = 0; i < sums.size(); ++i) {
    threads.emplace_back([&, i] {
      EmuDevice device({EmuSchedule::shuffled, i});
      float* x = device.upload(counting(200, static_cast<float>(i)));
      float* sum = device.upload(std::vector<float>{0});
      for (int repeat = 0; repeat < 5; ++repeat) {
        launch(device.stream, "sum", sum_kernel, dim3(2), dim3(64), 0, x, 200, sum);
      }
      sums[i] = device.download(sum, 1)[0];
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (std::size_t i = 0; i < sums.size(); ++i) EXPECT_EQ(sums[i], 5 * (19900.0f + 200.0f * static_cast<float>(i)));
}

TEST(Kernels, FullBlockOf1024Threads) {
  EmuDevice device({EmuSchedule::shuffled, 3});
  float* x = device.upload(counting(4096));
  float* sum = device.upload(std::vector<float>{0});
  launch(device.stream, "sum", sum_kernel, dim3(1), dim3(1024), 0, x, 4096, sum);
  EXPECT_EQ(device.download(sum, 1)[0], 4096.0f * 4095 / 2);
}

}  // namespace
}  // namespace fovea::emu
