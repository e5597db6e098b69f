// SPDX-License-Identifier: Apache-2.0
//
// Linear layers (core/ops/linear.h) as tiled matrix products:
//
//   forward           y[n,o]  = bias[o] + sum over i of x[n,i]  * w[o,i]     rows n, columns o, depth i
//   backward_data     dx[n,i] =           sum over o of dy[n,o] * w[o,i]     rows n, columns i, depth o
//   backward_weight   dw[o,i] =           sum over n of dy[n,o] * x[n,i]     rows o, columns i, depth n
//
// One kernel serves all three; an operand says along which of its indices it is contiguous. Block (x, y) computes the
// 64 x 64 tile of the result at column 64*x and row 64*y, as gemm_tile.cuh explains. Edges of the matrices that do not
// fill a tile are read as zeros and not written. dw is f32, whatever the type of the others. Where `relu`, forward
// stores the ReLU of y; with a `gate`, backward_data stores 0 for what the ReLU before holds back (epilogue.cuh).
#include "cuda/kernels/epilogue.cuh"
#include "cuda/kernels/gemm_tile.cuh"
#include "cuda/kernels/kernels.h"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

enum class Contiguous { edge, depth };  // edge: the operand's row (of a) or column (of b) index

// One operand, `edges` x `depth`: element (edge, d) is data[edge * depth + d] or data[d * edges + edge].
template <Contiguous contiguous, class T>
__device__ __forceinline__ void load_operand(Slice& slice, const T* __restrict__ data, std::int64_t edges,
                                             std::int64_t depth, std::int64_t first_edge, std::int64_t first_depth) {
  const auto element = [&](int edge_in_tile, int d_in_slice) {
    const std::int64_t edge = first_edge + edge_in_tile, d = first_depth + d_in_slice;
    if (edge >= edges || d >= depth) return 0.0f;
    return to_float(contiguous == Contiguous::depth ? data[edge * depth + d] : data[d * edges + edge]);
  };
  if constexpr (contiguous == Contiguous::depth) {
    load_along_depth(slice, element);
  } else {
    load_along_edge(slice, element);
  }
}

template <Contiguous contiguous_a, Contiguous contiguous_b, class T, class Result>
__global__ void __launch_bounds__(tile_threads, no_spills)
    gemm_tiled_kernel(std::int64_t rows, std::int64_t columns, std::int64_t depth, bool relu, const T* __restrict__ a,
                      const T* __restrict__ b, const float* __restrict__ bias, const Result* __restrict__ gate,
                      Result* __restrict__ out) {
  FOVEA_SHARED(float4, a_slice, [slice_depth][slice_quads]);
  FOVEA_SHARED(float4, b_slice, [slice_depth][slice_quads]);
  const std::int64_t first_row = static_cast<std::int64_t>(blockIdx.y) * tile_edge;
  const std::int64_t first_column = static_cast<std::int64_t>(blockIdx.x) * tile_edge;

  MicroTile sums = {};
  for (std::int64_t d = 0; d < depth; d += slice_depth) {
    load_operand<contiguous_a>(a_slice, a, rows, depth, first_row, d);
    load_operand<contiguous_b>(b_slice, b, columns, depth, first_column, d);
    __syncthreads();
    multiply_slices(a_slice, b_slice, sums);
    __syncthreads();
  }

  store_micro_tile(sums, [&](int row_in_tile, int column_in_tile, float sum) {
    const std::int64_t row = first_row + row_in_tile, column = first_column + column_in_tile;
    if (row >= rows || column >= columns) return;
    const float result = bias != nullptr ? sum + bias[column] : sum;
    const std::int64_t i = row * columns + column;
    const Result rounded = from_float<Result>(relu_if(relu, result));
    // Only backward_data has a gate: in the others it would cost registers (sm_90, bf16: spilled ones).
    constexpr bool backward_data = contiguous_a == Contiguous::depth && contiguous_b == Contiguous::edge;
    out[i] = backward_data ? gated(gate, i, rounded) : rounded;
  });
}

template <Contiguous contiguous_a, Contiguous contiguous_b, class T, class Result>
static void launch_gemm(Stream& stream, const char* name, std::int64_t rows, std::int64_t columns, std::int64_t depth,
                        bool relu, const T* a, const T* b, const float* bias, const Result* gate, Result* out) {
  launch(stream, name, gemm_tiled_kernel<contiguous_a, contiguous_b, T, Result>, dim3(tiles(columns), tiles(rows)),
         dim3(tile_threads), 0, rows, columns, depth, relu, a, b, bias, gate, out);
}

template <class T>
void linear_forward(Stream& stream, const LinearGeometry& g, bool relu, const T* x, const T* w, const float* bias,
                    T* y) {
  launch_gemm<Contiguous::depth, Contiguous::depth, T, T>(stream, "linear_forward", g.N, g.O, g.I, relu, x, w, bias,
                                                          nullptr, y);
}

template <class T>
void linear_backward_data(Stream& stream, const LinearGeometry& g, const T* gate, const T* dy, const T* w, T* dx) {
  launch_gemm<Contiguous::depth, Contiguous::edge>(stream, "linear_backward_data", g.N, g.I, g.O, false, dy, w, nullptr,
                                                   gate, dx);
}

template <class T>
void linear_backward_weight(Stream& stream, const LinearGeometry& g, const T* x, const T* dy, float* dw) {
  launch_gemm<Contiguous::edge, Contiguous::edge, T, float>(stream, "linear_backward_weight", g.O, g.I, g.N, false, dy,
                                                            x, nullptr, nullptr, dw);
}

FOVEA_INSTANTIATE_STORAGE(linear_forward);
FOVEA_INSTANTIATE_STORAGE(linear_backward_data);
FOVEA_INSTANTIATE_STORAGE(linear_backward_weight);

}  // namespace fovea::FOVEA_TARGET
