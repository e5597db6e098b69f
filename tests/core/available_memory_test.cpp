// SPDX-License-Identifier: Apache-2.0
#include "core/support/available_memory.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "core/tensor/tensor.h"
#include "tests/data/files.h"

namespace fovea {
namespace {

// A system of files under a directory.
class AvailableMemory : public testing::Test {
 protected:
  void file(const std::string& name, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(root_ / name).parent_path());
    std::ofstream(root_ / name) << text;
  }
  std::optional<std::uint64_t> available() const { return available_memory(root_.path()); }
  test::TemporaryDirectory root_;
};

TEST_F(AvailableMemory, IsNothingWhereTheSystemDoesNotTell) {
  EXPECT_FALSE(available());
  file("proc/meminfo", "MemTotal:       1000 kB\nMemFree:         900 kB\n");
  EXPECT_FALSE(available());
}

TEST_F(AvailableMemory, IsThatOfTheMachineWithoutGroups) {
  file("proc/meminfo", "MemTotal:       1000 kB\nMemAvailable:    700 kB\n");
  EXPECT_EQ(available(), 700 * 1024);
  file("proc/self/cgroup", "0::/elsewhere\n");
  EXPECT_EQ(available(), 700 * 1024);
}

TEST_F(AvailableMemory, IsBoundedByTheGroupsOfVersion2AroundIt) {
  file("proc/meminfo", "MemAvailable: 700 kB\n");
  file("proc/self/cgroup", "0::/outer/inner\n");
  file("sys/fs/cgroup/outer/inner/memory.max", "max\n");
  file("sys/fs/cgroup/outer/inner/memory.current", "1000\n");
  EXPECT_EQ(available(), 700 * 1024);
  file("sys/fs/cgroup/outer/memory.max", "50000\n");
  file("sys/fs/cgroup/outer/memory.current", "20000\n");
  EXPECT_EQ(available(), 30000);
  file("sys/fs/cgroup/outer/memory.stat", "anon 1\ninactive_anon 2\ninactive_file 500\nactive_file 9\n");
  EXPECT_EQ(available(), 30500);
  file("sys/fs/cgroup/outer/inner/memory.max", "1200\n");
  EXPECT_EQ(available(), 200);
  file("sys/fs/cgroup/outer/inner/memory.current", "1300\n");  // more than it may have
  EXPECT_EQ(available(), 0);
}

TEST_F(AvailableMemory, IsBoundedByTheGroupsOfVersion1) {
  file("proc/meminfo", "MemAvailable: 700 kB\n");
  file("proc/self/cgroup", "9:name=systemd:/\n4:cpu,memory:/box\n0::/\n");
  file("sys/fs/cgroup/memory/box/memory.limit_in_bytes", "9223372036854771712\n");
  file("sys/fs/cgroup/memory/box/memory.usage_in_bytes", "5\n");
  EXPECT_EQ(available(), 700 * 1024);
  file("sys/fs/cgroup/memory/memory.limit_in_bytes", "4000\n");
  file("sys/fs/cgroup/memory/memory.usage_in_bytes", "3000\n");
  file("sys/fs/cgroup/memory/memory.stat", "inactive_file 1\ntotal_inactive_file 100\n");
  EXPECT_EQ(available(), 1100);
}

TEST(HostMemory, TellsWhatIsFree) {
  const std::size_t free = host_memory()->free_bytes();
  EXPECT_GT(free, std::size_t{1} << 20);
  EXPECT_LT(free, std::size_t{1} << 50);
}

}  // namespace
}  // namespace fovea
