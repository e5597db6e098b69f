// SPDX-License-Identifier: Apache-2.0
#include "core/graph/initialization.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include "core/graph/layer.h"
#include "core/support/did_you_mean.h"
#include "core/support/error.h"
#include "core/support/philox.h"

namespace fovea {
namespace {

template <class Enum, std::size_t n>
Enum enum_of(std::string_view what, std::string_view word,
             const std::array<std::pair<Enum, std::string_view>, n>& names) {
  std::vector<std::string> words;
  for (const auto& [value, name] : names) {
    if (name == word) return value;
    words.emplace_back(name);
  }
  throw InputError(
      fmt::format("{}: expected one of {}, got '{}'{}", what, fmt::join(words, ", "), word, did_you_mean(word, words)));
}

double number_of(std::string_view key, std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  require(error == std::errc() && end == text.data() + text.size(),
          [&] { return fmt::format("init: {}: expected a number, got '{}'", key, text); });
  return number;
}

std::string_view name_of_kind(InitKind kind) {
  return std::ranges::find(init_names, kind, [](const auto& pair) { return pair.first; })->second;
}

// The elements of a filter's window.
std::int64_t window_of(const Shape& weight) {
  std::int64_t elements = 1;
  for (int axis = 2; axis < weight.rank(); ++axis) elements *= weight[axis];
  return elements;
}

// By the method of Box and Muller. 1 - u is in (0, 1].
double standard_normal(RandomStream& random) {
  const double radius = std::sqrt(-2 * std::log(1 - double{random.uniform()}));
  return radius * std::cos(2 * std::numbers::pi * double{random.uniform()});
}

// The standard deviation of a random start.
double deviation_of(const Initialization& init, const ParameterSpec& weight) {
  const double in = static_cast<double>(weight.fan_in), out = static_cast<double>(weight.fan_out);
  switch (init.kind) {
    case InitKind::xavier_uniform:
    case InitKind::xavier_normal:
      return init.gain.value_or(1) * std::sqrt(2 / (in + out));
    case InitKind::kaiming_uniform:
    case InitKind::kaiming_normal:
      return init.gain.value_or(std::numbers::sqrt2) / std::sqrt(init.mode == FanMode::fan_in ? in : out);
    case InitKind::lecun_normal:
      return 1 / std::sqrt(in);
    default:
      return init.std.value_or(0);
  }
}

void set_dirac(std::span<float> values, const ParameterSpec& weight) {
  const std::int64_t window = window_of(weight.shape), channels = weight.shape[1];
  const std::int64_t filters_in_group = weight.fan_out / window;
  std::int64_t middle = 0;
  for (int axis = 2; axis < weight.shape.rank(); ++axis) middle = middle * weight.shape[axis] + weight.shape[axis] / 2;
  for (std::int64_t k = 0; k < weight.shape[0]; ++k)
    if (const std::int64_t c = k % filters_in_group; c < channels)
      values[static_cast<std::size_t>((k * channels + c) * window + middle)] = 1;
}

}  // namespace

Initialization Initialization::parse(std::string_view text) {
  const std::size_t colon = std::min(text.find(':'), text.size());
  Initialization init{.kind = enum_of("init", text.substr(0, colon), init_names)};
  std::string_view rest = text.substr(std::min(colon + 1, text.size()));
  require(colon == text.size() || !rest.empty(),
          [&] { return fmt::format("init: expected key=value behind the colon, got '{}'", text); });
  while (!rest.empty()) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view part = rest.substr(0, comma);
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    const std::size_t equals = std::min(part.find('='), part.size());
    const std::string key(part.substr(0, equals));
    const std::string_view value = part.substr(std::min(equals + 1, part.size()));
    const std::vector<std::string> keys{"mode", "gain", "std", "value", "bias"};
    require(std::ranges::find(keys, key) != keys.end(), [&] {
      return fmt::format("init: expected one of {}, got '{}'{}", fmt::join(keys, ", "), key, did_you_mean(key, keys));
    });
    if (key == "mode") init.mode = enum_of("init: mode", value, fan_names);
    if (key == "gain") init.gain = number_of(key, value);
    if (key == "std") init.std = number_of(key, value);
    if (key == "value") init.value = number_of(key, value);
    if (key == "bias") init.bias = number_of(key, value);
  }
  validate(init);
  return init;
}

void validate(const Initialization& init) {
  if (init.kind == InitKind::layer_default) return;
  const std::string_view name = name_of_kind(init.kind);
  const bool kaiming = name.starts_with("kaiming"), has_gain = kaiming || name.starts_with("xavier");
  const auto only = [&](bool given, bool taken, std::string_view key, std::string_view takers) {
    require(taken || !given, [&] { return fmt::format("init: {} belongs to {}, got {}", key, takers, name); });
  };
  only(init.mode != FanMode::fan_in, kaiming, "mode", "kaiming_uniform and kaiming_normal");
  only(init.gain.has_value(), has_gain, "gain", "xavier_* and kaiming_*");
  only(init.std.has_value(), init.kind == InitKind::normal, "std", "normal");
  only(init.value.has_value(), init.kind == InitKind::constant, "value", "constant");
  require(init.kind != InitKind::normal || init.std,
          [] { return std::string("init: std: expected a number, normal needs one"); });
  require(init.kind != InitKind::constant || init.value,
          [] { return std::string("init: value: expected a number, constant needs one"); });
  for (const double number : {init.gain.value_or(0), init.std.value_or(0)})
    require(std::isfinite(number) && number >= 0,
            [&] { return fmt::format("init: expected gain and std of at least 0, got {}", number); });
  for (const double number : {init.value.value_or(0), init.bias})
    require(std::isfinite(static_cast<float>(number)),
            [&] { return fmt::format("init: expected value and bias to be float32 numbers, got {}", number); });
}

void require_suits(const Initialization& init, const ParameterSpec& weight) {
  if (init.kind == InitKind::layer_default) return;
  require(weight.initializer == Initializer::kaiming_uniform,
          [&] { return fmt::format("init: expected a layer with weights to draw, '{}' is not drawn", weight.name); });
  if (init.kind != InitKind::dirac) return;
  require(weight.shape.rank() >= 3 && weight.shape[1] * window_of(weight.shape) == weight.fan_in, [&] {
    return fmt::format("init: dirac: expected the filters of a convolution, got '{}' {}", weight.name,
                       weight.shape.to_string());
  });
}

Tensor initial_weights(const Initialization& init, const ParameterSpec& weight, RandomStream random) {
  require_suits(init, weight);
  Tensor tensor = Tensor::zeros(weight.shape);
  const std::span<float> values = tensor.span<float>();
  if (init.kind == InitKind::dirac) {
    set_dirac(values, weight);
  } else if (init.kind == InitKind::constant) {
    std::ranges::fill(values, static_cast<float>(init.value.value_or(0)));
  } else if (init.kind == InitKind::xavier_uniform || init.kind == InitKind::kaiming_uniform) {
    const auto bound = static_cast<float>(std::numbers::sqrt3 * deviation_of(init, weight));
    for (float& value : values) value = random.uniform(-bound, bound);
  } else {
    const double deviation = deviation_of(init, weight);
    for (float& value : values) value = static_cast<float>(deviation * standard_normal(random));
  }
  return tensor;
}

}  // namespace fovea
