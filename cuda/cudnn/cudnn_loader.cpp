// SPDX-License-Identifier: Apache-2.0
#include "cuda/cudnn/cudnn_loader.h"

#include <fmt/core.h>

#include <optional>

#include "core/support/error.h"

namespace fovea::cuda {

namespace {

// Everything that cudnn-frontend will ask for while convolutions are planned and run, so that a broken installation
// is found when it is opened and not in the middle of a run.
constexpr const char* needed_symbols[] = {
    "cudnnGetErrorString",
    "cudnnGetLastErrorString",
    "cudnnCreate",
    "cudnnDestroy",
    "cudnnSetStream",
    "cudnnGetStream",
    "cudnnBackendCreateDescriptor",
    "cudnnBackendFinalize",
    "cudnnBackendDestroyDescriptor",
    "cudnnBackendSetAttribute",
    "cudnnBackendExecute",
    "cudnnBackendGetAttribute",
};

std::size_t version_of(const SharedLibrary& library) {
  std::size_t (*get_version)() = nullptr;
  library.load(get_version, "cudnnGetVersion");
  return get_version();
}

std::string version_text(std::size_t version) {
  // cuDNN 8 and older counted 8907 for 8.9.7.
  const std::size_t major_unit = version < 10000 ? 1000 : 10000;
  return fmt::format("{}.{}.{}", version / major_unit, version % major_unit / 100, version % 100);
}

void accept(const SharedLibrary& library) {
  const std::size_t version = version_of(library);
  if (version < oldest_cudnn) {
    throw DeviceError(fmt::format("{} is cuDNN {}, but {} or newer is needed", library.path(), version_text(version),
                                  version_text(oldest_cudnn)));
  }
  for (const char* name : needed_symbols) library.symbol(name);
}

// The outcome of the one search: a library or the reason why not.
struct Outcome {
  std::optional<CudnnLibrary> library;
  std::string reason;
  Outcome() {
    try {
      library.emplace(load_cudnn(nvidia_library_search()));
      library->library.keep_open();
    } catch (const DeviceError& error) {
      reason = error.what();
    }
  }
};

}  // namespace

CudnnLibrary load_cudnn(const LibrarySearch& search) {
  const std::string names[] = {"libcudnn.so.9"};
  SharedLibrary library = find_library("cuDNN", names, search, accept);
  std::string version = version_text(version_of(library));
  return CudnnLibrary{std::move(library), std::move(version)};
}

const CudnnLibrary& cudnn_library() {
  static const Outcome outcome;
  if (!outcome.library) throw DeviceError(outcome.reason);
  return *outcome.library;
}

void open_cudnn_compiler() {
  static const bool once = [] {
    std::size_t (*runtime_version)() = nullptr;
    try {
      cudnn_library().library.load(runtime_version, "cudnnGetCudartVersion");
      const std::string names[] = {fmt::format("libnvrtc.so.{}", runtime_version() / 1000)};
      SharedLibrary compiler = find_library("NVRTC", names, nvidia_library_search(), [](const SharedLibrary&) {});
      compiler.keep_open();
    } catch (const DeviceError&) {
      return false;
    }
    return true;
  }();
  static_cast<void>(once);
}

}  // namespace fovea::cuda
