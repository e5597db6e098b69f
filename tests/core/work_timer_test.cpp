// SPDX-License-Identifier: Apache-2.0
#include "core/backend/work_timer.h"

#include <gtest/gtest.h>

#include <new>
#include <thread>

namespace fovea {
namespace {

// Of a device that has `work` enqueued: waiting for it takes that long.
class BusyMemory final : public Memory {
 public:
  std::chrono::milliseconds work{0};
  std::string_view device() const override { return "busy"; }
  void* allocate(std::size_t) override { throw std::bad_alloc(); }
  void deallocate(void*) noexcept override {}
  std::size_t free_bytes() const override { return 0; }
  void copy_from_host(void*, const void*, std::size_t) override {}
  void copy_to_host(void*, const void*, std::size_t) override {}
  void copy(void*, const void*, std::size_t) override {}
  void fill(void*, unsigned char, std::size_t) override {}
  void synchronize() override {
    std::this_thread::sleep_for(work);
    work = {};
  }
};

TEST(HostTimer, TimesWhatWasEnqueuedBetween) {
  const auto memory = std::make_shared<BusyMemory>();
  HostTimer timer(memory);
  EXPECT_EQ(timer.clock(), "host");
  const std::chrono::milliseconds before(200), measured(40);
  memory->work = before;
  timer.start();
  memory->work = measured;
  const double seconds = timer.seconds();
  EXPECT_GE(seconds, 1e-3 * static_cast<double>(measured.count()));
  // A clock that starts before the earlier work is done shows that too.
  memory->work = before;
  const auto begin = std::chrono::steady_clock::now();
  timer.start();
  const double nothing = timer.seconds();
  const std::chrono::duration<double> both = std::chrono::steady_clock::now() - begin;
  EXPECT_LE(nothing, both.count() - 1e-3 * static_cast<double>(before.count()));
}

}  // namespace
}  // namespace fovea
