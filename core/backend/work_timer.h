// SPDX-License-Identifier: Apache-2.0
//
// How long a device takes for what it is given. A device may work on after the call that gave it the work has returned,
// so that a clock around the call says little.
#pragma once
#include <chrono>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "core/tensor/tensor.h"

namespace fovea {

// Used by the thread that uses the backend, any number of times.
class WorkTimer {
 public:
  virtual ~WorkTimer() = default;
  virtual void start() = 0;
  // Of all work enqueued since start(). Waits for it; throws its fault.
  virtual double seconds() = 0;
  // Notes where the device is when it has done all work enqueued so far. Does not wait where the device has its own clock.
  virtual void mark() = 0;
  // The seconds from start() to each mark since then. Waits for the last one; throws its fault.
  virtual std::vector<double> marks() = 0;
  virtual std::string_view clock() const = 0;  // whose it is: "host" or "device"
};

// The host's clock, read when the memory's device has finished.
class HostTimer final : public WorkTimer {
 public:
  explicit HostTimer(std::shared_ptr<Memory> memory) : memory_(std::move(memory)) {}

  void start() override {
    memory_->synchronize();
    marks_.clear();
    start_ = std::chrono::steady_clock::now();
  }
  double seconds() override {
    memory_->synchronize();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }
  void mark() override { marks_.push_back(seconds()); }
  std::vector<double> marks() override { return marks_; }
  std::string_view clock() const override { return "host"; }

 private:
  std::shared_ptr<Memory> memory_;
  std::chrono::steady_clock::time_point start_;
  std::vector<double> marks_;
};

}  // namespace fovea
