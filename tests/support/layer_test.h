// SPDX-License-Identifier: Apache-2.0
//
// One test program for any layer: give named cases, and every check of docs/testing.md runs on every device.
//
//   FiniteDifferences  on the reference in float64: the gradients of all inputs and parameters
//   Forward, Backward  on each device: bound and bitwise (and exact, where the case allows it), outputs NaN-prefilled
//                      between guard zones; tolerances come from the layer itself
//                      those again with bf16 and f16 activations on the devices that store them (LayerCase::dtype)
//   Random             the same on cases drawn from a printed seed (FOVEA_RANDOM_SEED); FOVEA_RANDOM_CASES says how many
//
// Tests are named "All/LAYERTest.CHECK/DEVICE_CASE", as the fixtures of op_test.h name theirs. One suite has one
// fixture: a file that also has TEST_P(PreluTest, ...) registers "PreluLayer" here.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/graph/layer.h"
#include "core/support/philox.h"
#include "tests/support/checks.h"
#include "tests/support/random_options.h"

namespace fovea::test {

// How one input, in the order of the layer's, is filled. An i32 input holds labels in [0, classes).
struct InputFill {
  float low = -1, high = 1;  // uniform reals
  bool distinct = false;     // no two values alike, none near 0, at least 0.01 apart: for layers that compare
  std::int64_t classes = 0;
  bool probabilities = false;  // at least 0, a part of them 0, with sums of 1 along axis 1: targets of a classifier
};

struct LayerCase {
  std::string name;      // alphanumeric; it seeds the data
  std::string why = {};  // random cases have none
  std::shared_ptr<const Layer> layer;
  std::vector<Shape> inputs;                    // the batch included
  std::vector<InputFill> fills = {};            // one for each input, or none: uniform in [-1, 1), labels below 2
  std::vector<InputFill> parameter_fills = {};  // likewise
  std::vector<InputFill> state_fills = {};      // likewise; default: [0.5, 1.5), which suits a variance
  Phase phase = Phase::training;                // inference: forward only
  // Small integers give exactly integer results in float32, in any order of summation: also check bit equality.
  bool exact_forward = false, exact_backward = false;
  ZeroTrust forward_trust = ZeroTrust::on, backward_trust = ZeroTrust::on;
  bool small = false;  // also run in sanitizer builds
  // That the layer's inputs, output, their gradients and its narrow parameters are stored as. A case is written for f32;
  // the tests choose others.
  DType dtype = DType::f32;
  // The layer calls two operations on its output, so that a 16-bit one is rounded twice.
  bool rounds_twice = false;
  // Any; no part is zero, so that a layer that forgets one draws other numbers.
  RandomKey random = {.seed = 0x1234567890ABCDEF, .step = 7, .layer = 3};
};

// Draws a case of modest size: any options, odd shapes (tests/support/random_pick.h). Expect 50 of them on every device.
using RandomCase = std::function<LayerCase(RandomStream&)>;

// Registers the tests with GoogleTest; call from a static initialiser. `devices` is FOVEA_TEST_DEVICES.
// `small_random`: random cases with FOVEA_TEST_CASES=small.
//   static const bool registered = register_layer_tests("Prelu", FOVEA_TEST_DEVICES, prelu_cases(), random_prelu_case);
// An operation whose contract knows no T is tested in f32 only. Of the random cases 16 bits get a quarter, and all where
// their kernels are not those of f32: on a device that has 16 bits only, or where the test says all_in_full.
enum class StoredTypes { all, all_in_full, f32_only };
bool register_layer_tests(const std::string& layer, std::string_view devices, const std::vector<LayerCase>& cases,
                          const RandomCase& random = nullptr, StoredTypes types = StoredTypes::all,
                          std::uint64_t small_random = few_random_cases);

}  // namespace fovea::test
