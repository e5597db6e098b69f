// SPDX-License-Identifier: Apache-2.0
#include "cuda/emu/options.h"

#include <charconv>
#include <cstdlib>
#include <string>

#include "core/support/error.h"

namespace fovea {

EmuOptions EmuOptions::parse(std::string_view text) {
  EmuOptions options;
  const std::string_view name = text.substr(0, text.find(':'));
  if (text == "forward") return options;
  if (text == "reverse") {
    options.schedule = EmuSchedule::reverse;
    return options;
  }
  bool ok = name == "shuffled";
  if (ok && name.size() < text.size()) {
    const char* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data() + name.size() + 1, end, options.seed);
    ok = error == std::errc() && rest == end;
  }
  require(ok, [&] {
    return "FOVEA_EMU_SCHEDULE: expected forward, reverse, shuffled or shuffled:SEED, got '" + std::string(text) + "'";
  });
  options.schedule = EmuSchedule::shuffled;
  return options;
}

EmuOptions EmuOptions::from_environment() {
  const char* text = std::getenv("FOVEA_EMU_SCHEDULE");
  return text == nullptr ? EmuOptions{} : parse(text);
}

}  // namespace fovea
