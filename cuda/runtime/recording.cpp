// SPDX-License-Identifier: Apache-2.0
#include "cuda/runtime/recording.h"

#include <string>

#include "cuda/runtime/tape.h"

namespace fovea::FOVEA_TARGET {

void refuse_in_recording(const Stream& stream, const char* asked) {
  if (stream.tape() == nullptr) return;
  throw DeviceError(std::string("captured work may launch, and copy and fill on the device; it was asked to ") + asked);
}

void note_in_recording(const Stream& stream, const char* asked) noexcept {
  Tape* tape = stream.tape();
  if (tape != nullptr && tape->illegal == nullptr) tape->illegal = asked;
}

std::string no_recording(const Stream& stream) {
  return stream.synchronous() ? "FOVEA_SYNC=1 waits for every launch" : "";
}

}  // namespace fovea::FOVEA_TARGET
