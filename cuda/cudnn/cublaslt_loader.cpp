// SPDX-License-Identifier: Apache-2.0
#include "cuda/cudnn/cublaslt_loader.h"

#include <fmt/core.h>

#include <optional>

#include "core/support/error.h"

namespace fovea::cuda {

namespace {

std::string version_text(std::size_t version) {
  return fmt::format("{}.{}.{}", version / 10000, version % 10000 / 100, version % 100);
}

CublasLtFunctions functions_of(const SharedLibrary& library) {
  CublasLtFunctions f;
  library.load(f.get_version, "cublasLtGetVersion");
  library.load(f.get_status_string, "cublasLtGetStatusString");
  library.load(f.create, "cublasLtCreate");
  library.load(f.destroy, "cublasLtDestroy");
  library.load(f.matmul, "cublasLtMatmul");
  library.load(f.matmul_desc_create, "cublasLtMatmulDescCreate");
  library.load(f.matmul_desc_destroy, "cublasLtMatmulDescDestroy");
  library.load(f.matmul_desc_set_attribute, "cublasLtMatmulDescSetAttribute");
  library.load(f.matrix_layout_create, "cublasLtMatrixLayoutCreate");
  library.load(f.matrix_layout_destroy, "cublasLtMatrixLayoutDestroy");
  library.load(f.preference_create, "cublasLtMatmulPreferenceCreate");
  library.load(f.preference_destroy, "cublasLtMatmulPreferenceDestroy");
  library.load(f.preference_set_attribute, "cublasLtMatmulPreferenceSetAttribute");
  library.load(f.algo_get_heuristic, "cublasLtMatmulAlgoGetHeuristic");
  library.load(f.algo_cap_get_attribute, "cublasLtMatmulAlgoCapGetAttribute");
  return f;
}

void accept(const SharedLibrary& library) {
  decltype(&cublasLtGetVersion) get_version = nullptr;
  library.load(get_version, "cublasLtGetVersion");
  if (const std::size_t version = get_version(); version < oldest_cublaslt) {
    throw DeviceError(fmt::format("{} is cuBLASLt {}, but {} or newer is needed", library.path(), version_text(version),
                                  version_text(oldest_cublaslt)));
  }
  functions_of(library);
}

struct Outcome {
  std::optional<CublasLtLibrary> library;
  std::string reason;
  Outcome() {
    try {
      library.emplace(load_cublaslt(nvidia_library_search()));
      library->library.keep_open();
    } catch (const DeviceError& error) {
      reason = error.what();
    }
  }
};

}  // namespace

CublasLtLibrary load_cublaslt(const LibrarySearch& search) {
  // The descriptors that we use are made and read by the library alone, so that both major versions will do.
  const std::string names[] = {"libcublasLt.so.13", "libcublasLt.so.12"};
  SharedLibrary library = find_library("cuBLASLt", names, search, accept);
  const CublasLtFunctions functions = functions_of(library);
  std::string version = version_text(functions.get_version());
  return CublasLtLibrary{std::move(library), functions, std::move(version)};
}

const CublasLtLibrary& cublaslt_library() {
  static const Outcome outcome;
  if (!outcome.library) throw DeviceError(outcome.reason);
  return *outcome.library;
}

}  // namespace fovea::cuda
