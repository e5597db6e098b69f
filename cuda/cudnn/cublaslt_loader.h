// SPDX-License-Identifier: Apache-2.0
//
// cuBLASLt, opened at run time: its functions as a table. Names cuBLAS types; linear_cublaslt.cpp and its tests only.
#pragma once
#include <cublasLt.h>

#include <string>

#include "cuda/cudnn/shared_library.h"

namespace fovea::cuda {

// Each member is the function of that name without its "cublasLt".
struct CublasLtFunctions {
  decltype(&cublasLtGetVersion) get_version = nullptr;
  decltype(&cublasLtGetStatusString) get_status_string = nullptr;
  decltype(&cublasLtCreate) create = nullptr;
  decltype(&cublasLtDestroy) destroy = nullptr;
  decltype(&cublasLtMatmul) matmul = nullptr;
  decltype(&cublasLtMatmulDescCreate) matmul_desc_create = nullptr;
  decltype(&cublasLtMatmulDescDestroy) matmul_desc_destroy = nullptr;
  decltype(&cublasLtMatmulDescSetAttribute) matmul_desc_set_attribute = nullptr;
  decltype(&cublasLtMatrixLayoutCreate) matrix_layout_create = nullptr;
  decltype(&cublasLtMatrixLayoutDestroy) matrix_layout_destroy = nullptr;
  decltype(&cublasLtMatmulPreferenceCreate) preference_create = nullptr;
  decltype(&cublasLtMatmulPreferenceDestroy) preference_destroy = nullptr;
  decltype(&cublasLtMatmulPreferenceSetAttribute) preference_set_attribute = nullptr;
  decltype(&cublasLtMatmulAlgoGetHeuristic) algo_get_heuristic = nullptr;
  decltype(&cublasLtMatmulAlgoCapGetAttribute) algo_cap_get_attribute = nullptr;
};

struct CublasLtLibrary {
  SharedLibrary library;
  CublasLtFunctions functions;
  std::string version;  // "13.1.0"
};

inline constexpr std::size_t oldest_cublaslt = 120000;

// Searches anew. Throws DeviceError with every place tried and why it did not do: not found, too old, a symbol missing.
CublasLtLibrary load_cublaslt(const LibrarySearch& search);

// The process's cuBLASLt: searched for once, by nvidia_library_search(), and never closed. Throws like load_cublaslt,
// the same message each time. Thread-safe.
const CublasLtLibrary& cublaslt_library();

}  // namespace fovea::cuda
