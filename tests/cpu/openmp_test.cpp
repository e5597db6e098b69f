// SPDX-License-Identifier: Apache-2.0
//
// One set of threads for oneDNN and for Fovea's own loops.
#include "cpu/openmp.h"

#include <gtest/gtest.h>
#include <omp.h>

#include <atomic>
#include <set>
#include <thread>
#include <vector>

#include "core/support/error.h"
#include "core/support/parallel.h"

namespace fovea {
namespace {

class OpenMP : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    share_openmp_threads();
    set_thread_count(GetParam());
  }
  void TearDown() override {
    set_parallel_runner(nullptr);
    set_thread_count(0);
  }
};

TEST_P(OpenMP, LoopsVisitEachIndexOnce) {
  for (const std::int64_t count : {1, 2, 3, 100, 1001}) {
    std::vector<std::atomic<int>> visits(static_cast<std::size_t>(count));
    parallel_for(count, [&](std::int64_t i) { ++visits[static_cast<std::size_t>(i)]; });
    for (const auto& v : visits) EXPECT_EQ(v, 1);
  }
}

TEST_P(OpenMP, LoopsUseTheThreadsOfOpenMPAndNoOthers) {
  use_openmp_threads();
  EXPECT_EQ(omp_get_max_threads(), GetParam());
  const auto count = static_cast<std::size_t>(GetParam());
  std::vector<std::thread::id> of_openmp(count), of_loops(count);
#pragma omp parallel
  of_openmp[static_cast<std::size_t>(omp_get_thread_num())] = std::this_thread::get_id();
  parallel_for(GetParam(), [&](std::int64_t i) { of_loops[static_cast<std::size_t>(i)] = std::this_thread::get_id(); });
  EXPECT_EQ(of_loops, of_openmp);
  EXPECT_EQ(std::set<std::thread::id>(of_loops.begin(), of_loops.end()).size(), count);
}

TEST_P(OpenMP, ExceptionsReachTheCaller) {
  const auto fail = [](std::int64_t i) {
    if (i == 57) throw InputError("57");
  };
  EXPECT_THROW(parallel_for(100, fail), InputError);
}

TEST_P(OpenMP, NestedLoopsAndCallersOnOtherThreads) {
  std::atomic<int> sum{0};
  const auto nested = [&] { parallel_for(10, [&](std::int64_t) { parallel_for(10, [&](std::int64_t) { ++sum; }); }); };
  std::thread other(nested);
  nested();
  other.join();
  EXPECT_EQ(sum, 200);
}

INSTANTIATE_TEST_SUITE_P(Threads, OpenMP, testing::Values(1, 2, 3, 7));

TEST(OpenMPThreads, FollowTheThreadCount) {
  for (const int threads : {1, 3, 2}) {
    set_thread_count(threads);
    EXPECT_EQ(use_openmp_threads(), threads);
    EXPECT_EQ(omp_get_max_threads(), threads);
  }
  set_thread_count(0);
}

}  // namespace
}  // namespace fovea
