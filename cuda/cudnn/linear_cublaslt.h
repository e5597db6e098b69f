// SPDX-License-Identifier: Apache-2.0
//
// Linear layers and their gradients as matrix products of cuBLASLt (core/ops/linear.h has the formulas). cuBLAS's own
// types stay behind this header.
//
// Each task is planned once per alignment of its pointers: of the algorithms that cuBLASLt's heuristics rank for the
// device, the first one that keeps to the precision and adds up partial sums in a fixed order is taken.
#pragma once
#include <cstddef>
#include <memory>

#include "core/ops/linear.h"
#include "core/ops/workspace.h"
#include "cuda/cudnn/precision.h"

namespace fovea::cuda {

struct CublasLtLibrary;

// One product.
struct LinearTask {
  LinearPass pass = LinearPass::forward;
  LinearGeometry g{};
  DType operands = DType::f32;  // 16 bits are multiplied by tensor cores and added up in float32
  DType result = DType::f32;    // f32, or as the operands
};

class LinearCublasLt {
 public:
  // For work on `stream` (a cudaStream_t), whose device must be current, also in every later call. `library` must
  // outlive this object. Throws DeviceError when cuBLASLt refuses the device.
  LinearCublasLt(const CublasLtLibrary& library, void* stream, LibraryPrecision precision);
  LinearCublasLt(LinearCublasLt&&) noexcept;
  ~LinearCublasLt();

  // Bytes that run() needs, whatever the alignment of its pointers. Throws InputError when cuBLASLt has no algorithm
  // that fits the rules above, DeviceError when a call fails.
  std::size_t workspace(const LinearTask& task);

  // Enqueues one pass: `result` is y, dx or dw, and the operands are (x, w), (dy, w) or (x, dy).
  void run(const LinearTask& task, const void* first, const void* second, void* result, Workspace workspace);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fovea::cuda
