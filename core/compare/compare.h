// SPDX-License-Identifier: Apache-2.0
//
// Compares two devices on one net, layer by layer, forward and backward, against a float64 truth and the derived bound
// of every layer (docs/numerics.md).
#pragma once
#include <string>
#include <vector>

#include "core/data/dataset.h"
#include "core/executor/executor.h"

namespace fovea {

enum class CompareMode {
  isolated,  // each layer gets the first device's inputs: the layer's own bound applies
  chained,   // each device runs the whole net; bounds propagate through the layers
};

struct CompareOptions {
  CompareMode mode = CompareMode::isolated;
  std::string inject{};  // perturb one element of this layer's output on the second device; the verdict must turn red
  // What values are stored as: f32, or bf16 and f16, isolated only. The truth then computes with the weights' 16-bit copies.
  DType dtype = DType::f32;
  bool layouts = true;           // PlanPasses::layouts of the two devices; nothing is fused in any case
  double max_undecided = 0.001;  // chained: fraction of ReLU and arg max decisions that may lie within tolerance
};

struct TensorComparison {
  std::string layer;      // node name
  std::string tensor;     // "output", "index", "input_gradient", "weight_gradient", ...
  std::string direction;  // "forward", "backward"
  Shape shape;
  double max_abs = 0, max_rel = 0;  // between the devices
  std::int64_t worst_index = -1;    // flat index of the worst error/bound
  double worst_ratio = 0;           // error/bound over both devices; infinity for a NaN or class mismatch
  bool ok = true;
};

struct Comparison {
  std::string device_a, device_b;
  CompareMode mode = CompareMode::isolated;
  bool ok = true;
  double worst_ratio = 0;
  std::string first_divergent;  // layer, in execution order; empty when ok
  std::int64_t undecided = 0, decisions = 0;
  std::uint64_t executed_a = 0, executed_b = 0;  // operations that really ran
  std::vector<TensorComparison> tensors;         // in execution order
};

// `truth` computes in float64 (the reference). `weights` are host tensors in ParameterLayout order; `batch` feeds the
// model's inputs.
Comparison compare(const Model& model, Backend& a, Backend& b, Backend& truth, const std::vector<Tensor>& weights,
                   const Batch& batch, const CompareOptions& options);

// Central differences of the loss in float64 against the backward pass, for every parameter and the input.
struct GradcheckTensor {
  std::string name;                       // "conv1.weight"
  std::int64_t checked = 0, skipped = 0;  // skipped: within 10 eps of a kink (ReLU, arg max)
  double worst_error = 0;                 // |numeric - analytic| / (1e-8 + 1e-5 |numeric|); ok when <= 1
  std::int64_t worst_index = -1;
  bool ok = true;
};
struct Gradcheck {
  bool ok = true;
  std::vector<GradcheckTensor> tensors;
};
// Checks at most `samples` elements of each tensor, spread evenly (0: all).
Gradcheck gradcheck(const Model& model, Backend& truth, const std::vector<Tensor>& weights, const Batch& batch,
                    std::int64_t samples);

}  // namespace fovea
