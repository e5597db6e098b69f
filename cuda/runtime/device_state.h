// SPDX-License-Identifier: Apache-2.0
//
// What all users of one device share: whether it is still usable, and who wants to look at synchronisation points.
// On cuda there is one state per device and process, because a sticky error ends the context for everyone; every
// emulated Stream has its own.
#pragma once
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "cuda/runtime/error.h"
#include "cuda/runtime/target.h"

namespace fovea::FOVEA_TARGET {

class SynchronizeObserver {
 public:
  virtual ~SynchronizeObserver() = default;
  virtual void on_synchronize() = 0;  // may throw DeviceError
};

class DeviceState {
 public:
  explicit DeviceState(int device) : device_(device) {}
  DeviceState(const DeviceState&) = delete;
  DeviceState& operator=(const DeviceState&) = delete;

  int device() const { return device_; }
  bool lost() const { return lost_.load(std::memory_order_acquire); }
  // Keeps the first message; later ones are consequences of it.
  void mark_lost(const char* message) noexcept;
  void require_usable() const;  // throws DeviceLostError

  // A literal; "" before the first launch.
  void set_last_kernel(const char* name) { last_kernel_.store(name, std::memory_order_relaxed); }
  const char* last_kernel() const { return last_kernel_.load(std::memory_order_relaxed); }

  void add_observer(SynchronizeObserver* observer);
  void remove_observer(SynchronizeObserver* observer) noexcept;
  void notify_synchronized();

 private:
  const int device_;
  std::atomic<bool> lost_{false};
  mutable std::mutex mutex_;
  std::string first_error_;
  std::atomic<const char*> last_kernel_{""};
  std::vector<SynchronizeObserver*> observers_;
};

}  // namespace fovea::FOVEA_TARGET
