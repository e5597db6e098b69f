// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/executor/plan.h"

namespace fovea {

// The engine that computes the node's layer on values stored as `dtype`: the one that it insists on, else the one that
// was picked for it (Backend::pick_engines), else the device's own choice. Throws InputError naming the layer: the
// device has no such engine, or the engine not the operation; the engine computes it in float32 only.
EngineChoice choose_engine(Backend& backend, const Node& node, Direction direction, DType dtype);

// Of an engine that computes backward where another one computed forward: it finds all images as that one left them.
// Throws InputError naming the layer when it wants them, coming from there, otherwise than `found`.
void require_layouts(const Node& node, const EngineChoice& engine, const PlanOptions& options,
                     const std::vector<Shape>& inputs, const StepLayouts& found);

// Throws InputError naming the layer: what the phase demands of its inputs.
void check_layer(const Node& node, Phase phase, const std::vector<Shape>& inputs);

}  // namespace fovea
