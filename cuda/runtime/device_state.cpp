// SPDX-License-Identifier: Apache-2.0
#include "cuda/runtime/device_state.h"

#include <algorithm>

namespace fovea::FOVEA_TARGET {

void DeviceState::mark_lost(const char* message) noexcept {
  const std::lock_guard lock(mutex_);
  if (lost_.load(std::memory_order_relaxed)) return;
  try {
    first_error_ = message;
  } catch (...) {
    // Out of host memory: the device is lost all the same, only its story is.
  }
  lost_.store(true, std::memory_order_release);
}

void DeviceState::require_usable() const {
  if (!lost()) return;
  const std::lock_guard lock(mutex_);
  throw DeviceLostError("the device is unusable since an earlier fault: " + first_error_);
}

void DeviceState::add_observer(SynchronizeObserver* observer) {
  const std::lock_guard lock(mutex_);
  observers_.push_back(observer);
}

void DeviceState::remove_observer(SynchronizeObserver* observer) noexcept {
  const std::lock_guard lock(mutex_);
  observers_.erase(std::remove(observers_.begin(), observers_.end(), observer), observers_.end());
}

void DeviceState::notify_synchronized() {
  std::vector<SynchronizeObserver*> observers;
  {
    const std::lock_guard lock(mutex_);
    observers = observers_;
  }
  for (SynchronizeObserver* observer : observers) observer->on_synchronize();
}

}  // namespace fovea::FOVEA_TARGET
