// SPDX-License-Identifier: Apache-2.0
//
// Work of a stream, noted once and done as often as wanted. cuda: a stream capture, which becomes a graph that one call
// launches. emu: the list of launches with copies of their arguments, of copies and of fills. On both a replay reads and
// writes the addresses of the recording, with its numbers: what the host decides anew from step to step is not in it.
#pragma once
#include <functional>
#include <memory>

#include "core/backend/backend.h"
#include "cuda/runtime/stream.h"

namespace fovea::FOVEA_TARGET {

class Recording final : public Captured {
 public:
  // Calls `work`, which puts its work on `stream`. Throws what it throws, and DeviceError for what cannot be done again
  // (refuse_in_recording), a recording within a recording, and a stream that waits for each launch.
  Recording(Stream& stream, const std::function<void()>& work);
  ~Recording() override;
  // Counted as what it does, and as one replay. Throws DeviceLostError after a fault, and on emu faults of its kernels.
  void replay() override;

  struct Impl;

 private:
  Stream stream_;
  std::unique_ptr<Impl> impl_;
};

// What a stream that is being recorded is asked for and cannot give: throws DeviceError naming it, on any other stream
// nothing.
void refuse_in_recording(const Stream& stream, const char* asked);
// The same for who may not throw: the recording throws at its end.
void note_in_recording(const Stream& stream, const char* asked) noexcept;

// Why `stream` cannot be recorded; empty: it can.
std::string no_recording(const Stream& stream);

}  // namespace fovea::FOVEA_TARGET
