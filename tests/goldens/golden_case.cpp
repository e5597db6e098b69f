// SPDX-License-Identifier: Apache-2.0
#include "tests/goldens/golden_case.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "core/graph/json_fields.h"
#include "core/support/error.h"

namespace fovea::test {
namespace {

using nlohmann::json;

const std::vector<json>& files() {
  static const std::vector<json> parsed = [] {
    std::vector<json> list;
    for (const std::string_view text : golden_texts()) list.push_back(json::parse(text));
    return list;
  }();
  return parsed;
}

const json& entry_of(const std::string& type, const std::string& name) {
  for (const json& file : files()) {
    if (file.at("type") != type) continue;
    for (const json& entry : file.at("cases"))
      if (entry.at("name") == name) return entry;
  }
  throw InputError("no golden case '" + name + "' of " + type);
}

// Tensors by name; remembers which were asked for.
class GoldenTensors {
 public:
  explicit GoldenTensors(const json& tensors) {
    for (const auto& [name, record] : tensors.items()) {
      const auto extents = record.at("shape").get<std::vector<std::int64_t>>();
      const auto values = record.at("values").get<std::vector<double>>();
      tensors_[name] =
          Tensor::from<double>(Shape(std::span<const std::int64_t>(extents)), std::span<const double>(values));
    }
  }
  bool has(const std::string& name) const { return tensors_.count(name) == 1; }
  const Tensor& take(const std::string& name) {
    require(has(name), [&] { return "golden tensor '" + name + "' is missing"; });
    taken_.insert(name);
    return tensors_.at(name);
  }
  // What a device is given: the same number in `dtype`.
  Tensor take_as(const std::string& name, DType dtype) {
    const Tensor& wide = take(name);
    Tensor narrow = wide.converted(dtype);
    const Tensor again = narrow.converted(DType::f64);
    require(std::ranges::equal(again.span<double>(), wide.span<double>()),
            [&] { return "golden tensor '" + name + "' is not exact in " + std::string(name_of(dtype)); });
    return narrow;
  }
  void require_all_taken() const {
    for (const auto& [name, tensor] : tensors_)
      require(taken_.count(name) == 1, [&name = name] { return "golden tensor '" + name + "' is not the layer's"; });
  }

 private:
  std::map<std::string, Tensor> tensors_;
  std::set<std::string> taken_;
};

LayerTypes all_types() {
  LayerTypes types = LayerTypes::builtin();
  types.add(LayerTypes::losses());
  return types;
}

Tensor initial_state(const ParameterSpec& spec) {
  Tensor state = Tensor::zeros(spec.shape);
  for (std::size_t i = 0; i < spec.constant.size() * state.span<float>().size() && i < state.span<float>().size(); ++i)
    state.span<float>()[i] = static_cast<float>(spec.constant[spec.constant.size() == 1 ? 0 : i]);
  return state;
}

}  // namespace

std::vector<GoldenFile> golden_files() {
  std::vector<GoldenFile> list;
  for (const json& file : files()) {
    list.push_back({file.at("type"), file.at("torch"), {}});
    for (const json& entry : file.at("cases")) list.back().cases.push_back(entry.at("name"));
  }
  return list;
}

GoldenCase golden_case(const std::string& type, const std::string& name) {
  const json& entry = entry_of(type, name);
  GoldenTensors tensors(entry.at("tensors"));
  GoldenCase golden;
  LayerCase& c = golden.layer;
  c.name = type + name;
  c.layer = make_layer(all_types(), type, entry.at("params").dump());
  c.phase = entry.at("phase") == "training" ? Phase::training : Phase::inference;
  if (entry.contains("random")) {
    const json& key = entry.at("random");
    c.random = {.seed = key.at("seed"), .step = key.at("step"), .layer = key.at("layer")};
  }
  const int count = c.layer->input_count();
  for (int i = 0; count == Layer::any_number ? tensors.has(c.layer->input_name(i)) : i < count; ++i) {
    golden.data.inputs.push_back(tensors.take_as(c.layer->input_name(i), c.layer->input_dtype(i)));
    c.inputs.push_back(golden.data.inputs.back().shape());
  }
  const std::vector<ParameterSpec> parameters = c.layer->parameters(c.inputs), state = c.layer->state(c.inputs);
  for (const ParameterSpec& spec : parameters) golden.data.parameters.push_back(tensors.take_as(spec.name, DType::f32));
  for (const ParameterSpec& spec : state) {
    golden.data.state.push_back(tensors.has(spec.name) ? tensors.take_as(spec.name, DType::f32) : initial_state(spec));
    const std::string after = "new_" + spec.name;
    golden.state_after.push_back(tensors.has(after) ? tensors.take(after) : Tensor{});
  }
  golden.output = tensors.take("y");
  if (c.phase == Phase::training && has_gradients(c)) {
    golden.data.output_gradient = tensors.take_as("dy", DType::f32);
    for (const int i : differentiable_inputs(c))
      golden.input_gradients.push_back(tensors.take("d" + c.layer->input_name(i)));
    for (const ParameterSpec& spec : parameters) golden.parameter_gradients.push_back(tensors.take("d" + spec.name));
  }
  tensors.require_all_taken();
  return golden;
}

}  // namespace fovea::test
