// SPDX-License-Identifier: Apache-2.0
//
// What steps took on a device, so that nothing is measured twice: in memory, and where it is told to in a file that all
// runs of a user share. A file can be lost or deleted at any time; then steps are measured again.
#pragma once
#include <map>
#include <optional>
#include <string>

namespace fovea {

class EngineTimes {
 public:
  // Remembers for its own lifetime.
  EngineTimes() = default;
  // Knows what the file holds, if there is one. A file that cannot be read, or is no such file, does not stop anybody:
  // warning() names it and what is wrong, and save() replaces it.
  explicit EngineTimes(std::string path);

  // By Backend::hardware() and step_key(). A key of other hardware, other versions or another shape is another key.
  std::optional<double> find(const std::string& hardware, const std::string& step) const;
  void add(const std::string& hardware, const std::string& step, double seconds);

  // Writes what was added, beside what other processes have written meanwhile, whole or not at all. Without a file, or
  // with nothing added, does nothing. A failure is a warning too.
  void save();

  const std::string& path() const { return path_; }        // empty: no file
  const std::string& warning() const { return warning_; }  // of the last read or save; empty: all is well

 private:
  using Times = std::map<std::string, std::map<std::string, double>>;  // by hardware and step
  static Times read(const std::string& path);

  std::string path_, warning_;
  Times times_, added_;
};

// Where the file is: engines.json in $FOVEA_CACHE, else in $XDG_CACHE_HOME/fovea, else in ~/.cache/fovea. Empty, hence
// no file, where none of these is set.
std::string engine_times_path();

}  // namespace fovea
