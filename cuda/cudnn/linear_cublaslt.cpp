// SPDX-License-Identifier: Apache-2.0
#include "cuda/cudnn/linear_cublaslt.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <type_traits>

#include "core/support/error.h"
#include "cuda/cudnn/cublaslt_loader.h"

namespace fovea::cuda {

namespace {

// What an algorithm may ask for; NVIDIA's advice for Hopper, and enough for every split of our sizes.
constexpr std::uint64_t most_workspace = 32u << 20;
constexpr std::uint32_t full_alignment = 256;  // of everything that our allocator and planner hand out
constexpr int candidates = 32;

const char* name_of(LinearPass pass) {
  switch (pass) {
    case LinearPass::forward:
      return "forward";
    case LinearPass::backward_data:
      return "backward_data";
    case LinearPass::backward_weight:
      return "backward_weight";
  }
  return "";
}

std::string describe(const LinearTask& task) {
  const std::string type = is_16_bit(task.operands) ? " in " + std::string(name_of(task.operands)) : "";
  return fmt::format("linear {}{} of {} samples, {} inputs, {} outputs", name_of(task.pass), type, task.g.N, task.g.I,
                     task.g.O);
}

cudaDataType_t type_of(DType dtype) {
  if (dtype == DType::bf16) return CUDA_R_16BF;
  return dtype == DType::f16 ? CUDA_R_16F : CUDA_R_32F;
}

// One product D = op(A) op(B) as cuBLASLt wants it: column by column. A row-major [r, c] matrix is a column-major
// c x r one with leading dimension c, so that:
//
//   forward          y  [N,O] = x  [N,I] w^T       y^T  (O x N) = (w^T)^T (O x I)  x^T   (I x N)      A = w,  B = x
//   backward_data    dx [N,I] = dy [N,O] w         dx^T (I x N) = w^T     (I x O)  dy^T  (O x N)      A = w,  B = dy
//   backward_weight  dw [O,I] = dy^T     x         dw^T (I x O) = x^T     (I x N)  (dy^T)^T (N x O)   A = x,  B = dy
struct Product {
  struct Matrix {
    std::int64_t rows, columns;  // as stored; the leading dimension is `rows`
    bool transposed;
  };
  Matrix a, b, d;
  bool first_is_a;  // which of the pass's two operands is A
};

Product product_of(LinearPass pass, const LinearGeometry& g) {
  switch (pass) {
    case LinearPass::forward:
      return {{g.I, g.O, true}, {g.I, g.N, false}, {g.O, g.N, false}, false};
    case LinearPass::backward_data:
      return {{g.I, g.O, false}, {g.O, g.N, false}, {g.I, g.N, false}, false};
    case LinearPass::backward_weight:
      return {{g.I, g.N, false}, {g.O, g.N, true}, {g.I, g.O, false}, true};
  }
  return {};
}

// Sums in float32 and, of float32 operands, products as well. On an H100 the kernels for bf16 say that they take f16
// (flags 0x10202, cuBLASLt 13.1): of bf16 either is believed, and tests of linear use numbers that f16 lacks.
bool keeps_precision(std::uint64_t flags, DType operands) {
  const std::uint64_t inputs = flags & CUBLASLT_NUMERICAL_IMPL_FLAGS_OP_INPUT_TYPE_MASK;
  const std::uint64_t sums = flags & CUBLASLT_NUMERICAL_IMPL_FLAGS_ACCUMULATOR_TYPE_MASK;
  if (is_16_bit(operands)) {
    std::uint64_t whole = CUBLASLT_NUMERICAL_IMPL_FLAGS_INPUT_16F | CUBLASLT_NUMERICAL_IMPL_FLAGS_INPUT_32F;
    if (operands == DType::bf16) whole |= CUBLASLT_NUMERICAL_IMPL_FLAGS_INPUT_16BF;
    return (inputs & ~whole) == 0 && (sums & ~CUBLASLT_NUMERICAL_IMPL_FLAGS_ACCUMULATOR_32F) == 0;
  }
  return (flags & CUBLASLT_NUMERICAL_IMPL_FLAGS_TENSOR_OP_MASK) == 0 &&
         (inputs & ~CUBLASLT_NUMERICAL_IMPL_FLAGS_INPUT_32F) == 0 &&
         (sums & ~CUBLASLT_NUMERICAL_IMPL_FLAGS_ACCUMULATOR_32F) == 0;
}

// Destroys what a cuBLASLt create call made.
template <class T>
using Owner = std::unique_ptr<std::remove_pointer_t<T>, cublasStatus_t (*)(T)>;

bool aligned(const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer) % full_alignment == 0; }

}  // namespace

struct LinearCublasLt::Impl {
  struct Plan {
    Owner<cublasLtMatmulDesc_t> operation;
    Owner<cublasLtMatrixLayout_t> a, b, d;
    cublasLtMatmulAlgo_t algorithm;
    std::size_t workspace_bytes;
  };
  using Key = std::array<std::int64_t, 7>;  // pass, N, I, O, operands, result, aligned

  const CublasLtLibrary& library;
  const CublasLtFunctions& lt;
  cudaStream_t stream;
  LibraryPrecision precision;
  cublasLtHandle_t handle = nullptr;
  std::map<Key, Plan> plans;

  Impl(const CublasLtLibrary& l, void* s, LibraryPrecision p)
      : library(l), lt(l.functions), stream(static_cast<cudaStream_t>(s)), precision(p) {
    check(lt.create(&handle), "cublasLtCreate");
  }
  ~Impl() {
    plans.clear();
    if (handle != nullptr) lt.destroy(handle);
  }

  void check(cublasStatus_t status, const std::string& doing) const {
    if (status == CUBLAS_STATUS_SUCCESS) return;
    throw DeviceError(fmt::format("cuBLASLt {} failed: {}: {}", library.version, doing, lt.get_status_string(status)));
  }

  Plan& plan_of(const LinearTask& task, bool is_aligned);
  Plan build(const LinearTask& task, bool is_aligned) const;
  void choose(Plan& plan, const LinearTask& task, bool is_aligned) const;
  Owner<cublasLtMatrixLayout_t> layout(const Product::Matrix& matrix, DType dtype) const;
  template <class T>
  void set(const Plan& plan, cublasLtMatmulDescAttributes_t which, const T& value) const {
    check(lt.matmul_desc_set_attribute(plan.operation.get(), which, &value, sizeof value),
          "cublasLtMatmulDescSetAttribute");
  }
};

LinearCublasLt::Impl::Plan& LinearCublasLt::Impl::plan_of(const LinearTask& task, bool is_aligned) {
  const LinearGeometry& g = task.g;
  const Key key{static_cast<std::int64_t>(task.pass),   g.N,       g.I, g.O, static_cast<std::int64_t>(task.operands),
                static_cast<std::int64_t>(task.result), is_aligned};
  auto found = plans.find(key);
  if (found == plans.end()) found = plans.emplace(key, build(task, is_aligned)).first;
  return found->second;
}

Owner<cublasLtMatrixLayout_t> LinearCublasLt::Impl::layout(const Product::Matrix& matrix, DType dtype) const {
  cublasLtMatrixLayout_t made = nullptr;
  check(lt.matrix_layout_create(&made, type_of(dtype), static_cast<std::uint64_t>(matrix.rows),
                                static_cast<std::uint64_t>(matrix.columns), matrix.rows),
        "cublasLtMatrixLayoutCreate");
  return {made, lt.matrix_layout_destroy};
}

LinearCublasLt::Impl::Plan LinearCublasLt::Impl::build(const LinearTask& task, bool is_aligned) const {
  const Product product = product_of(task.pass, task.g);
  const bool tf32 = precision == LibraryPrecision::tf32 && task.operands == DType::f32;
  cublasLtMatmulDesc_t made = nullptr;
  check(lt.matmul_desc_create(&made, tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F, CUDA_R_32F),
        "cublasLtMatmulDescCreate");
  Plan plan{{made, lt.matmul_desc_destroy},
            layout(product.a, task.operands),
            layout(product.b, task.operands),
            layout(product.d, task.result),
            {},
            0};
  set(plan, CUBLASLT_MATMUL_DESC_TRANSA, product.a.transposed ? CUBLAS_OP_T : CUBLAS_OP_N);
  set(plan, CUBLASLT_MATMUL_DESC_TRANSB, product.b.transposed ? CUBLAS_OP_T : CUBLAS_OP_N);
  choose(plan, task, is_aligned);
  return plan;
}

void LinearCublasLt::Impl::choose(Plan& plan, const LinearTask& task, bool is_aligned) const {
  cublasLtMatmulPreference_t made = nullptr;
  check(lt.preference_create(&made), "cublasLtMatmulPreferenceCreate");
  const Owner<cublasLtMatmulPreference_t> preference(made, lt.preference_destroy);
  const auto prefer = [&](cublasLtMatmulPreferenceAttributes_t which, auto value) {
    check(lt.preference_set_attribute(made, which, &value, sizeof value), "cublasLtMatmulPreferenceSetAttribute");
  };
  prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, most_workspace);
  // Partial sums either do not exist or are added up in the workspace, in order, by a kernel of their own.
  prefer(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, std::uint32_t{CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE});
  const std::uint32_t alignment = is_aligned ? full_alignment : static_cast<std::uint32_t>(size_of(task.operands));
  for (const auto which : {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
                           CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES}) {
    prefer(which, alignment);
  }

  std::array<cublasLtMatmulHeuristicResult_t, candidates> ranked{};
  int found = 0;
  const cublasStatus_t status =
      lt.algo_get_heuristic(handle, plan.operation.get(), plan.a.get(), plan.b.get(), plan.d.get(), plan.d.get(), made,
                            candidates, ranked.data(), &found);
  if (status != CUBLAS_STATUS_NOT_SUPPORTED)
    check(status, "ranking algorithms for " + describe(task));
  else
    found = 0;
  std::string refused;  // numerical flags, for the message
  for (int i = 0; i < found; ++i) {
    const cublasLtMatmulHeuristicResult_t& candidate = ranked[static_cast<std::size_t>(i)];
    if (candidate.state != CUBLAS_STATUS_SUCCESS) continue;
    if (precision == LibraryPrecision::float32 || is_16_bit(task.operands)) {
      std::uint64_t flags = 0;
      std::size_t written = 0;
      check(lt.algo_cap_get_attribute(&candidate.algo, CUBLASLT_ALGO_CAP_NUMERICAL_IMPL_FLAGS, &flags, sizeof flags,
                                      &written),
            "cublasLtMatmulAlgoCapGetAttribute");
      if (!keeps_precision(flags, task.operands)) {
        refused += fmt::format(" {:#x}", flags);
        continue;
      }
    }
    plan.algorithm = candidate.algo;
    plan.workspace_bytes = candidate.workspaceSize;
    return;
  }
  const std::string_view rule = is_16_bit(task.operands)                 ? name_of(task.operands)
                                : precision == LibraryPrecision::float32 ? "float32"
                                                                         : "TF32";
  throw InputError(
      fmt::format("engine library: cuBLASLt {} has no deterministic {} algorithm for {} ({} candidates{}{}); "
                  "use engine native",
                  library.version, rule, describe(task), found, refused.empty() ? "" : ", numerical flags", refused));
}

LinearCublasLt::LinearCublasLt(const CublasLtLibrary& library, void* stream, LibraryPrecision precision)
    : impl_(std::make_unique<Impl>(library, stream, precision)) {}
LinearCublasLt::LinearCublasLt(LinearCublasLt&&) noexcept = default;
LinearCublasLt::~LinearCublasLt() = default;

std::size_t LinearCublasLt::workspace(const LinearTask& task) {
  return std::max(impl_->plan_of(task, true).workspace_bytes, impl_->plan_of(task, false).workspace_bytes);
}

void LinearCublasLt::run(const LinearTask& task, const void* first, const void* second, void* result,
                         Workspace workspace) {
  Impl& impl = *impl_;
  const bool first_is_a = product_of(task.pass, task.g).first_is_a;
  const void* a = first_is_a ? first : second;
  const void* b = first_is_a ? second : first;
  const Impl::Plan& plan = impl.plan_of(task, aligned(a) && aligned(b) && aligned(result));
  if (plan.workspace_bytes > workspace.bytes) {
    throw InputError(fmt::format("{}: expected a workspace of {} bytes, got {}", describe(task), plan.workspace_bytes,
                                 workspace.bytes));
  }
  const float one = 1, zero = 0;
  impl.check(impl.lt.matmul(impl.handle, plan.operation.get(), &one, a, plan.a.get(), b, plan.b.get(), &zero, result,
                            plan.d.get(), result, plan.d.get(), &plan.algorithm, workspace.data, plan.workspace_bytes,
                            impl.stream),
             "running " + describe(task));
}

}  // namespace fovea::cuda
