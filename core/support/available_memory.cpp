// SPDX-License-Identifier: Apache-2.0
#include "core/support/available_memory.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <string_view>

namespace fovea {
namespace {

// What a version of control groups calls its files and, in memory.stat, the pages of files not in use.
struct GroupFiles {
  std::string_view limit, usage, inactive;
};
constexpr GroupFiles version1{"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"};
constexpr GroupFiles version2{"memory.max", "memory.current", "inactive_file"};

// The number behind the word `key`, or at the file's beginning; "max" is none.
std::optional<std::uint64_t> number_in(const std::string& path, std::string_view key = {}) {
  std::ifstream file(path);
  std::string word;
  while (!key.empty() && word != key && file >> word) continue;
  std::uint64_t number = 0;
  return file >> number ? std::optional(number) : std::nullopt;
}

// What is left in the group at `path` below `mount`, and in those around it.
std::uint64_t left_in_groups(const std::string& mount, std::string path, const GroupFiles& files) {
  std::uint64_t left = std::numeric_limits<std::uint64_t>::max();
  for (;; path.erase(path.rfind('/'))) {
    const std::string directory = mount + path + "/";
    const auto limit = number_in(directory + std::string(files.limit));
    const auto usage = number_in(directory + std::string(files.usage));
    if (limit && usage) {
      const std::uint64_t inactive = number_in(directory + "memory.stat", files.inactive).value_or(0);
      const std::uint64_t used = *usage - std::min(*usage, inactive);
      left = std::min(left, *limit - std::min(*limit, used));
    }
    if (path.find('/') == std::string::npos) return left;
  }
}

}  // namespace

std::optional<std::uint64_t> available_memory(const std::string& root) {
  constexpr std::uint64_t kibibyte = 1024;
  std::optional<std::uint64_t> available = number_in(root + "/proc/meminfo", "MemAvailable:");
  if (!available) return std::nullopt;
  *available *= kibibyte;
  // A line for each hierarchy: "4:memory:/path" of version 1, "0::/path" of version 2.
  std::ifstream groups(root + "/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",",
                      path = line.substr(second + 1);
    if (controllers == ",,") available = std::min(*available, left_in_groups(root + "/sys/fs/cgroup", path, version2));
    if (controllers.find(",memory,") != std::string::npos)
      available = std::min(*available, left_in_groups(root + "/sys/fs/cgroup/memory", path, version1));
  }
  return available;
}

}  // namespace fovea
