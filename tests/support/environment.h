// SPDX-License-Identifier: Apache-2.0
//
// Sets an environment variable for the life of the object.
#pragma once
#include <cstdlib>
#include <string>

namespace fovea::test {

class Environment {
 public:
  Environment(const char* name, const char* value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    setenv(name, value, 1);
  }
  ~Environment() { before_.empty() ? unsetenv(name_) : setenv(name_, before_.c_str(), 1); }

 private:
  const char* name_;
  std::string before_;
};

}  // namespace fovea::test
