// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace fovea::cuda {

// How the libraries may multiply float32 numbers. Sums are float32 in both, and both are deterministic.
enum class LibraryPrecision {
  float32,  // as written: no engine that rounds its inputs, transforms them (Winograd, FFT) or uses tensor cores
  tf32,     // tensor cores may round the inputs to TF32 (10 fraction bits); only when asked for
};

}  // namespace fovea::cuda
