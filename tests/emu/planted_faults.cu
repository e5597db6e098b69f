// SPDX-License-Identifier: Apache-2.0
//
// emu_planted NAME: runs one kernel with one fault. Its values may well be right; the sanitizer that the build has must
// say so. In forward order throughout: no luck with the schedule is needed.
#include <cstdio>
#include <cstring>

#include "cuda/runtime/cp_async.cuh"
#include "cuda/runtime/device_memory.h"
#include "cuda/runtime/dialect.cuh"
#include "cuda/runtime/launch.h"
#include "cuda/runtime/ldmatrix.cuh"

namespace fovea::emu {
namespace {

__global__ void store_kernel(float* y, int index) { y[index] = 1; }

__global__ void shared_overrun_kernel(float* y, int index) {
  FOVEA_SHARED(float, values, [8]);
  float* volatile p = values;  // past the compiler's own bounds checks
  y[0] = p[index];
}
__global__ void dynamic_shared_overrun_kernel(float* y, int index) { y[0] = dynamic_shared<float>()[index]; }

__global__ void missing_barrier_kernel(float* y) {
  FOVEA_SHARED(float, tile, [64]);
  const unsigned t = threadIdx.x;
  tile[t] = 1;
  y[t] = t == 0 ? 0 : tile[t - 1];
}

// The barrier that keeps the next step's writes away from this step's reads is missing.
__global__ void missing_second_barrier_kernel(float* y) {
  FOVEA_SHARED(float, tile, [64]);
  const unsigned t = threadIdx.x;
  float sum = 0;
  for (int step = 0; step < 2; ++step) {
    tile[t] = static_cast<float>(step);
    __syncthreads();
    sum += tile[(t + 1) % 64];
  }
  y[t] = sum;
}

__global__ void missing_syncwarp_kernel(float* y) {
  FOVEA_SHARED(float, tile, [32]);
  const unsigned t = threadIdx.x;
  tile[t] = 1;
  y[t] = tile[31 - t];
}

// A shuffle makes lanes meet, but orders no memory.
__global__ void shuffle_is_no_barrier_kernel(float* y) {
  FOVEA_SHARED(float, tile, [32]);
  const unsigned t = threadIdx.x;
  tile[t] = __shfl_sync(0xffffffffu, 1.0f, 0);
  const float one = __shfl_sync(0xffffffffu, 1.0f, 1);
  y[t] = tile[31 - t] + one;
}

__global__ void cp_async_source_overrun_kernel(float* y) {
  FOVEA_SHARED(float4, tile, [1]);
  cp_async<16>(tile, y + 64);
  cp_async_wait_all();
}

// The wait makes the copies visible to the thread that waits, and comes too late for the barrier.
__global__ void cp_async_barrier_before_wait_kernel(float* y) {
  FOVEA_SHARED(float, tile, [64]);
  const unsigned t = threadIdx.x;
  cp_async<4>(tile + t, y + t);
  __syncthreads();
  cp_async_wait_all();
  y[t] = t == 0 ? 0 : tile[t - 1];
}

// The next stage's copies start while a neighbour may still read. That it reads the old bytes here, before the wait,
// is luck.
__global__ void cp_async_into_what_is_read_kernel(float* y) {
  FOVEA_SHARED(float, tile, [64]);
  const unsigned t = threadIdx.x;
  tile[t] = 1;
  __syncthreads();
  const float sum = tile[(t + 1) % 64];
  cp_async<4>(tile + t, y + t);
  __syncthreads();
  cp_async_wait_all();
  y[t] = sum;
}

__global__ void ldmatrix_missing_barrier_kernel(float* y) {
  FOVEA_SHARED(uint4, rows, [32]);
  const unsigned t = threadIdx.x;
  rows[t] = make_uint4(t, t, t, t);
  unsigned registers[1];
  ldmatrix<1>(registers, rows + t % 8);
  y[t] = static_cast<float>(registers[0]);
}

__global__ void race_in_block_kernel(float* y) { y[0] += 1; }

__global__ void race_between_blocks_kernel(float* y) {
  if (threadIdx.x == 0) y[0] += 1;
}
// Three barriers, so that both of the alternating tags have seen the write before the next block begins.
__global__ void race_between_blocks_after_barrier_kernel(float* y) {
  __syncthreads();
  if (threadIdx.x == 0) y[0] += 1;
  __syncthreads();
  __syncthreads();
}

int run(const char* name) {
  const auto is = [&](const char* other) { return std::strcmp(name, other) == 0; };
  Stream stream(0, EmuOptions{});
  DeviceMemoryOptions options;
  options.pooled = !is("use_after_free_without_pool");
  DeviceMemory memory(0, stream, options);
  auto* y = static_cast<float*>(memory.allocate(64 * sizeof(float)));
  memory.fill(y, 0, 64 * sizeof(float));
  const auto one = [&](auto kernel, unsigned blocks, unsigned threads, auto... arguments) {
    launch(stream, name, kernel, dim3(blocks), dim3(threads), 32, y, arguments...);
  };
  if (is("memory_overrun"))
    one(store_kernel, 1, 1, 64);
  else if (is("use_after_free") || is("use_after_free_without_pool")) {
    memory.deallocate(y);
    one(store_kernel, 1, 1, 3);
    return 0;
  } else if (is("shared_overrun"))
    one(shared_overrun_kernel, 1, 1, 8);
  else if (is("dynamic_shared_overrun"))
    one(dynamic_shared_overrun_kernel, 1, 1, 8);
  else if (is("missing_barrier"))
    one(missing_barrier_kernel, 1, 64);
  else if (is("missing_second_barrier"))
    one(missing_second_barrier_kernel, 1, 64);
  else if (is("missing_syncwarp"))
    one(missing_syncwarp_kernel, 1, 32);
  else if (is("shuffle_is_no_barrier"))
    one(shuffle_is_no_barrier_kernel, 1, 32);
  else if (is("cp_async_source_overrun"))
    one(cp_async_source_overrun_kernel, 1, 1);
  else if (is("cp_async_barrier_before_wait"))
    one(cp_async_barrier_before_wait_kernel, 1, 64);
  else if (is("cp_async_into_what_is_read"))
    one(cp_async_into_what_is_read_kernel, 1, 64);
  else if (is("ldmatrix_missing_barrier"))
    one(ldmatrix_missing_barrier_kernel, 1, 32);
  else if (is("race_in_block"))
    one(race_in_block_kernel, 1, 2);
  else if (is("race_between_blocks"))
    one(race_between_blocks_kernel, 2, 1);
  else if (is("race_between_blocks_after_barrier"))
    one(race_between_blocks_after_barrier_kernel, 2, 64);
  else {
    std::fprintf(stderr, "unknown fault '%s'\n", name);
    return 2;
  }
  memory.deallocate(y);
  std::puts("no sanitizer reported the fault");
  return 0;
}

}  // namespace
}  // namespace fovea::emu

int main(int argc, char** argv) { return argc == 2 ? fovea::emu::run(argv[1]) : 2; }
