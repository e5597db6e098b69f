// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "core/backend/device_list.h"

namespace fovea::cli {
namespace {

std::vector<std::string> words_of(const std::vector<Precision>& precisions) {
  std::vector<std::string> words;
  for (const Precision precision : precisions) words.emplace_back(name_of(precision));
  return words;
}

const char* availability(bool available) { return available ? "available" : "not available"; }

int run_devices(Output& out) {
  Json devices = Json::array();
  std::vector<std::vector<std::string>> rows;
  for (const DeviceInfo& device : list_devices()) {
    Json engines = Json::array();
    rows.push_back({device.name, availability(device.available), "", device.detail});
    for (const EngineInfo& engine : device.engines) {
      const std::vector<std::string> precisions = words_of(engine.precisions);
      rows.push_back({"  :" + engine.name, availability(engine.available),
                      fmt::format("{}", fmt::join(precisions, " ")), engine.detail});
      engines.push_back({{"name", engine.name},
                         {"available", engine.available},
                         {"detail", engine.detail},
                         {"precisions", precisions}});
    }
    devices.push_back({{"name", device.name},
                       {"available", device.available},
                       {"detail", device.detail},
                       {"engines", std::move(engines)}});
  }
  const std::string chosen = open_device("auto")->name();
  for (const std::string& line : aligned(rows, 4)) out.result(line);
  out.say(fmt::format("'auto' is {} on this machine.", chosen));
  out.object({{"devices", std::move(devices)}, {"auto", chosen}});
  return 0;
}

}  // namespace

Run declare_devices(Arguments& arguments) {
  arguments.footer(
      "A device is given to other commands as NAME or NAME:ENGINE.\n\n"
      "Examples:\n"
      "  fovea devices\n"
      "  fovea devices --json | python3 -m json.tool");
  return run_devices;
}

}  // namespace fovea::cli
