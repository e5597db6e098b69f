// SPDX-License-Identifier: Apache-2.0
//
// What mma and ldmatrix do once all 32 lanes have arrived, by the maps of cuda/runtime/mma_lanes.h. The lanes' own
// registers lie on their stacks, and this source is not instrumented: the thread sanitizer sees each lane read what
// ldmatrix found for it, and nothing else.
#include <cstdint>

#include "core/tensor/dtype.h"
#include "cuda/emu/engine.h"
#include "cuda/emu/matrix_functions.h"
#include "cuda/runtime/mma_lanes.h"

namespace fovea::emu {
namespace {

constexpr std::size_t row_bytes = 16;

template <class T>
const T& operands_of(std::uint64_t value) {
  return *reinterpret_cast<const T*>(static_cast<std::uintptr_t>(value));
}

// Element i of the registers, exactly. The product of two has at most 22 bits and any exponent that float64 holds.
double element(WarpCall call, const std::uint32_t* registers, int i) {
  if (call == WarpCall::mma_tf32) return __builtin_bit_cast(float, registers[i] & 0xffffe000u);
  const std::uint32_t bits = registers[i / 2] >> (i % 2 * 16) & 0xffffu;
  if (call == WarpCall::mma_bf16) return __builtin_bit_cast(float, bits << 16);
  f16_t half;
  half.bits = static_cast<std::uint16_t>(bits);
  return static_cast<float>(half);
}

template <int depth>
void multiply(WarpCall call, const MmaOperands* const (&lanes)[32]) {
  double a[16][depth], b[depth][8];
  for (int lane = 0; lane < 32; ++lane) {
    for (int i = 0; i < depth / 2; ++i) {
      const MatrixPlace place = mma_a_place<depth>(lane, i);
      a[place.row][place.column] = element(call, lanes[lane]->a, i);
    }
    for (int i = 0; i < depth / 4; ++i) {
      const MatrixPlace place = mma_b_place<depth>(lane, i);
      b[place.row][place.column] = element(call, lanes[lane]->b, i);
    }
  }
  for (int lane = 0; lane < 32; ++lane) {
    for (int i = 0; i < 4; ++i) {
      const MatrixPlace place = mma_sum_place(lane, i);
      double sum = 0;
      for (int d = 0; d < depth; ++d) sum += a[place.row][d] * b[d][place.column];
      lanes[lane]->sums[i] = static_cast<float>(sum + lanes[lane]->sums[i]);
    }
  }
}

}  // namespace

void Engine::complete_matrix(int warp_index, WarpCall call) {
  Thread* const threads = threads_ + warp_index * 32;
  if (call == WarpCall::mma_bf16 || call == WarpCall::mma_f16 || call == WarpCall::mma_tf32) {
    const MmaOperands* lanes[32];
    for (int lane = 0; lane < 32; ++lane) lanes[lane] = &operands_of<MmaOperands>(threads[lane].value);
    return call == WarpCall::mma_tf32 ? multiply<8>(call, lanes) : multiply<16>(call, lanes);
  }
  const auto read_of = [&](int lane) -> MatrixRead& {
    return const_cast<MatrixRead&>(operands_of<MatrixRead>(threads[lane].value));
  };
  const int matrices = read_of(0).matrices;
  for (int lane = 0; lane < 8 * matrices; ++lane) {
    FaultRecord record;
    record.thread = warp_index * 32 + lane;
    record.site = threads[lane].site;
    record.call = call;
    record.mask = threads[lane].mask;
    require_shared(read_of(lane).row, row_bytes, record);
  }
  for (int lane = 0; lane < 32; ++lane) {
    MatrixRead& read = read_of(lane);
    for (int m = 0; m < matrices; ++m) {
      for (int i = 0; i < 2; ++i) {
        const MatrixPlace place = ldmatrix_place(lane, i, read.transposed);
        read.elements[m][i] = static_cast<const unsigned char*>(read_of(8 * m + place.row).row) + 2 * place.column;
      }
    }
  }
}

// `bytes` bytes of one shared array, aligned to as many. That the array happens to lie well here is not enough.
void Engine::require_shared(const void* address, std::size_t bytes, FaultRecord record) {
  const SharedSlot* slot = arena_.containing(address, bytes);
  record.bytes = bytes;
  if (slot == nullptr) {
    record.fault = KernelFault::shared_outside;
    fail(record);
  }
  const auto offset = static_cast<std::size_t>(static_cast<const unsigned char*>(address) - slot->data);
  if (slot->alignment >= bytes && offset % bytes == 0) return;
  record.fault = KernelFault::shared_misaligned;
  record.array = slot->name;
  record.used = offset;
  record.limit = slot->alignment;
  fail(record);
}

}  // namespace fovea::emu
