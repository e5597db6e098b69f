// SPDX-License-Identifier: Apache-2.0
//
// Copies between the host and a stream's device that nobody waits for. A copy is asynchronous only from and to pinned
// memory, which is slow to get: cuda keeps some, and copies through it on the host. Two large pieces, or sixteen small
// ones, of about one size are on their way at once (double buffering); who sends another waits until the first has left.
#pragma once
#include <cstddef>
#include <memory>
#include <span>

#include "core/tensor/tensor.h"
#include "cuda/runtime/stream.h"

namespace fovea::FOVEA_TARGET {

// Thread-safe. What is copied is counted by the caller (DeviceMemory), waiting here.
class HostCopies {
 public:
  explicit HostCopies(const Stream& stream);
  ~HostCopies();
  HostCopies(const HostCopies&) = delete;
  HostCopies& operator=(const HostCopies&) = delete;

  void send(void* device_dst, const void* host_src, std::size_t bytes);
  // Of a dry stream zeros arrive.
  std::unique_ptr<Arrival> fetch(std::span<const ConstView> values);

  struct Impl;

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace fovea::FOVEA_TARGET
