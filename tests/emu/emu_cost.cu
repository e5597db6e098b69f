// SPDX-License-Identifier: Apache-2.0
//
// What the emulator costs on this machine, in nanoseconds of processor time per CUDA thread.
#include <algorithm>
#include <cstdio>
#include <ctime>

#include "cuda/runtime/device_memory.h"
#include "cuda/runtime/dialect.cuh"
#include "cuda/runtime/launch.h"

namespace fovea::emu {
namespace {

__global__ void barriers_kernel(int rounds) {
  for (int i = 0; i < rounds; ++i) __syncthreads();
}
__global__ void shuffles_kernel(int rounds, float* y) {
  float value = 1;
  for (int i = 0; i < rounds; ++i) value = __shfl_xor_sync(0xffffffffu, value, 1);
  y[threadIdx.x] = value;
}
__global__ void store_kernel(float* y) { y[threadIdx.x] = 1; }

double now() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

template <class Run>
double best_of_five(Run&& run) {
  double best = 1e300;
  for (int i = 0; i < 5; ++i) {
    const double start = now();
    run();
    best = std::min(best, now() - start);
  }
  return best;
}

void measure() {
  Stream stream;
  DeviceMemory memory(0, stream);
  auto* y = static_cast<float*>(memory.allocate(1024 * sizeof(float)));
  std::puts("threads/block  ns/barrier  ns/shuffle  ns/thread without either");
  for (unsigned block : {32u, 64u, 128u, 256u, 512u, 1024u}) {
    const int rounds = static_cast<int>(1000000 / block);
    const double count = static_cast<double>(rounds) * block;
    const double barrier =
        best_of_five([&] { launch(stream, "barriers", barriers_kernel, dim3(1), dim3(block), 0, rounds); });
    const double shuffle =
        best_of_five([&] { launch(stream, "shuffles", shuffles_kernel, dim3(1), dim3(block), 0, rounds, y); });
    const double plain = best_of_five(
        [&] { launch(stream, "store", store_kernel, dim3(static_cast<unsigned>(rounds)), dim3(block), 0, y); });
    std::printf("%13u  %10.1f  %10.1f  %10.1f\n", block, barrier / count, shuffle / count, plain / count);
  }
  memory.deallocate(y);
}

}  // namespace
}  // namespace fovea::emu

int main() { fovea::emu::measure(); }
