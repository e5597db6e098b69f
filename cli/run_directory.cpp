// SPDX-License-Identifier: Apache-2.0
#include "cli/run_directory.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <system_error>

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

// `from` under the name `to`, whole or not at all.
void copy_file(const std::string& from, const std::string& to) {
  const std::string temporary = fmt::format("{}.tmp-{}-0", to, ::getpid());
  std::error_code error;
  fs::remove(temporary, error);
  // A save replaces last.safetensors by a new file and never writes into the old one, so a second name is a copy.
  fs::create_hard_link(from, temporary, error);
  if (error) {
    write_file_atomically(to, {reinterpret_cast<const char*>(read_file(from).data()), fs::file_size(from)});
    return;
  }
  fs::rename(temporary, to, error);
  require(!error, [&] { return fmt::format("{}: cannot replace: {}", to, error.message()); });
  fs::remove(temporary, error);  // rename() leaves it when both already were one file
}

// step-NNNNNNNN.safetensors, the oldest first.
std::vector<fs::path> kept_steps(const std::string& directory) {
  std::vector<fs::path> kept;
  std::error_code none;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, none)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("step-") && name.ends_with(".safetensors")) kept.push_back(entry.path());
  }
  std::ranges::sort(kept);
  return kept;
}

}  // namespace

RunDirectory RunDirectory::to_resume(const std::string& path) {
  std::error_code ignored;
  const fs::path named(path);
  if (named.filename() == "last.safetensors" && !fs::is_directory(named, ignored))
    return RunDirectory(named.has_parent_path() ? named.parent_path().string() : ".");
  require(!fs::is_regular_file(named, ignored), [&] {
    return fmt::format("--resume: expected a run's directory or the last.safetensors in it, got the file '{}'", path);
  });
  return RunDirectory(path);
}

RunDirectory RunDirectory::next_free(const std::string& net) {
  RunDirectory directory("");
  directory.net_ = net;
  return directory;
}

bool RunDirectory::holds_a_run() const {
  return file_exists(checkpoint_path()) || file_exists(best_path()) || !kept_steps(path_).empty();
}

bool RunDirectory::is_same_as(const RunDirectory& other) const {
  std::error_code ignored;
  return path_ == other.path_ || fs::equivalent(path_, other.path_, ignored);
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

// The checkpoints first: a cut in between leaves no checkpoint whose other files are gone.
void RunDirectory::remove_run() const {
  std::vector<fs::path> paths{checkpoint_path(), best_path()};
  for (fs::path& save : kept_steps(path_)) paths.push_back(std::move(save));
  paths.insert(paths.end(), {metrics_path(), validation_path(), replay_path()});
  for (const fs::path& path : paths) {
    std::error_code error;
    fs::remove(path, error);
    require(!error, [&] { return fmt::format("{}: cannot remove: {}", path.string(), error.message()); });
  }
}

void RunDirectory::save(const Trainer& trainer, const std::string& earlier_metrics) const {
  write_file_atomically(metrics_path(), earlier_metrics + trainer.metrics());
  write_checkpoint(checkpoint_path(), trainer.checkpoint());
}

void RunDirectory::keep_best() const { copy_file(checkpoint_path(), best_path()); }

void RunDirectory::keep_step(std::int64_t step, std::int64_t keep) const {
  if (keep < 1) return;
  copy_file(checkpoint_path(), fmt::format("{}/step-{:08}.safetensors", path_, step));
  const std::vector<fs::path> kept = kept_steps(path_);
  std::error_code ignored;
  for (std::size_t i = 0; i + static_cast<std::size_t>(keep) < kept.size(); ++i) fs::remove(kept[i], ignored);
}

void RunDirectory::write_validations(const std::vector<Validation>& lines) const {
  std::string text;
  for (const Validation& line : lines) {
    text +=
        nlohmann::ordered_json{{"epoch", line.epoch}, {"loss", line.loss}, {"accuracy", line.accuracy}}.dump() + "\n";
  }
  write_file_atomically(validation_path(), text);
}

std::vector<Validation> RunDirectory::read_validations(std::int64_t epochs) const {
  std::vector<Validation> lines;
  if (!file_exists(validation_path())) return lines;
  const std::vector<std::byte> bytes = read_file(validation_path());
  std::istringstream text(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  for (std::string line; static_cast<std::int64_t>(lines.size()) < epochs && std::getline(text, line);) {
    const nlohmann::json value = nlohmann::json::parse(line, nullptr, false);
    const auto number = [&](const char* key) {
      return value.is_object() && value.contains(key) && value[key].is_number();
    };
    const auto epoch = static_cast<std::int64_t>(lines.size()) + 1;
    require(number("epoch") && number("loss") && number("accuracy") && value["epoch"] == epoch, [&] {
      return fmt::format("{}: line {}: expected epoch {} with its loss and accuracy, got '{}'", validation_path(),
                         epoch, epoch, line);
    });
    lines.push_back({epoch, value["loss"].get<double>(), value["accuracy"].get<double>()});
  }
  return lines;
}

void RunDirectory::take_validations(const RunDirectory& run, std::int64_t epochs) const {
  const std::vector<Validation> lines = run.read_validations(epochs);
  if (lines.empty()) return;
  copy_file(run.best_path(), best_path());
  write_validations(lines);
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
