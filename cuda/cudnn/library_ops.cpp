// SPDX-License-Identifier: Apache-2.0
#include "cuda/cudnn/library_ops.h"

#include <fmt/core.h>

#include "core/support/error.h"
#include "cuda/cudnn/cublaslt_loader.h"
#include "cuda/cudnn/cudnn_loader.h"
#include "cuda/runtime/enqueue.h"

namespace fovea::cuda {

LibraryStatus library_status() {
  std::string detail;
  bool available = true;
  const auto add = [&](auto&& tell) {
    if (!detail.empty()) detail += "; ";
    try {
      detail += tell();
    } catch (const Error& error) {
      detail += error.what();
      available = false;
    }
  };
  add([] {
    const CudnnLibrary& cudnn = cudnn_library();
    return fmt::format("cuDNN {} ({})", cudnn.version, cudnn.library.path());
  });
  add([] {
    const CublasLtLibrary& cublaslt = cublaslt_library();
    return fmt::format("cuBLASLt {} ({})", cublaslt.version, cublaslt.library.path());
  });
  return {available, detail};
}

std::string library_versions() {
  return fmt::format("cuDNN {}, cuBLASLt {}", cudnn_library().version, cublaslt_library().version);
}

LibraryOps::~LibraryOps() {
  try {
    on_device(stream(), [&] {
      cudnn_.reset();
      cublaslt_.reset();
    });
  } catch (const Error&) {
    // The device is lost: the handles are given back all the same, by the members' destructors.
  }
}

bool LibraryOps::provides(std::string_view op, Direction) const {
  if (op == "conv2d")
    cudnn_library();
  else if (op == "linear")
    cublaslt_library();
  else
    return false;
  return true;
}

Conv2dCudnn& LibraryOps::cudnn() {
  if (!cudnn_) cudnn_.emplace(stream().native_handle(), precision_);
  return *cudnn_;
}

LinearCublasLt& LibraryOps::cublaslt() {
  if (!cublaslt_) cublaslt_.emplace(cublaslt_library(), stream().native_handle(), precision_);
  return *cublaslt_;
}

}  // namespace fovea::cuda
