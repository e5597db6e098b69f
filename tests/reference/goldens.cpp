// SPDX-License-Identifier: Apache-2.0
#include "tests/reference/goldens.h"

#include <nlohmann/json.hpp>
#include <span>

namespace fovea::reference_test {
namespace {

std::vector<double> numbers(const nlohmann::json& value) {
  if (value.is_boolean()) return {value.get<bool>() ? 1.0 : 0.0};
  if (value.is_array()) return value.get<std::vector<double>>();
  return {value.get<double>()};
}

std::int64_t whole(double value) { return static_cast<std::int64_t>(value); }

}  // namespace

Size2 GoldenCase::size(const std::string& key) const {
  const auto& pair = options.at(key);
  return {whole(pair.at(0)), whole(pair.at(1))};
}

Padding2 GoldenCase::padding() const {
  const auto& p = options.at("padding");
  if (p.size() == 2) return {whole(p[0]), whole(p[1])};
  return {whole(p.at(0)), whole(p.at(1)), whole(p.at(2)), whole(p.at(3))};
}

std::vector<GoldenCase> golden_cases(std::string_view op) {
  std::vector<GoldenCase> cases;
  const nlohmann::json file = nlohmann::json::parse(golden_text(op));
  for (const auto& entry : file.at("cases")) {
    GoldenCase golden;
    golden.name = entry.at("name").get<std::string>();
    for (const auto& [key, value] : entry.at("options").items()) golden.options[key] = numbers(value);
    for (const auto& [key, value] : entry.at("tensors").items()) {
      const auto extents = value.at("shape").get<std::vector<std::int64_t>>();
      const auto values = value.at("values").get<std::vector<double>>();
      golden.tensors[key] =
          Tensor::from<double>(Shape(std::span<const std::int64_t>(extents)), std::span<const double>(values));
    }
    cases.push_back(std::move(golden));
  }
  return cases;
}

}  // namespace fovea::reference_test
