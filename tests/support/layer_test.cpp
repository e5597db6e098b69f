// SPDX-License-Identifier: Apache-2.0
#include "tests/support/layer_test.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "core/support/error.h"
#include "tests/support/device_test.h"
#include "tests/support/layer_checks.h"
#include "tests/support/nhwc_backend.h"
#include "tests/support/op_test.h"
#include "tests/support/random_options.h"

namespace fovea::test {
namespace {

using testing::AssertionFailure;
using testing::AssertionResult;
using testing::AssertionSuccess;

constexpr std::int64_t differences_per_tensor = 128, differences_per_random_tensor = 32;
constexpr std::uint64_t random_step_in_16_bits = 4;

void check_table(const std::string& layer, const std::vector<LayerCase>& cases) {
  std::set<std::string> names;
  for (const LayerCase& c : cases) {
    const bool plain = !c.name.empty() && std::all_of(c.name.begin(), c.name.end(), [](unsigned char character) {
      return std::isalnum(character) != 0;
    });
    require(plain, [&] { return layer + ": a case's name must be letters and digits, got '" + c.name + "'"; });
    require(names.insert(c.name).second, [&] { return layer + ": two cases are named '" + c.name + "'"; });
    require(c.layer != nullptr, [&] { return layer + ", case '" + c.name + "': it has no layer"; });
  }
}

// On a device that images lie in NHWC on, the engine must ask for what it is about to be given.
AssertionResult asks_for_nhwc(Backend& device, const LayerCase& c) {
  const bool images = std::ranges::all_of(c.inputs, [](const Shape& shape) { return shape.rank() == 4; });
  if (image_layout(device) == Layout::nchw || !images) return AssertionSuccess();
  const std::vector<Layout> given(c.inputs.size(), Layout::nhwc);
  for (const Direction direction : {Direction::forward, Direction::backward}) {
    Ops& ops = *device.choose(c.layer->op(), direction, {}).ops;
    const StepLayouts layouts = c.layer->layouts(ops, c.phase, c.dtype, c.inputs, given);
    if (layouts.inputs != given || layouts.output != Layout::nhwc)
      return AssertionFailure() << device.name() << ": images in nhwc would be brought to nchw for " << c.layer->type();
  }
  return AssertionSuccess();
}

bool backward_applies(const LayerCase& c) { return c.phase == Phase::training && has_gradients(c); }

LayerCase draw_case(const RandomCase& draw, std::uint64_t seed, std::uint64_t number) {
  RandomStream random(seed, RandomPurpose::test, number);
  LayerCase c = draw(random);
  c.name += "Seed" + std::to_string(seed) + "Case" + std::to_string(number);  // the data's seed
  return c;
}

}  // namespace

AssertionResult check_random(const RandomCase& draw, const LayerCheck& check, const LayerFilter& applies,
                             std::uint64_t step, std::uint64_t small) {
  const RandomOptions options = random_options(small);
  print_once(options);
  std::uint64_t checked = 0;
  for (std::uint64_t i = 0; i < options.cases; i += step) {
    const std::string which =
        "random case " + std::to_string(i) + " of FOVEA_RANDOM_SEED=" + std::to_string(options.seed) + ":\n";
    std::string about;
    try {
      const LayerCase c = draw_case(draw, options.seed, i);
      about = describe(c);
      if (!applies(c)) continue;
      ++checked;
      if (AssertionResult result = check(c); !result) return AssertionFailure() << which << about << result.message();
    } catch (const std::exception& e) {
      return AssertionFailure() << which << about << e.what();
    }
  }
  if (checked == 0) return AssertionFailure() << "none of " << options.cases << " random cases could be checked";
  return AssertionSuccess();
}

bool register_layer_tests(const std::string& layer, std::string_view devices, const std::vector<LayerCase>& cases,
                          const RandomCase& random, StoredTypes types, std::uint64_t small_random) {
  check_table(layer, cases);
  const TestDevice reference = test_devices("reference").front();
  const std::vector<TestDevice> in_16_bits =
      types == StoredTypes::f32_only ? std::vector<TestDevice>{} : test_devices_in_16_bits(devices);
  const auto register_case = [&](const TestDevice& device, LayerCase c) {
    c.dtype = device.dtype;
    const std::string about = c.name + " (" + c.why + ")\n" + describe(c);
    const auto forward = [c](Backend& on) {
      const AssertionResult asks = asks_for_nhwc(on, c);
      return asks ? check_forward(on, c) : asks;
    };
    const auto backward = [c](Backend& on) { return check_backward(on, c); };
    register_device_test("All/" + layer + "Test", "Forward", device, c.name, forward, about);
    if (backward_applies(c)) register_device_test("All/" + layer + "Test", "Backward", device, c.name, backward, about);
  };
  for (const LayerCase& c : selected(cases)) {
    const auto gradients = [c](Backend&) { return check_gradients(c, differences_per_tensor); };
    if (backward_applies(c))
      register_device_test("All/" + layer + "Test", "FiniteDifferences", reference, c.name, gradients,
                           c.name + " (" + c.why + ")\n" + describe(c));
    for (const TestDevice& device : test_devices(devices)) register_case(device, c);
  }
  for (const LayerCase& c : selected_for_16_bits(cases))
    for (const TestDevice& device : in_16_bits) register_case(device, c);
  if (!random) return true;
  const auto gradients = [random, small_random](Backend&) {
    return check_random(
        random, [](const LayerCase& c) { return check_gradients(c, differences_per_random_tensor); }, backward_applies,
        1, small_random);
  };
  const bool has_backward = has_gradients(draw_case(random, random_options().seed, 0));
  if (has_backward)
    register_device_test("All/" + layer + "Test", "Random", reference, "FiniteDifferences", gradients, "");
  const auto register_random = [&](const TestDevice& device, std::uint64_t step) {
    const RandomCase draw = [random, dtype = device.dtype](RandomStream& stream) {
      LayerCase c = random(stream);
      c.dtype = dtype;
      return c;
    };
    const auto forward = [draw, step, small_random](Backend& on) {
      return check_random(
          draw, [&](const LayerCase& c) { return check_forward(on, c); }, [](const LayerCase&) { return true; }, step,
          small_random);
    };
    const auto backward = [draw, step, small_random](Backend& on) {
      return check_random(
          draw, [&](const LayerCase& c) { return check_backward(on, c); }, backward_applies, step, small_random);
    };
    register_device_test("All/" + layer + "Test", "Random", device, "Forward", forward, "");
    if (has_backward) register_device_test("All/" + layer + "Test", "Random", device, "Backward", backward, "");
  };
  for (const TestDevice& device : test_devices(devices)) register_random(device, 1);
  for (const TestDevice& device : in_16_bits) {
    const bool in_full = types == StoredTypes::all_in_full || stores_16_bits_only(device.spec);
    register_random(device, in_full ? 1 : random_step_in_16_bits);
  }
  return true;
}

}  // namespace fovea::test
