// SPDX-License-Identifier: Apache-2.0
#include "core/support/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "core/support/error.h"

namespace fovea {
namespace {

class ParallelFor : public testing::TestWithParam<int> {
 protected:
  void SetUp() override { set_thread_count(GetParam()); }
  void TearDown() override { set_thread_count(0); }
};

TEST_P(ParallelFor, VisitsEachIndexOnce) {
  for (const std::int64_t count : {0, 1, 2, 3, 100, 1001}) {
    std::vector<std::atomic<int>> visits(static_cast<std::size_t>(count));
    parallel_for(count, [&](std::int64_t i) { ++visits[static_cast<std::size_t>(i)]; });
    for (const auto& v : visits) EXPECT_EQ(v, 1);
  }
}

TEST_P(ParallelFor, NestedCallsAndCallersOnOtherThreads) {
  std::atomic<int> sum{0};
  const auto nested = [&] { parallel_for(10, [&](std::int64_t) { parallel_for(10, [&](std::int64_t) { ++sum; }); }); };
  std::thread other(nested);
  nested();
  other.join();
  EXPECT_EQ(sum, 200);
}

TEST_P(ParallelFor, RethrowsTheFirstException) {
  EXPECT_THROW(parallel_for(100,
                            [](std::int64_t i) {
                              if (i == 57) throw InputError("57");
                            }),
               InputError);
  std::atomic<int> sum{0};  // and works afterwards
  parallel_for(10, [&](std::int64_t) { ++sum; });
  EXPECT_EQ(sum, 10);
}

INSTANTIATE_TEST_SUITE_P(Threads, ParallelFor, testing::Values(1, 2, 3, 7));

TEST(ThreadCount, RefusesNonsense) {
  EXPECT_THROW(set_thread_count(-1), InputError);
  EXPECT_THROW(set_thread_count(5000), InputError);
  EXPECT_GE(thread_count(), 1);
}

}  // namespace
}  // namespace fovea
