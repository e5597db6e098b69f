// SPDX-License-Identifier: Apache-2.0
#include "tests/support/random_options.h"

#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <iostream>
#include <string>

#include "core/support/error.h"
#include "tests/support/devices.h"

namespace fovea::test {
namespace {

constexpr std::uint64_t default_random_seed = 20120930, default_random_cases = 50;

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  if (text == nullptr || *text == '\0') return otherwise;
  char* end = nullptr;
  errno = 0;
  const std::uint64_t value = std::strtoull(text, &end, 0);
  require(errno == 0 && *end == '\0' && std::isdigit(static_cast<unsigned char>(*text)) != 0,
          [&] { return std::string(name) + ": expected a whole number, got '" + text + "'"; });
  return value;
}

}  // namespace

RandomOptions random_options(std::uint64_t small) {
  return {number_from_environment("FOVEA_RANDOM_SEED", default_random_seed),
          number_from_environment("FOVEA_RANDOM_CASES", small_cases_only() ? small : default_random_cases)};
}

void print_once(const RandomOptions& options) {
  static bool printed = false;
  if (!printed) std::cout << "FOVEA_RANDOM_SEED=" << options.seed << " FOVEA_RANDOM_CASES=" << options.cases << "\n";
  printed = true;
}

}  // namespace fovea::test
