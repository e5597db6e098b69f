// SPDX-License-Identifier: Apache-2.0
#include "cli/profile_against.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "cli/output.h"
#include "core/io/file.h"
#include "core/support/error.h"

namespace fovea::cli {
namespace {

[[noreturn]] void refuse(const std::string& path, const std::string& what) {
  throw InputError(fmt::format("--against {}: expected what 'fovea profile --json' prints: {}", path, what));
}

const Json& member(const std::string& path, const Json& object, const char* key) {
  if (!object.is_object() || !object.contains(key)) refuse(path, fmt::format("there is no key '{}'", key));
  return object[key];
}

std::string text_in(const std::string& path, const Json& object, const char* key) {
  const Json& value = member(path, object, key);
  if (!value.is_string()) refuse(path, fmt::format("'{}' is not a string", key));
  return value.get<std::string>();
}

std::int64_t integer_in(const std::string& path, const Json& object, const char* key) {
  const Json& value = member(path, object, key);
  if (!value.is_number_integer()) refuse(path, fmt::format("'{}' is not a whole number", key));
  return value.get<std::int64_t>();
}

double time_in(const std::string& path, const Json& object, const char* key) {
  const Json& value = member(path, object, key);
  if (!value.is_number() || !(value.get<double>() > 0)) refuse(path, fmt::format("'{}' is not a number above 0", key));
  return value.get<double>();
}

Json parsed(const std::string& path) {
  const std::vector<std::byte> bytes = read_file(path);
  const auto* text = reinterpret_cast<const char*>(bytes.data());
  try {
    return Json::parse(text, text + bytes.size());
  } catch (const Json::parse_error& error) {
    refuse(path, fmt::format("it is no JSON at byte {}", error.byte));
  } catch (const Json::exception&) {  // a number that no double holds
    refuse(path, "it is no JSON");
  }
}

}  // namespace

std::optional<double> EarlierProfile::milliseconds(const std::string& layer, const std::string& direction) const {
  for (const Row& row : rows)
    if (row.layer == layer && row.direction == direction) return row.milliseconds;
  return std::nullopt;
}

EarlierProfile read_earlier_profile(const std::string& path, const std::string& net, std::int64_t batch,
                                    const std::string& mode) {
  const Json json = parsed(path);
  const std::string its_net = text_in(path, json, "net"), its_mode = text_in(path, json, "mode");
  const std::int64_t its_batch = integer_in(path, json, "batch");
  require(its_net == net && its_batch == batch && its_mode == mode, [&] {
    return fmt::format(
        "--against {}: expected a profile of net '{}', batch {}, mode {}, got one of net '{}', batch {}, "
        "mode {}",
        path, net, batch, mode, its_net, its_batch, its_mode);
  });
  EarlierProfile earlier;
  earlier.device = text_in(path, json, "device");
  earlier.engine = text_in(path, json, "engine");
  earlier.precision = text_in(path, json, "precision");
  earlier.step_milliseconds = time_in(path, json, "step_milliseconds");
  const Json& layers = member(path, json, "layers");
  if (!layers.is_array()) refuse(path, "'layers' is not an array");
  for (const Json& row : layers)
    earlier.rows.push_back(
        {text_in(path, row, "layer"), text_in(path, row, "direction"), time_in(path, row, "milliseconds")});
  return earlier;
}

}  // namespace fovea::cli
