// SPDX-License-Identifier: Apache-2.0
//
// mma against the textbook product. The fragments are filled by the sentences of the PTX ISA, written down here a second
// time, as they stand there; every element is compared.
#include "cuda/runtime/mma.cuh"

#include <cmath>
#include <cstdint>
#include <limits>

#include "tests/emu/emu_test.h"

namespace fovea::emu {
namespace {

// "row = groupID for ai where 0 <= i < 2 || 4 <= i < 6, groupID + 8 otherwise" and so on.
template <class T>
int ptx_a_row(int lane, int i) {
  if (mma_depth<T> == 8) return i == 0 || i == 2 ? lane >> 2 : (lane >> 2) + 8;
  return (0 <= i && i < 2) || (4 <= i && i < 6) ? lane >> 2 : (lane >> 2) + 8;
}
template <class T>
int ptx_a_column(int lane, int i) {
  if (mma_depth<T> == 8) return i == 0 || i == 1 ? lane % 4 : lane % 4 + 4;
  return i < 4 ? (lane % 4) * 2 + (i & 1) : (lane % 4) * 2 + (i & 1) + 8;
}
template <class T>
int ptx_b_row(int lane, int i) {
  if (mma_depth<T> == 8) return i == 0 ? lane % 4 : lane % 4 + 4;
  return i < 2 ? (lane % 4) * 2 + (i & 1) : (lane % 4) * 2 + (i & 1) + 8;
}
int ptx_c_row(int lane, int i) { return i < 2 ? lane >> 2 : (lane >> 2) + 8; }
int ptx_c_column(int lane, int i) { return (lane % 4) * 2 + (i & 1); }

TEST(MmaLanes, AreThoseOfThePtxIsa) {
  for (int lane = 0; lane < 32; ++lane) {
    for (int i = 0; i < 8; ++i) {
      EXPECT_EQ(mma_a_place<16>(lane, i).row, ptx_a_row<bf16_t>(lane, i));
      EXPECT_EQ(mma_a_place<16>(lane, i).column, ptx_a_column<bf16_t>(lane, i));
    }
    for (int i = 0; i < 4; ++i) {
      EXPECT_EQ(mma_a_place<8>(lane, i).row, ptx_a_row<tf32_t>(lane, i));
      EXPECT_EQ(mma_a_place<8>(lane, i).column, ptx_a_column<tf32_t>(lane, i));
      EXPECT_EQ(mma_b_place<16>(lane, i).row, ptx_b_row<bf16_t>(lane, i));
      EXPECT_EQ(mma_b_place<16>(lane, i).column, lane >> 2);
      EXPECT_EQ(mma_sum_place(lane, i).row, ptx_c_row(lane, i));
      EXPECT_EQ(mma_sum_place(lane, i).column, ptx_c_column(lane, i));
    }
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(mma_b_place<8>(lane, i).row, ptx_b_row<tf32_t>(lane, i));
      EXPECT_EQ(mma_b_place<8>(lane, i).column, lane >> 2);
    }
  }
}

// Puts `value` into element i of a fragment: tf32 as they are, 16-bit types after conversion.
template <class T>
void put(std::uint32_t* registers, int i, float value) {
  if constexpr (std::is_same_v<T, tf32_t>) {
    registers[i] = __float_as_uint(value);
  } else {
    const std::uint32_t bits = T(value).bits;
    registers[i / 2] = i % 2 == 0 ? bits : registers[i / 2] | bits << 16;
  }
}

// d = a * b + c by one warp, for each block with an a of its own; all matrices stored row by row.
template <class T>
__global__ void product_kernel(const float* a, const float* b, const float* c, float* d) {
  constexpr int depth = mma_depth<T>;
  const int lane = static_cast<int>(threadIdx.x);
  a += blockIdx.x * 16 * depth;
  d += blockIdx.x * 16 * 8;
  FragmentA<T> a_part{};
  FragmentB<T> b_part{};
  FragmentSums sums;
  for (int i = 0; i < depth / 2; ++i) {
    put<T>(a_part.registers, i, a[ptx_a_row<T>(lane, i) * depth + ptx_a_column<T>(lane, i)]);
  }
  for (int i = 0; i < depth / 4; ++i) put<T>(b_part.registers, i, b[ptx_b_row<T>(lane, i) * 8 + (lane >> 2)]);
  for (int i = 0; i < 4; ++i) sums.values[i] = c[ptx_c_row(lane, i) * 8 + ptx_c_column(lane, i)];
  mma(sums, a_part, b_part);
  for (int i = 0; i < 4; ++i) d[ptx_c_row(lane, i) * 8 + ptx_c_column(lane, i)] = sums.values[i];
}

template <class T>
std::vector<float> multiply_by_warp(EmuDevice& device, const std::vector<float>& a, const std::vector<float>& b,
                                    const std::vector<float>& c) {
  const auto blocks = static_cast<unsigned>(a.size() / (16 * mma_depth<T>));
  float* d = device.allocate<float>(blocks * 16 * 8);
  launch(device.stream, "product", product_kernel<T>, dim3(blocks), dim3(32), 0, device.upload(a), device.upload(b),
         device.upload(c), d);
  return device.download(d, blocks * 16 * 8);
}

std::vector<float> textbook(const std::vector<float>& a, const std::vector<float>& b, const std::vector<float>& c,
                            std::size_t depth) {
  std::vector<float> d;
  for (std::size_t row = 0; row < a.size() / depth; ++row) {
    for (std::size_t column = 0; column < 8; ++column) {
      float sum = c[row % 16 * 8 + column];  // integers: exact in any order
      for (std::size_t k = 0; k < depth; ++k) sum += a[row * depth + k] * b[k * 8 + column];
      d.push_back(sum);
    }
  }
  return d;
}

// What a launcher asks before it chooses a kernel with mma.
TEST(Sm80, EmuHasIt) {
  EmuDevice device;
  EXPECT_TRUE(compiled_for_sm80(device.stream, product_kernel<bf16_t>));
}

template <class T>
class Mma : public testing::Test {};
using MmaTypes = testing::Types<bf16_t, f16_t, tf32_t>;
TYPED_TEST_SUITE(Mma, MmaTypes);

TYPED_TEST(Mma, MatricesOfRowAndColumnNumbers) {
  constexpr std::size_t depth = mma_depth<TypeParam>;
  const std::vector<float> a = counting(16 * depth, -20), b = counting(depth * 8, 1), c = counting(16 * 8, 1000);
  for (const EmuOptions& options : all_schedules()) {
    EmuDevice device(options);
    EXPECT_EQ(multiply_by_warp<TypeParam>(device, a, b, c), textbook(a, b, c, depth));
  }
}

// One element of A at a time: it brings out one row of B in one row of the result.
TYPED_TEST(Mma, EachElementAlone) {
  constexpr std::size_t depth = mma_depth<TypeParam>, elements = 16 * depth;
  std::vector<float> a(elements * elements, 0);
  for (std::size_t i = 0; i < elements; ++i) a[i * elements + i] = 2;
  const std::vector<float> b = counting(depth * 8, 1), c(16 * 8, 0);
  EmuDevice device;
  EXPECT_EQ(multiply_by_warp<TypeParam>(device, a, b, c), textbook(a, b, c, depth));
}

TYPED_TEST(Mma, NotANumberReachesItsRowOnly) {
  constexpr std::size_t depth = mma_depth<TypeParam>;
  std::vector<float> a(16 * depth, 1);
  a[3 * depth + 2] = std::numeric_limits<float>::quiet_NaN();
  EmuDevice device;
  const std::vector<float> d =
      multiply_by_warp<TypeParam>(device, a, std::vector<float>(depth * 8, 1), std::vector<float>(16 * 8, 0));
  for (std::size_t i = 0; i < d.size(); ++i) EXPECT_EQ(std::isnan(d[i]), i / 8 == 3);
}

// A float that nobody converted is cut off: a kernel that forgets to_tf32 differs from one that rounds.
TEST(MmaTf32, IgnoresTheLow13Bits) {
  const float dirty = 1.0f + 0x1.8p-11f, cut = 1.0f, rounded = 1.0f + 0x1p-10f;
  ASSERT_EQ(__uint_as_float(to_tf32(dirty).bits), rounded);
  const auto product = [](float value) {
    EmuDevice device;
    return multiply_by_warp<tf32_t>(device, std::vector<float>(16 * 8, value), std::vector<float>(8 * 8, 1),
                                    std::vector<float>(16 * 8, 0));
  };
  EXPECT_EQ(product(dirty), product(cut));
  EXPECT_NE(product(dirty), product(rounded));
  EXPECT_EQ(product(rounded), std::vector<float>(16 * 8, 8 * rounded));
}

TEST(MmaConversion, Tf32RoundsToNearestTiesAway) {
  const auto round = [](float value) { return __uint_as_float(to_tf32(value).bits); };
  const float last = 0x1p-10f;  // the last place of 1 in tf32
  EXPECT_EQ(round(1 + last / 2 - 0x1p-23f), 1.0f);
  EXPECT_EQ(round(1 + last / 2), 1 + last);
  EXPECT_EQ(round(1 + last + last / 2), 1 + 2 * last);
  EXPECT_EQ(round(-1 - last / 2), -1 - last);
  EXPECT_EQ(round(2 - 0x1p-23f), 2.0f);
  EXPECT_EQ(round(std::numeric_limits<float>::max()), std::numeric_limits<float>::infinity());
  EXPECT_EQ(round(-std::numeric_limits<float>::infinity()), -std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(round(std::numeric_limits<float>::quiet_NaN())));
  EXPECT_EQ(to_tf32(0.1f).bits & 0x1fffu, 0u);
}

TEST(MmaConversion, PairsHaveTheFirstInTheLowHalf) {
  EXPECT_EQ(pack_pair<bf16_t>(1.0f, -2.0f), 0xc0003f80u);
  EXPECT_EQ(pack_pair<f16_t>(1.0f, -2.0f), 0xc0003c00u);
  EXPECT_EQ(pack_pair<bf16_t>(1 + 0x1p-8f, 1 + 0x1.8p-7f), 0x3f823f80u);  // ties to even
}

template <class T>
__global__ void mma_of_some_lanes_kernel(unsigned lanes) {
  FragmentSums sums{};
  if (threadIdx.x < lanes) mma(sums, FragmentA<T>{}, FragmentB<T>{});
}
constexpr int mixed_line = __LINE__ + 4;
__global__ void mma_of_mixed_types_kernel() {
  FragmentSums sums{};
  if (threadIdx.x % 2 == 0) {
    mma(sums, FragmentA<bf16_t>{}, FragmentB<bf16_t>{});
  } else {
    mma(sums, FragmentA<f16_t>{}, FragmentB<f16_t>{});
  }
}
__global__ void mma_against_barrier_kernel() {
  FragmentSums sums{};
  if (threadIdx.x != 7) mma(sums, FragmentA<tf32_t>{}, FragmentB<tf32_t>{});
  __syncthreads();
}
TEST(MmaFaults, LanesThatAreNotThere) {
  expect_fault(KernelFault::warp_exited_lane, {"mma<bf16_t>(0xffffffff)", "mma_test.cu"}, [](EmuDevice& d) {
    launch(d.stream, "some_lanes", mma_of_some_lanes_kernel<bf16_t>, dim3(1), dim3(32), 0, 31u);
  });
  expect_fault(KernelFault::warp_missing_lane, {"mma<f16_t>", "lane 16", "48 threads"}, [](EmuDevice& d) {
    launch(d.stream, "half_a_warp", mma_of_some_lanes_kernel<f16_t>, dim3(1), dim3(48), 0, 48u);
  });
  expect_fault(KernelFault::barrier_divergent, {"mma<tf32_t>", "thread (7,0,0)"}, [](EmuDevice& d) {
    launch(d.stream, "against_barrier", mma_against_barrier_kernel, dim3(1), dim3(32), 0);
  });
}
TEST(MmaFaults, LanesAtDifferentInstructions) {
  expect_fault(KernelFault::warp_mismatch, {"mma<bf16_t>", "mma<f16_t>", "mma_test.cu:" + std::to_string(mixed_line)},
               [](EmuDevice& d) { launch(d.stream, "mixed_types", mma_of_mixed_types_kernel, dim3(1), dim3(32), 0); });
}

}  // namespace
}  // namespace fovea::emu
