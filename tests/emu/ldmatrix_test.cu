// SPDX-License-Identifier: Apache-2.0
//
// ldmatrix against plain indexing, and a matrix product by cp.async, ldmatrix and mma against the integers'.
#include "cuda/runtime/ldmatrix.cuh"

#include <cstdint>

#include "cuda/runtime/cp_async.cuh"
#include "cuda/runtime/mma.cuh"
#include "tests/emu/emu_test.h"

namespace fovea::emu {
namespace {

constexpr int padded_row = 3;  // chunks of 16 bytes from row to row

// Row r of matrix m lies in row 8m + (r * 5 + m) % 8 of shared memory; element (r, c) of matrix m is 64m + 8r + c.
template <int matrices, bool transposed>
__global__ void load_kernel(std::uint32_t* out) {
  FOVEA_SHARED(uint4, rows, [32 * padded_row]);
  auto* const halves = reinterpret_cast<std::uint16_t*>(rows);
  const int lane = static_cast<int>(threadIdx.x);
  const int m = lane / 8, r = lane % 8, place = 8 * m + (r * 5 + m) % 8;
  for (int c = 0; c < 8; ++c) halves[place * padded_row * 8 + c] = static_cast<std::uint16_t>(64 * m + 8 * r + c);
  __syncwarp();
  std::uint32_t registers[matrices];
  // Lanes whose address is not used name nothing.
  ldmatrix<matrices, transposed>(registers, m < matrices ? rows + place * padded_row : nullptr);
  for (int i = 0; i < matrices; ++i) out[i * 32 + lane] = registers[i];
}

template <int matrices, bool transposed>
void expect_plain_indexing() {
  for (const EmuOptions& options : all_schedules()) {
    EmuDevice device(options);
    auto* out = device.allocate<std::uint32_t>(matrices * 32);
    launch(device.stream, "load", load_kernel<matrices, transposed>, dim3(1), dim3(32), 0, out);
    const std::vector<std::uint32_t> registers = device.download(out, matrices * 32);
    for (unsigned m = 0; m < matrices; ++m) {
      for (unsigned lane = 0; lane < 32; ++lane) {
        // As stored, a row is spread over four lanes; transposed, a column is.
        const unsigned group = lane >> 2, pair = lane % 4 * 2;
        const unsigned low = transposed ? 64 * m + 8 * pair + group : 64 * m + 8 * group + pair;
        const unsigned high = low + (transposed ? 8 : 1);
        EXPECT_EQ(registers[m * 32 + lane], low | high << 16) << "matrix " << m << ", lane " << lane;
      }
    }
  }
}

TEST(Ldmatrix, AsStored) {
  expect_plain_indexing<1, false>();
  expect_plain_indexing<2, false>();
  expect_plain_indexing<4, false>();
}
TEST(Ldmatrix, Transposed) {
  expect_plain_indexing<1, true>();
  expect_plain_indexing<2, true>();
  expect_plain_indexing<4, true>();
}

// c = a * b, 64 x 64 x 64, by one block of four warps, each of them 16 rows. Both operands come by cp.async, 16 bytes at
// a time, into rows that are one chunk longer than they need be. a is [m][k], or [k][m] where `a_by_columns`; b is [n][k],
// or [k][n] where `b_by_rows`.
template <class T, bool a_by_columns, bool b_by_rows>
__global__ void gemm64_kernel(const T* a, const T* b, float* c) {
  constexpr int depth = mma_depth<T>, chunk_elements = 16 / static_cast<int>(sizeof(T));
  constexpr int row_chunks = 64 / chunk_elements, stride = row_chunks + 1;
  FOVEA_SHARED(uint4, a_tile, [64 * stride]);
  FOVEA_SHARED(uint4, b_tile, [64 * stride]);
  const int thread = static_cast<int>(threadIdx.x), lane = thread % 32, warp = thread / 32;
  for (int i = thread; i < 64 * row_chunks; i += 128) {
    const int to = i / row_chunks * stride + i % row_chunks;
    cp_async<16>(a_tile + to, a + i * chunk_elements);
    cp_async<16>(b_tile + to, b + i * chunk_elements);
  }
  cp_async_commit();
  cp_async_wait<0>();
  __syncthreads();

  for (int n = 0; n < 64; n += 8) {
    FragmentSums sums{};
    for (int k = 0; k < 64; k += depth) {
      FragmentA<T> a_part;
      FragmentB<T> b_part;
      if constexpr (a_by_columns) {
        const TileChunk at = a_chunk_transposed(lane);
        ldmatrix<4, true>(a_part.registers, a_tile + (k + at.row) * stride + warp * 2 + at.chunk);
      } else {
        const TileChunk at = a_chunk(lane);
        ldmatrix<4>(a_part.registers, a_tile + (warp * 16 + at.row) * stride + k / chunk_elements + at.chunk);
      }
      if constexpr (b_by_rows) {
        const TileChunk at = b_chunk_transposed(lane);
        ldmatrix<2, true>(b_part.registers, b_tile + (k + at.row) * stride + n / 8 + at.chunk);
      } else {
        const TileChunk at = b_chunk(lane);
        ldmatrix<2>(b_part.registers, b_tile + (n + at.row) * stride + k / chunk_elements + at.chunk);
      }
      mma(sums, a_part, b_part);
    }
    for (int i = 0; i < 4; ++i) {
      const MatrixPlace place = mma_sum_place(lane, i);
      c[(warp * 16 + place.row) * 64 + n + place.column] = sums.values[i];
    }
  }
}

template <class T, bool a_by_columns, bool b_by_rows>
void expect_integer_product(std::initializer_list<EmuOptions> schedules) {
  const auto a_at = [](int m, int k) { return (m * 7 + k * 3) % 31 - 15; };
  const auto b_at = [](int k, int n) { return (k * 5 + n * 11) % 29 - 14; };
  std::vector<T> a(64 * 64), b(64 * 64);
  const auto stored = [](int value) {
    if constexpr (std::is_same_v<T, tf32_t>) {
      return to_tf32(static_cast<float>(value));
    } else {
      return T(static_cast<float>(value));
    }
  };
  for (int i = 0; i < 64; ++i) {
    for (int k = 0; k < 64; ++k) {
      a[static_cast<std::size_t>(a_by_columns ? k * 64 + i : i * 64 + k)] = stored(a_at(i, k));
      b[static_cast<std::size_t>(b_by_rows ? k * 64 + i : i * 64 + k)] = stored(b_at(k, i));
    }
  }
  std::vector<float> expected;
  for (int m = 0; m < 64; ++m) {
    for (int n = 0; n < 64; ++n) {
      int sum = 0;
      for (int k = 0; k < 64; ++k) sum += a_at(m, k) * b_at(k, n);
      expected.push_back(static_cast<float>(sum));
    }
  }
  for (const EmuOptions& options : schedules) {
    EmuDevice device(options);
    float* c = device.allocate<float>(64 * 64);
    launch(device.stream, "gemm64", gemm64_kernel<T, a_by_columns, b_by_rows>, dim3(1), dim3(128), 0,
           static_cast<const T*>(device.upload(a)), static_cast<const T*>(device.upload(b)), c);
    EXPECT_EQ(device.download(c, 64 * 64), expected);
  }
}

TEST(Gemm64, EqualsTheProductOfIntegers) {
  expect_integer_product<bf16_t, false, false>({{EmuSchedule::forward, 0}, {EmuSchedule::reverse, 0}});
  expect_integer_product<f16_t, false, false>({{EmuSchedule::shuffled, 1}});
}
TEST(Gemm64, TransposedOnTheWay) {
  expect_integer_product<bf16_t, true, false>({{EmuSchedule::forward, 0}});
  expect_integer_product<bf16_t, false, true>({{EmuSchedule::reverse, 0}});
  expect_integer_product<f16_t, true, true>({{EmuSchedule::shuffled, 2}});
}
TEST(Gemm64, Tf32) { expect_integer_product<tf32_t, false, false>({{EmuSchedule::shuffled, 3}}); }

__global__ void row_fault_kernel(int lane_at_fault, int byte_offset) {
  FOVEA_SHARED(uint4, rows, [32]);
  rows[threadIdx.x] = make_uint4(0, 0, 0, 0);
  __syncwarp();
  const unsigned char* row = reinterpret_cast<const unsigned char*>(rows + threadIdx.x);
  std::uint32_t registers[4];
  ldmatrix<4>(registers, static_cast<int>(threadIdx.x) == lane_at_fault ? row + byte_offset : row);
}
TEST(LdmatrixFaults, RowNotAligned) {
  expect_fault(KernelFault::shared_misaligned,
               {"thread (9,0,0)", "ldmatrix_test.cu", "ldmatrix<4>", "152 bytes into 'rows'", "must be aligned to 16"},
               [](EmuDevice& d) { launch(d.stream, "row_fault", row_fault_kernel, dim3(1), dim3(32), 0, 9, 8); });
}
TEST(LdmatrixFaults, RowOutsideOfSharedMemory) {
  for (const int offset : {16, -512}) {
    expect_fault(
        KernelFault::shared_outside, {"thread (31,0,0)", "ldmatrix<4>", "not within one shared array"},
        [offset](EmuDevice& d) { launch(d.stream, "row_fault", row_fault_kernel, dim3(1), dim3(32), 0, 31, offset); });
  }
}

__global__ void global_row_kernel(const uint4* x) {
  std::uint32_t registers[1];
  ldmatrix<1>(registers, x);
}
TEST(LdmatrixFaults, RowInGlobalMemory) {
  expect_fault(KernelFault::shared_outside, {"thread (0,0,0)", "ldmatrix<1>"}, [](EmuDevice& d) {
    launch(d.stream, "global_row", global_row_kernel, dim3(1), dim3(32), 0,
           static_cast<const uint4*>(d.allocate<uint4>(1)));
  });
}

// Here it lies well, on a device it may lie anywhere.
__global__ void array_of_halves_kernel() {
  FOVEA_SHARED(std::uint16_t, halves, [64]);
  for (unsigned i = threadIdx.x; i < 64; i += 32) halves[i] = 0;
  __syncwarp();
  std::uint32_t registers[1];
  ldmatrix<1, true>(registers, halves + threadIdx.x % 8 * 8);
}
TEST(LdmatrixFaults, ArrayOfSmallElements) {
  expect_fault(KernelFault::shared_misaligned, {"ldmatrix<1, transposed>", "'halves'", "aligned to 2;"},
               [](EmuDevice& d) { launch(d.stream, "halves", array_of_halves_kernel, dim3(1), dim3(32), 0); });
}

__global__ void lane_stays_away_kernel(int away) {
  FOVEA_SHARED(uint4, rows, [32]);
  rows[threadIdx.x] = make_uint4(0, 0, 0, 0);
  __syncwarp();
  std::uint32_t registers[2];
  if (static_cast<int>(threadIdx.x) != away) ldmatrix<2>(registers, rows + threadIdx.x);
}
TEST(LdmatrixFaults, LaneThatStaysAway) {  // even one whose address is not used
  expect_fault(KernelFault::warp_exited_lane, {"ldmatrix<2>(0xffffffff)", "lane 20"},
               [](EmuDevice& d) { launch(d.stream, "stays_away", lane_stays_away_kernel, dim3(1), dim3(32), 0, 20); });
}

}  // namespace
}  // namespace fovea::emu
