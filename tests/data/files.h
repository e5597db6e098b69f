// SPDX-License-Identifier: Apache-2.0
//
// What tests of files share: a directory that goes away, bytes to and from files, and the message of an InputError.
#pragma once
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/support/error.h"

namespace fovea::test {

using Bytes = std::vector<std::uint8_t>;

class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  std::vector<std::string> names() const;  // of the files in it, sorted

 private:
  std::string path_;
};

void write_bytes(const std::string& path, const Bytes& bytes);
Bytes read_bytes(const std::string& path);
Bytes gzip(const Bytes& bytes);

// The message of the InputError that `fn` throws; a failure of the test when it throws none.
template <class Fn>
std::string input_error(Fn&& fn) {
  try {
    fn();
  } catch (const InputError& error) {
    return error.what();
  }
  ADD_FAILURE() << "no InputError was thrown";
  return {};
}

// True when `text` holds each of `parts`; use with EXPECT_TRUE, it explains itself.
::testing::AssertionResult holds(const std::string& text, const std::vector<std::string>& parts);

}  // namespace fovea::test
