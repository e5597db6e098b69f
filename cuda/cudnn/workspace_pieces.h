// SPDX-License-Identifier: Apache-2.0
//
// A call's workspace cut into pieces. The same cuts without memory say how much there must be.
#pragma once
#include <cstddef>
#include <cstdint>

#include "core/ops/workspace.h"

namespace fovea::cuda {

class WorkspacePieces {
 public:
  // To count.
  WorkspacePieces() = default;
  explicit WorkspacePieces(const Workspace& workspace) : base_(static_cast<unsigned char*>(workspace.data)) {}

  // The next `count` elements of T, at a multiple of 256 bytes from the beginning; null where there is no memory.
  template <class T>
  T* take(std::int64_t count) {
    return static_cast<T*>(take_bytes(static_cast<std::size_t>(count) * sizeof(T)));
  }
  void* take_bytes(std::size_t bytes) {
    void* const piece = base_ == nullptr ? nullptr : base_ + bytes_;
    bytes_ += (bytes + 255) / 256 * 256;
    return piece;
  }
  // All pieces so far.
  std::size_t bytes() const { return bytes_; }

 private:
  unsigned char* base_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace fovea::cuda
