// SPDX-License-Identifier: Apache-2.0
#include "cli/op_list.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "core/graph/json_fields.h"
#include "core/graph/option_list.h"

namespace fovea::cli {
namespace {

Json options_json(const std::vector<OptionInfo>& options) {
  Json list = Json::array();
  for (const OptionInfo& option : options) {
    Json json{{"name", option.name}, {"type", option.kind}, {"required", option.required}};
    json["default"] = option.required ? Json(nullptr) : Json::parse(option.standard);
    json["expected"] = option.expected;
    list.push_back(std::move(json));
  }
  return list;
}

Json specs_json(const std::vector<ParameterSpec>& specs) {
  Json list = Json::array();
  for (const ParameterSpec& spec : specs)
    list.push_back({{"name", spec.name}, {"dtype", name_of(DType::f32)}, {"shape", shape_json(spec.shape)}});
  return list;
}

// Shapes are those of the example: a layer's parameters depend on its options and inputs.
Json type_json(const std::string& name, const LayerTypes& types, bool loss) {
  const LayerExample& example = types.example(name);
  const std::shared_ptr<const Layer> layer = make_layer(types, name, example.params);
  Json inputs = Json::array(), saved = Json::array();
  bool gradient = !layer->parameters(example.inputs).empty();
  for (std::size_t i = 0; i < example.inputs.size(); ++i) {
    const int input = static_cast<int>(i);
    inputs.push_back({{"name", layer->input_name(input)},
                      {"dtype", name_of(layer->input_dtype(input))},
                      {"shape", shape_json(example.inputs[i])},
                      {"differentiable", layer->differentiable(input)}});
    gradient = gradient || layer->differentiable(input);
  }
  for (const SavedSpec& spec : layer->saved(example.inputs))
    saved.push_back({{"name", spec.name}, {"dtype", name_of(spec.dtype)}, {"shape", shape_json(spec.shape)}});
  return {{"name", name},
          {"kind", loss ? "loss" : "layer"},
          {"summary", example.summary},
          {"op", layer->op()},
          {"options", options_json(list_options(types.all().at(name)))},
          {"inputs", std::move(inputs)},
          {"any_number", layer->input_count() == Layer::any_number},
          {"parameters", specs_json(layer->parameters(example.inputs))},
          {"state", specs_json(layer->state(example.inputs))},
          {"saved", std::move(saved)},
          {"output", {{"name", "y"}, {"shape", shape_json(layer->output_shape(example.inputs))}}},
          {"gradient", gradient},
          {"example_params", Json::parse(example.params)}};
}

std::string joined_names(const Json& list) {
  std::string names;
  for (const Json& entry : list) names += (names.empty() ? "" : ", ") + entry["name"].get<std::string>();
  return names;
}

std::string options_text(const Json& options) {
  std::string text;
  for (const Json& option : options) {
    text += fmt::format("{}{}{}", text.empty() ? "" : ", ", option["name"].get<std::string>(),
                        option["required"].get<bool>() ? "" : "=" + option["default"].dump());
  }
  return text.empty() ? "none" : text;
}

}  // namespace

LayerTypes all_types() {
  LayerTypes types = LayerTypes::builtin();
  types.add(LayerTypes::losses());
  return types;
}

void print_list(const LayerTypes& types, Output& out) {
  const LayerTypes losses = LayerTypes::losses();
  Json list = Json::array();
  for (const bool loss : {false, true}) {
    for (const auto& entry : types.all()) {
      if ((losses.all().count(entry.first) == 1) != loss) continue;
      Json type = type_json(entry.first, types, loss);
      out.result(fmt::format("{}: {}", entry.first, type["summary"].get<std::string>()));
      std::string tensors = joined_names(type["inputs"]) + (type["any_number"].get<bool>() ? ", ..." : "");
      for (const char* kind : {"parameters", "state"}) {
        if (!type[kind].empty()) tensors += fmt::format("; {} {}", kind, joined_names(type[kind]));
      }
      out.result(fmt::format("  options: {}", options_text(type["options"])));
      out.result(fmt::format("  tensors: {}", tensors));
      list.push_back(std::move(type));
    }
  }
  out.object({{"ops", std::move(list)}});
}

}  // namespace fovea::cli
