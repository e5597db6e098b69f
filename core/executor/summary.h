// SPDX-License-Identifier: Apache-2.0
//
// What a net is, layer by layer, and what it will need, before anything is allocated.
#pragma once
#include <string>
#include <vector>

#include "core/backend/backend.h"
#include "core/executor/plan.h"
#include "core/graph/graph.h"
#include "core/tensor/precision.h"

namespace fovea {

// The input positions that can influence one output element, counted by walking back through the windows of the layers;
// never more than the input has.
struct ReceptiveField {
  std::int64_t h = 1, w = 1;
  bool whole_input = false;  // every element of the sample
};

struct LayerSummary {
  std::string name, type;
  std::vector<std::string> inputs;
  Shape output;  // the batch included
  std::int64_t parameters = 0;
  std::int64_t macs = 0;  // multiply-accumulates of one sample's forward pass
  ReceptiveField receptive_field;
  std::size_t activation_bytes = 0;  // the output for the whole batch; 0 when it is its input's bytes
};

struct NetSummary {
  std::string name;
  Shape sample_shape;
  std::int64_t batch = 0;
  std::vector<LayerSummary> layers;
  std::int64_t parameters = 0, macs = 0;
  std::size_t activation_bytes = 0;
  // What the plans ask for on this backend, in bytes.
  std::size_t weight_bytes = 0;     // the parameter arena, gaps included
  std::size_t inference_bytes = 0;  // weights, activations, workspace
  // Weights and their 16-bit copies, gradients, momenta, activations, gradients of activations, workspace.
  std::size_t training_bytes = 0;
};

// Throws InputError: batch < 1, shapes beyond what a plan can hold, or an engine that has not the precision.
NetSummary summarise(const Model& model, Backend& backend, std::int64_t batch, Precision precision = Precision::fp32,
                     PlanPasses passes = {});

}  // namespace fovea
