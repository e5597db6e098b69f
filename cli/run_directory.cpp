// SPDX-License-Identifier: Apache-2.0
#include "cli/run_directory.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <vector>

#include "core/io/file.h"
#include "core/support/error.h"
#include "core/train/checkpoint.h"

namespace fovea::cli {
namespace fs = std::filesystem;
namespace {

// `path` and its parents that are not there yet, the innermost first.
std::vector<fs::path> missing_directories(const fs::path& path) {
  std::vector<fs::path> missing;
  std::error_code error;
  for (fs::path p = path; !p.empty() && !fs::exists(p, error) && p != p.parent_path(); p = p.parent_path()) {
    missing.push_back(p);
  }
  return missing;
}

}  // namespace

RunDirectory RunDirectory::next_free(const std::string& net) {
  RunDirectory directory("");
  directory.net_ = net;
  return directory;
}

bool RunDirectory::holds_a_run() const {
  std::error_code ignored;
  return fs::exists(checkpoint_path(), ignored);
}

void RunDirectory::create() {
  const auto fail = [&](const std::string& path, const std::string& why) {
    throw InputError(fmt::format("--out: cannot make the directory '{}': {}", path, why));
  };
  std::error_code error;
  if (!net_.empty()) {
    fs::create_directories("runs", error);
    if (error) fail("runs", error.message());
    // Making the directory claims the number, also against another run that starts now.
    for (int k = 1; path_.empty(); ++k) {
      const std::string candidate = fmt::format("runs/{}-{}", net_, k);
      if (fs::create_directory(candidate, error)) path_ = candidate;
      if (error) fail(candidate, error.message());
    }
    return;
  }
  const std::vector<fs::path> missing = missing_directories(path_);
  fs::create_directories(path_, error);
  if (error) {
    std::error_code ignored;
    for (const fs::path& made : missing) fs::remove(made, ignored);  // leave nothing behind
    fail(path_, error.message());
  }
  if (!fs::is_directory(path_, error)) fail(path_, "Not a directory");
  if (access(path_.c_str(), W_OK | X_OK) != 0) fail(path_, std::strerror(errno));
}

void RunDirectory::save(const Trainer& trainer, const std::string& earlier_metrics) const {
  write_file_atomically(metrics_path(), earlier_metrics + trainer.metrics());
  write_checkpoint(checkpoint_path(), trainer.checkpoint());
}

std::string RunDirectory::read_metrics(std::int64_t steps) const {
  const std::vector<std::byte> bytes = read_file(metrics_path());
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  std::size_t end = 0;
  std::int64_t lines = 0;
  for (; lines < steps; ++lines) {
    const std::size_t newline = text.find('\n', end);
    if (newline == std::string_view::npos) break;
    end = newline + 1;
  }
  require(lines == steps, [&] {
    return fmt::format("{}: expected a line for each of the checkpoint's {} steps, got {}", metrics_path(), steps,
                       lines);
  });
  return std::string(text.substr(0, end));
}

}  // namespace fovea::cli
