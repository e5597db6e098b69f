// SPDX-License-Identifier: Apache-2.0
//
// Points in a stream's work, and the time between two of them.
#pragma once
#include <memory>

#include "cuda/runtime/stream.h"

namespace fovea::FOVEA_TARGET {

// Move-only. The destructor does not wait.
class Event {
 public:
  explicit Event(const Stream& stream);
  Event(Event&&) noexcept;
  Event& operator=(Event&&) noexcept;
  ~Event();

  void record(Stream& stream);  // after all work enqueued so far
  void wait();                  // until that work is done; throws its fault
  // Milliseconds from `start` to this event; both must have been recorded. Waits for this event. On emu: of the host.
  double milliseconds_since(const Event& start);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Time of a piece of a stream's work: Timer timer(stream); ...; double ms = timer.milliseconds();
class Timer {
 public:
  explicit Timer(Stream& stream) : stream_(&stream), start_(stream), stop_(stream) { start_.record(stream); }
  double milliseconds() {
    stop_.record(*stream_);
    return stop_.milliseconds_since(start_);
  }

 private:
  Stream* stream_;
  Event start_, stop_;
};

}  // namespace fovea::FOVEA_TARGET
