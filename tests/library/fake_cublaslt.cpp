// SPDX-License-Identifier: Apache-2.0
//
// A cuBLASLt that multiplies on the host, plainly and column by column, and refuses what the real one would misread:
// extents that do not fit together, a workspace that is too small, pointers less aligned than was promised. It ranks
// four algorithms for every product: one that does not apply, one on tensor cores in tf32, one that says it takes its inputs
// as float16, as the real one's do that take bfloat16, and is right for those alone that are stored so, and the plain one.
// Before that of float16 operands comes one that takes bfloat16, with 8192 bytes of workspace.
// Products with 13 rows have no plain algorithm, products with 17 rows none at all.
// FAKE_VERSION is the version it names; without FAKE_COMPLETE it lacks cublasLtMatmul.
#include <cublasLt.h>

#include <cstdint>
#include <cstring>
#include <map>
#include <utility>

namespace {

enum Algorithm : std::uint64_t { inapplicable, tensor_cores, fewer_bits, rounded_inputs, plain };

struct Operation {
  cublasComputeType_t compute;
  std::map<int, std::uint64_t> attributes;
  std::uint64_t value(cublasLtMatmulDescAttributes_t which) const {
    const auto found = attributes.find(which);
    return found != attributes.end() ? found->second : 0;
  }
  bool transposed(cublasLtMatmulDescAttributes_t which) const { return value(which) == CUBLAS_OP_T; }
};
struct Layout {
  cudaDataType type;
  std::uint64_t rows, columns;
  std::int64_t leading;

  float read(const void* data, std::uint64_t i) const {
    if (type == CUDA_R_32F) return static_cast<const float*>(data)[i];
    const std::uint32_t bits = std::uint32_t{static_cast<const std::uint16_t*>(data)[i]} << 16;
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  }
  // Cuts off what bfloat16 does not hold.
  void write(void* data, std::uint64_t i, float value) const {
    if (type == CUDA_R_32F) {
      static_cast<float*>(data)[i] = value;
      return;
    }
    std::uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    static_cast<std::uint16_t*>(data)[i] = static_cast<std::uint16_t>(bits >> 16);
  }
};
struct Preference {
  std::map<int, std::uint64_t> values;
};

template <class T, class Handle>
T& as(Handle handle) {
  return *reinterpret_cast<T*>(handle);
}

constexpr std::size_t workspace_for(std::uint64_t alignment) { return alignment == 256 ? 1024 : 4096; }

}  // namespace

extern "C" {

std::size_t cublasLtGetVersion() { return FAKE_VERSION; }
const char* cublasLtGetStatusString(cublasStatus_t) { return "the fake library's words"; }
#if FAKE_COMPLETE

cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
  *handle = reinterpret_cast<cublasLtHandle_t>(new int);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) {
  delete reinterpret_cast<int*>(handle);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* made, cublasComputeType_t compute, cudaDataType_t scale) {
  if (scale != CUDA_R_32F) return CUBLAS_STATUS_INVALID_VALUE;
  *made = reinterpret_cast<cublasLtMatmulDesc_t>(new Operation{compute, {}});
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t operation) {
  delete &as<Operation>(operation);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t operation, cublasLtMatmulDescAttributes_t which,
                                              const void* value, std::size_t bytes) {
  if (bytes != sizeof(std::int32_t)) return CUBLAS_STATUS_INVALID_VALUE;
  std::memcpy(&as<Operation>(operation).attributes[which], value, bytes);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* made, cudaDataType type, std::uint64_t rows,
                                          std::uint64_t columns, std::int64_t leading) {
  if (type != CUDA_R_32F && type != CUDA_R_16BF && type != CUDA_R_16F) return CUBLAS_STATUS_INVALID_VALUE;
  *made = reinterpret_cast<cublasLtMatrixLayout_t>(new Layout{type, rows, columns, leading});
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) {
  delete &as<Layout>(layout);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* made) {
  *made = reinterpret_cast<cublasLtMatmulPreference_t>(new Preference);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
  delete &as<Preference>(preference);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                                    cublasLtMatmulPreferenceAttributes_t which, const void* value,
                                                    std::size_t bytes) {
  const std::size_t expected = which == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES ? 8 : 4;
  if (bytes != expected) return CUBLAS_STATUS_INVALID_VALUE;
  std::memcpy(&as<Preference>(preference).values[which], value, bytes);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t, cublasLtMatmulDesc_t, cublasLtMatrixLayout_t a,
                                              cublasLtMatrixLayout_t, cublasLtMatrixLayout_t, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t preference, int asked,
                                              cublasLtMatmulHeuristicResult_t* ranked, int* found) {
  auto& values = as<Preference>(preference).values;
  const std::uint64_t alignment = values[CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES];
  for (const int other : {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES,
                          CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES}) {
    if (values[other] != alignment) return CUBLAS_STATUS_INVALID_VALUE;
  }
  // Sums in the workspace, in order, and nothing else.
  if (values[CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK] != CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE ||
      values[CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES] < workspace_for(alignment)) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  const std::uint64_t rows = as<Layout>(d).rows;
  *found = 0;
  if (rows == 17) return CUBLAS_STATUS_NOT_SUPPORTED;
  for (const Algorithm algorithm : {inapplicable, tensor_cores, fewer_bits, rounded_inputs, plain}) {
    if (algorithm == fewer_bits && as<Layout>(a).type != CUDA_R_16F) continue;
    if (*found == asked || (rows == 13 && algorithm == plain)) break;
    cublasLtMatmulHeuristicResult_t& result = ranked[(*found)++];
    result = {};
    result.algo.data[0] = algorithm;
    result.algo.data[1] = alignment;
    result.workspaceSize = algorithm == fewer_bits ? 8192 : workspace_for(alignment);
    result.state = algorithm == inapplicable ? CUBLAS_STATUS_NOT_SUPPORTED : CUBLAS_STATUS_SUCCESS;
  }
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulAlgoCapGetAttribute(const cublasLtMatmulAlgo_t* algorithm,
                                                 cublasLtMatmulAlgoCapAttributes_t which, void* value,
                                                 std::size_t bytes, std::size_t* written) {
  if (which != CUBLASLT_ALGO_CAP_NUMERICAL_IMPL_FLAGS || bytes != 8) return CUBLAS_STATUS_INVALID_VALUE;
  std::uint64_t flags = CUBLASLT_NUMERICAL_IMPL_FLAGS_ACCUMULATOR_32F;
  switch (static_cast<Algorithm>(algorithm->data[0])) {
    case tensor_cores:
      flags |= CUBLASLT_NUMERICAL_IMPL_FLAGS_HMMA | CUBLASLT_NUMERICAL_IMPL_FLAGS_INPUT_TF32;
      break;
    case fewer_bits:
      flags |= CUBLASLT_NUMERICAL_IMPL_FLAGS_HMMA | CUBLASLT_NUMERICAL_IMPL_FLAGS_INPUT_16BF;
      break;
    case rounded_inputs:
      flags |= CUBLASLT_NUMERICAL_IMPL_FLAGS_HMMA | CUBLASLT_NUMERICAL_IMPL_FLAGS_INPUT_16F;
      break;
    default:
      flags |= CUBLASLT_NUMERICAL_IMPL_FLAGS_FMA | CUBLASLT_NUMERICAL_IMPL_FLAGS_INPUT_32F;
  }
  std::memcpy(value, &flags, bytes);
  *written = bytes;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t, cublasLtMatmulDesc_t operation_handle, const void* alpha,
                              const void* a_data, cublasLtMatrixLayout_t a_layout, const void* b_data,
                              cublasLtMatrixLayout_t b_layout, const void* beta, const void*, cublasLtMatrixLayout_t,
                              void* d_data, cublasLtMatrixLayout_t d_layout, const cublasLtMatmulAlgo_t* algorithm,
                              void* workspace, std::size_t workspace_bytes, cudaStream_t) {
  const Operation& operation = as<Operation>(operation_handle);
  const Layout &a = as<Layout>(a_layout), &b = as<Layout>(b_layout), &d = as<Layout>(d_layout);
  const bool ta = operation.transposed(CUBLASLT_MATMUL_DESC_TRANSA);
  const bool tb = operation.transposed(CUBLASLT_MATMUL_DESC_TRANSB);
  const std::uint64_t m = ta ? a.columns : a.rows, k = ta ? a.rows : a.columns;
  const std::uint64_t n = tb ? b.rows : b.columns, k_of_b = tb ? b.columns : b.rows;
  const Algorithm wanted = operation.compute != CUBLAS_COMPUTE_32F ? tensor_cores
                           : a.type == CUDA_R_16BF                 ? rounded_inputs
                                                                   : plain;
  if (a.type != b.type || (d.type != a.type && d.type != CUDA_R_32F)) return CUBLAS_STATUS_INVALID_VALUE;
  if (m != d.rows || n != d.columns || k != k_of_b || algorithm->data[0] != wanted) return CUBLAS_STATUS_INVALID_VALUE;
  const std::uint64_t alignment = algorithm->data[1];
  for (const void* pointer : {a_data, b_data, static_cast<const void*>(d_data)}) {
    if (reinterpret_cast<std::uintptr_t>(pointer) % alignment != 0) return CUBLAS_STATUS_INVALID_VALUE;
  }
  if (workspace == nullptr || workspace_bytes < workspace_for(alignment)) return CUBLAS_STATUS_INVALID_VALUE;

  const auto at = [](const void* data, const Layout& layout, bool transposed, std::uint64_t row, std::uint64_t column) {
    if (transposed) std::swap(row, column);
    return layout.read(data, row + column * static_cast<std::uint64_t>(layout.leading));
  };
  const float factor = *static_cast<const float*>(alpha);
  if (*static_cast<const float*>(beta) != 0) return CUBLAS_STATUS_INVALID_VALUE;
  for (std::uint64_t column = 0; column < n; ++column) {
    for (std::uint64_t row = 0; row < m; ++row) {
      float sum = 0;
      for (std::uint64_t i = 0; i < k; ++i) sum += at(a_data, a, ta, row, i) * at(b_data, b, tb, i, column);
      const float result = factor * sum;
      d.write(d_data, row + column * static_cast<std::uint64_t>(d.leading), result);
    }
  }
  return CUBLAS_STATUS_SUCCESS;
}
#endif
}
