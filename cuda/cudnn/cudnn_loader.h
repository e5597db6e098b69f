// SPDX-License-Identifier: Apache-2.0
//
// cuDNN, opened at run time.
#pragma once
#include <cstddef>
#include <string>

#include "cuda/cudnn/shared_library.h"

namespace fovea::cuda {

struct CudnnLibrary {
  SharedLibrary library;
  std::string version;  // "9.19.0"
};

// The oldest cuDNN that the graphs of conv2d_cudnn.cpp are written for.
inline constexpr std::size_t oldest_cudnn = 90000;

// Searches anew. Throws DeviceError with every place tried and why it did not do: not found, too old, a symbol missing.
CudnnLibrary load_cudnn(const LibrarySearch& search);

// The process's cuDNN: searched for once, by nvidia_library_search(), and never closed. Throws like load_cudnn, the
// same message each time. Thread-safe.
const CudnnLibrary& cudnn_library();

// cuDNN compiles some graphs with NVRTC, which it looks for by its bare name; so it finds the one that this opened, by the
// same search as cuDNN itself, once. Finding none is no error here: cuDNN says what it misses.
void open_cudnn_compiler();

}  // namespace fovea::cuda
