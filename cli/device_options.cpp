// SPDX-License-Identifier: Apache-2.0
#include "cli/device_options.h"

#include <fmt/core.h>

#include "core/backend/device_list.h"
#include "core/support/error.h"

namespace fovea::cli {
namespace {

// `spec` with the one engine that computes in this precision. Others are not taken for it.
std::string with_only_engine(const std::string& spec, Precision precision) {
  const std::size_t colon = spec.find(':');
  std::string device = spec.substr(0, colon);
  const std::string engine = colon == std::string::npos ? std::string(only_engine(precision)) : spec.substr(colon + 1);
  if (device == "auto" && open_device(device)->name().starts_with("cuda")) device = "cuda";
  const bool has_it = device.starts_with("cuda") || (precision == Precision::fp32x3 && device == "emu");
  require(has_it && engine == only_engine(precision), [&] {
    return fmt::format("--precision {}: expected {}, which alone has it, got {}", name_of(precision),
                       devices_with(precision), device == "auto" ? open_device(device)->name() + " (auto)" : spec);
  });
  return device + ":" + engine;
}

// As open_device takes it.
std::string spec_of(const DeviceOptions& options, std::optional<Precision> precision) {
  const bool both = !options.engine.empty() && options.device.find(':') != std::string::npos;
  require(!both, [&] {
    return fmt::format("--engine: expected none beside --device {}, got '{}'", options.device, options.engine);
  });
  const std::string spec = options.engine.empty() ? options.device : options.device + ":" + options.engine;
  if (!precision) return spec;
  if (!only_engine(*precision).empty()) return with_only_engine(spec, *precision);
  const Precision its_own = only_precision(spec.substr(spec.find(':') + 1));
  require(its_own == Precision::fp32, [&] {
    return fmt::format("--precision {}: {} computes in {} only: expected --precision {} or another engine",
                       name_of(*precision), spec, name_of(its_own), name_of(its_own));
  });
  return spec;
}

}  // namespace

void declare(Arguments& arguments, DeviceOptions& options) {
  arguments.text("--device", options.device, "NAME",
                 "reference, cpu, emu, cuda[N] or auto (cuda if usable, else cpu, else reference); also NAME:ENGINE");
  arguments.text("--engine", options.engine, "NAME",
                 "native, onednn, library as 'fovea devices' lists them, or auto: measured layer by layer; default: "
                 "native or onednn");
}

std::unique_ptr<Backend> open(const DeviceOptions& options, std::optional<Precision> precision) {
  return open_device(spec_of(options, precision));
}

std::unique_ptr<Backend> open_dry(const DeviceOptions& options, std::optional<Precision> precision) {
  return open_dry_device(spec_of(options, precision));
}

std::vector<Precision> all_precisions() {
  std::vector<Precision> all;
  for (const auto& named : precision_names) all.push_back(named.first);
  return all;
}

void declare_precision(Arguments& arguments, std::string& value, const std::vector<Precision>& choices,
                       const std::string& help) {
  std::vector<std::string> words;
  for (const Precision choice : choices) words.emplace_back(name_of(choice));
  arguments.choice("--precision", value, words, help);
}

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
