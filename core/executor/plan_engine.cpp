// SPDX-License-Identifier: Apache-2.0
#include "core/executor/plan_engine.h"

#include "core/backend/device_list.h"
#include "core/support/error.h"

namespace fovea {
namespace {

// Empty where none was picked.
std::string_view engine_picked_for(const Backend& backend, const Node& node, Direction direction) {
  for (const EnginePick& pick : backend.picked_engines())
    if (pick.layer == node.name && pick.direction == direction) return pick.engine;
  return {};
}

}  // namespace

void require_passes(Precision precision, PlanPasses passes) {
  require(precision != Precision::fp32x3 || passes.layouts, [] {
    return std::string("precision fp32x3: its tensor cores take images in NHWC: expected the pass layouts, got it off");
  });
}

EngineChoice choose_engine(Backend& backend, const Node& node, Direction direction, DType dtype) {
  const std::string op(node.layer->op());
  try {
    const std::string_view picked = engine_picked_for(backend, node, direction);
    EngineChoice choice = backend.choose(op, direction, node.engine.empty() ? picked : node.engine);
    require(!is_16_bit(dtype) || choice.ops->stores_16_bits(op), [&] {
      return "engine '" + choice.engine + "' of device " + backend.name() + " computes " + op +
             " in float32 only, not in " + std::string(name_of(dtype)) + "; " +
             std::string(devices_with(Precision::bf16)) + " do";
    });
    return choice;
  } catch (const InputError& e) {
    throw InputError("layer '" + node.name + "': " + e.what());
  }
}

void require_layouts(const Node& node, const EngineChoice& engine, const PlanOptions& options,
                     const std::vector<Shape>& inputs, const StepLayouts& found) {
  if (!options.passes.layouts) return;  // all plain
  StepLayouts wanted = node.layer->layouts(*engine.ops, options.phase(), options.dtype, inputs, found.inputs);
  if (wanted.input_gradients.empty()) wanted.input_gradients = wanted.inputs;
  const bool alike =
      wanted.inputs == found.inputs && wanted.output == found.output && wanted.input_gradients == found.input_gradients;
  require(alike, [&] {
    return "layer '" + node.name + "': engine '" + engine.engine +
           "' wants its images otherwise backward than they lie forward, by another engine";
  });
}

void check_layer(const Node& node, Phase phase, const std::vector<Shape>& inputs) {
  try {
    node.layer->check(phase, inputs);
  } catch (const InputError& e) {
    throw InputError("layer '" + node.name + "': " + e.what());
  }
}

}  // namespace fovea
