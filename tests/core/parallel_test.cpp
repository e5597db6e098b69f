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

TEST_P(ParallelFor, RangesCoverEachIndexOnceAndKeepTheGrain) {
  for (const std::int64_t count : {0, 1, 7, 8, 9, 100, 1001}) {
    for (const std::int64_t grain : {0, 1, 8, 50, 2000}) {
      std::vector<int> visits(static_cast<std::size_t>(count));
      std::atomic<int> ranges{0}, short_ranges{0};
      parallel_ranges(count, grain, [&](std::int64_t begin, std::int64_t end) {
        ++ranges;
        if (end - begin < grain) ++short_ranges;
        for (std::int64_t i = begin; i < end; ++i) ++visits[static_cast<std::size_t>(i)];
      });
      EXPECT_EQ(visits, std::vector<int>(static_cast<std::size_t>(count), 1));
      EXPECT_LE(ranges, GetParam());
      EXPECT_TRUE(ranges <= 1 || short_ranges == 0) << count << " by " << grain;
      const bool enough = count >= grain * GetParam() && count >= GetParam();
      EXPECT_TRUE(!enough || ranges == GetParam()) << count << " by " << grain;
    }
  }
}

std::atomic<int> runner_calls{0}, runner_parts{0};
void backwards(int parts, const std::function<void(int)>& body) {
  ++runner_calls;
  runner_parts = parts;
  for (int part = parts - 1; part >= 0; --part) body(part);
}

TEST_P(ParallelFor, RunsOnTheRunnerThatIsSet) {
  set_parallel_runner(backwards);
  runner_calls = 0;
  std::vector<int> visits(100);
  parallel_for(100, [&](std::int64_t i) { ++visits[static_cast<std::size_t>(i)]; });
  EXPECT_THROW(parallel_for(100, [](std::int64_t) { throw InputError("each part"); }), InputError);
  set_parallel_runner(nullptr);
  parallel_for(100, [&](std::int64_t i) { ++visits[static_cast<std::size_t>(i)]; });
  EXPECT_EQ(visits, std::vector<int>(100, 2));
  EXPECT_EQ(runner_calls, GetParam() == 1 ? 0 : 2) << "one thread needs no runner";
  EXPECT_TRUE(GetParam() == 1 || runner_parts == GetParam());
}

INSTANTIATE_TEST_SUITE_P(Threads, ParallelFor, testing::Values(1, 2, 3, 7));

TEST(ThreadCount, RefusesNonsense) {
  EXPECT_THROW(set_thread_count(-1), InputError);
  EXPECT_THROW(set_thread_count(5000), InputError);
  EXPECT_GE(thread_count(), 1);
}

}  // namespace
}  // namespace fovea
