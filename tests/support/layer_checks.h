// SPDX-License-Identifier: Apache-2.0
//
// The checks that layer_test.h registers, as functions: layer_checks_test.cpp shows each a fault that it must find.
#pragma once
#include <string>
#include <vector>

#include "tests/support/layer_test.h"
#include "tests/support/op_call.h"

namespace fovea::test {

// What a layer's passes read: host tensors in the layer's order, float32 (or the case's dtype) and labels.
struct LayerData {
  std::vector<Tensor> inputs, parameters, state;
  Tensor output_gradient;
};
// Filled as the case says; the case's name is the seed.
LayerData real_data(const LayerCase& c);
// Small integers; labels stay labels, state stays real.
LayerData integer_data(const LayerCase& c);

// What forward leaves for backward.
struct LayerResult {
  Tensor output;
  std::vector<Tensor> saved, state;
};
// From the outputs of forward_call.
LayerResult split_result(const LayerCase& c, const std::vector<Tensor>& outputs);
// In float64. `rounded` gives it as a device would hold it: the output in the case's dtype, the rest in float32.
LayerResult forward_truth(const LayerCase& c, const LayerData& data);
LayerResult rounded(const LayerCase& c, const LayerResult& result);

std::vector<Shape> parameter_shapes(const LayerCase& c);
// Positions of the inputs that have a gradient.
std::vector<int> differentiable_inputs(const LayerCase& c);
bool has_gradients(const LayerCase& c);

// Outputs: the output, what is saved, the state after the pass. `relu`: ForwardArgs::relu.
OpCall forward_call(const LayerCase& c, const LayerData& data, bool relu = false);
// `truth`: the outputs of forward_call in float64.
struct ForwardBounds {
  std::vector<Tensor> tolerances;
  std::int64_t decisions = 0;
};
ForwardBounds forward_bounds(const LayerCase& c, const LayerData& data, const std::vector<Tensor>& truth);
Tolerances forward_tolerances(const LayerCase& c, const LayerData& data);
// Outputs: the gradients of the inputs `wanted`, in that order, and of all parameters. `relu`: BackwardArgs::relu.
OpCall backward_call(const LayerCase& c, const LayerData& data, const LayerResult& forward,
                     const std::vector<int>& wanted, bool relu = false);
// What backward reads of forward's results is exact, or where `of_forward` is given, as forward_bounds gives it, off by
// that much.
Tolerances backward_tolerances(const LayerCase& c, const LayerData& data, const LayerResult& forward,
                               const std::vector<int>& wanted, const std::vector<Tensor>& of_forward = {});

testing::AssertionResult check_forward(Backend& device, const LayerCase& c);
testing::AssertionResult check_backward(Backend& device, const LayerCase& c);
// Central differences of sum(dy * y) in float64 against backward; of larger tensors `samples` elements, evenly spread.
testing::AssertionResult check_gradients(const LayerCase& c, std::int64_t samples);

// The check on those drawn cases that it applies to, until the first that fails; its message says how to draw that case
// again. FOVEA_RANDOM_SEED and FOVEA_RANDOM_CASES are read from the environment; of these every `step`-th is drawn;
// `small`: as in random_options(). Fails when it applies to none.
using LayerCheck = std::function<testing::AssertionResult(const LayerCase&)>;
using LayerFilter = std::function<bool(const LayerCase&)>;
testing::AssertionResult check_random(const RandomCase& draw, const LayerCheck& check, const LayerFilter& applies,
                                      std::uint64_t step = 1, std::uint64_t small = few_random_cases);

// Type, options and shapes, as a net file would write them.
std::string describe(const LayerCase& c);

}  // namespace fovea::test
