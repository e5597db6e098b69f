// SPDX-License-Identifier: Apache-2.0
//
// Runs one layer on named tensors, without a graph: `fovea op`, and tests that hold layers against other frameworks.
#pragma once
#include <map>
#include <string>

#include "core/backend/backend.h"
#include "core/graph/layer.h"

namespace fovea {

using NamedTensors = std::map<std::string, Tensor>;

struct LayerRunOptions {
  bool backward = false;          // after forward; in training only
  Phase phase = Phase::training;  // training updates state
  RandomKey random = {};
  DType dtype = DType::f32;  // of floating values; f64 on the reference only
  std::string engine = {};   // insists on an engine; empty: the backend chooses
};

// Takes host tensors by name: the inputs (Layer::input_name), the parameters, the state ("running_mean"; its initial
// value where absent) and, for backward, the output's gradient "dy" (1 where absent and y is one number). f32 values
// convert to f64 and i64 values in range to i32 where those are expected; anything else is an InputError that names the
// tensor, what was expected and what was found. Unknown names are errors.
//
// Returns host tensors: "y", what forward saves for backward, in training the state after it; with backward "d" + name
// for every differentiable input and every parameter.
NamedTensors run_layer(const Layer& layer, Backend& backend, const NamedTensors& tensors,
                       const LayerRunOptions& options);

}  // namespace fovea
