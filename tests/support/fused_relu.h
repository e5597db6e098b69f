// SPDX-License-Identifier: Apache-2.0
//
// A ReLU that an operation applies on the way (LayoutOps::fuses_relu) changes no bit: it leaves what the operation and
// relu_forward leave one after the other; and what passes a ReLU's backward on the way (fuses_relu_backward) is what the
// operation and relu_backward leave. An engine that does not claim to fuse must say so when it is asked to.
#pragma once
#include "tests/support/layer_checks.h"

namespace fovea::test {

// The layer of the case, with NaN and other special values among its results, and in f16 also with results that round to
// 0 from either side.
testing::AssertionResult check_fused_relu(Backend& device, const LayerCase& c);

// The layer's backward: x as it is behind no ReLU (negative, -0) and behind one (0, NaN, infinity), and a gradient with
// NaN and infinities, which a closed gate holds back and an open one passes. Gradients of parameters stay as they are.
testing::AssertionResult check_fused_relu_backward(Backend& device, const LayerCase& c);

// Registers the check as "All/LAYERTest.FusedRelu/DEVICE_CASE", and on random cases as "All/LAYERTest.Random/
// DEVICE_FusedRelu", for every device of the list, in 16 bits where it has them; see register_layer_tests.
bool register_fused_relu_tests(const std::string& layer, std::string_view devices, const std::vector<LayerCase>& cases,
                               const RandomCase& random);
// The same of check_fused_relu_backward, as "FusedReluBackward".
bool register_fused_relu_backward_tests(const std::string& layer, std::string_view devices,
                                        const std::vector<LayerCase>& cases, const RandomCase& random);

}  // namespace fovea::test
