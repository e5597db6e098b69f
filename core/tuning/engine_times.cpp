// SPDX-License-Identifier: Apache-2.0
#include "core/tuning/engine_times.h"

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/io/file.h"
#include "core/support/error.h"

namespace fovea {
namespace {

using TimesJson = nlohmann::ordered_json;

constexpr const char* times_format = "fovea engine times";
constexpr int times_version = 1;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

// {"format": "fovea engine times", "version": 1, "microseconds": {HARDWARE: {STEP: 12.5, ...}, ...}}
EngineTimes::Times EngineTimes::read(const std::string& path) {
  Times times;
  if (!file_exists(path)) return times;
  const auto fail = [&](const std::string& what) { throw InputError(path + ": " + what); };
  const std::vector<std::byte> bytes = read_file(path);
  const char* text = reinterpret_cast<const char*>(bytes.data());
  const TimesJson json = TimesJson::parse(text, text + bytes.size(), nullptr, false);
  if (!json.is_object() || !json.contains("format") || json["format"] != times_format)
    fail("expected a JSON object of the format '" + std::string(times_format) + "', got something else");
  if (!json.contains("version") || json["version"] != times_version)
    fail("expected version " + std::to_string(times_version) + ", got another one");
  if (!json.contains("microseconds") || !json["microseconds"].is_object()) fail("expected an object 'microseconds'");
  for (const auto& [hardware, steps] : json["microseconds"].items()) {
    if (!steps.is_object()) fail("'" + hardware + "': expected an object");
    for (const auto& [step, value] : steps.items()) {
      if (!value.is_number() || !(value.get<double>() >= 0))
        fail("'" + hardware + "': '" + step + "': expected a number of at least 0, got " + value.dump());
      times[hardware][step] = value.get<double>() / 1e6;
    }
  }
  return times;
}

EngineTimes::EngineTimes(std::string path) : path_(std::move(path)) {
  try {
    if (!path_.empty()) times_ = read(path_);
  } catch (const InputError& error) {
    warning_ = std::string(error.what()) + "; the file is ignored, and written anew";
  }
}

std::optional<double> EngineTimes::find(const std::string& hardware, const std::string& step) const {
  const auto steps = times_.find(hardware);
  if (steps == times_.end()) return std::nullopt;
  const auto found = steps->second.find(step);
  return found == steps->second.end() ? std::nullopt : std::optional(found->second);
}

void EngineTimes::add(const std::string& hardware, const std::string& step, double seconds) {
  times_[hardware][step] = added_[hardware][step] = seconds;
}

void EngineTimes::save() {
  if (path_.empty() || added_.empty()) return;
  Times all;
  try {
    all = read(path_);
  } catch (const InputError&) {
    // warning() has said so.
  }
  for (const auto& [hardware, steps] : added_)
    for (const auto& [step, seconds] : steps) all[hardware][step] = seconds;
  TimesJson by_hardware = TimesJson::object();
  for (const auto& [hardware, steps] : all)
    for (const auto& [step, seconds] : steps) by_hardware[hardware][step] = 1e6 * seconds;
  const TimesJson json{{"format", times_format}, {"version", times_version}, {"microseconds", std::move(by_hardware)}};
  try {
    std::error_code error;  // a folder that cannot be made is one that the file cannot be written to
    std::filesystem::create_directories(std::filesystem::path(path_).parent_path(), error);
    write_file_atomically(path_, json.dump(1) + "\n");
    added_.clear();
  } catch (const InputError& error) {
    warning_ = std::string(error.what()) + "; what was measured is not kept";
  }
}

std::string engine_times_path() {
  std::string folder = variable("FOVEA_CACHE");
  // The specification of XDG's folders ignores paths that are not absolute.
  if (const std::string cache = variable("XDG_CACHE_HOME"); folder.empty() && cache.starts_with('/'))
    folder = cache + "/fovea";
  if (const std::string home = variable("HOME"); folder.empty() && !home.empty()) folder = home + "/.cache/fovea";
  return folder.empty() ? "" : folder + "/engines.json";
}

}  // namespace fovea
