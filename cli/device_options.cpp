// SPDX-License-Identifier: Apache-2.0
#include "cli/device_options.h"

#include <fmt/core.h>

#include "core/backend/device_list.h"
#include "core/support/error.h"

namespace fovea::cli {
namespace {

// As open_device takes it.
std::string spec_of(const DeviceOptions& options) {
  const bool both = !options.engine.empty() && options.device.find(':') != std::string::npos;
  require(!both, [&] {
    return fmt::format("--engine: expected none beside --device {}, got '{}'", options.device, options.engine);
  });
  return options.engine.empty() ? options.device : options.device + ":" + options.engine;
}

}  // namespace

void declare(Arguments& arguments, DeviceOptions& options) {
  arguments.text("--device", options.device, "NAME",
                 "reference, cpu, emu, cuda[N] or auto (cuda if usable, else cpu, else reference); also NAME:ENGINE");
  arguments.text(
      "--engine", options.engine, "NAME",
      "native, onednn, library or auto, as 'fovea devices' lists them; default: native where the device has it");
}

std::unique_ptr<Backend> open(const DeviceOptions& options) { return open_device(spec_of(options)); }
std::unique_ptr<Backend> open_dry(const DeviceOptions& options) { return open_dry_device(spec_of(options)); }

std::string device_of(const Backend& backend) {
  const std::string name = backend.name();
  return name.substr(0, name.find(':'));
}

std::string engine_of(const Backend& backend) {
  const std::string name = backend.name();
  const std::size_t colon = name.find(':');
  return colon == std::string::npos ? name : name.substr(colon + 1);
}

}  // namespace fovea::cli
