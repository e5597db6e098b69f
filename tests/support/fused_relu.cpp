// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fused_relu.h"

#include <array>
#include <limits>

#include "core/support/error.h"
#include "tests/support/device_test.h"
#include "tests/support/op_test.h"

namespace fovea::test {
namespace {

using testing::AssertionFailure;
using testing::AssertionResult;
using testing::AssertionSuccess;

constexpr std::uint64_t random_step = 4;  // of the random cases, every fourth

// The tensor after change(values), stored as it was.
template <class Change>
Tensor changed(const Tensor& t, Change change) {
  Tensor wide = t.dtype() == DType::f32 ? t.to_host() : t.converted(DType::f32);
  change(wide.span<float>());
  return t.dtype() == DType::f32 ? wide : wide.converted(t.dtype());
}

// What additions and comparisons treat specially. Inputs meet in all pairs; of a layer with parameters the last number
// of the last one is NaN, which makes the last channel NaN and no other.
LayerData with_special_values(LayerData data) {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  constexpr std::array special{-0.0f, nan, 0.0f, infinity, -infinity, 1e-40f, -1e-40f, -nan};
  if (!data.parameters.empty()) {
    Tensor& last = data.parameters.back();
    if (last.elements() > 1) last = changed(last, [&](std::span<float> values) { values.back() = nan; });
    return data;
  }
  std::size_t period = 1;  // 1 for the first input, 8 for the second: every third element of both
  for (Tensor& input : data.inputs) {
    input = changed(input, [&](std::span<float> values) {
      for (std::size_t i = 0; i < values.size(); i += 3) values[i] = special[i / 3 / period % special.size()];
    });
    period *= special.size();
  }
  return data;
}

// Results of a few 2^-24, the smallest number of f16: what is below half of it rounds to 0 or -0.
LayerData with_tiny_results(const LayerCase& c, LayerData data) {
  const auto scale = [](Tensor& t, float factor) {
    t = changed(t, [&](std::span<float> values) {
      for (float& v : values) v *= factor;
    });
  };
  const std::vector<ParameterSpec> parameters = c.layer->parameters(c.inputs);
  for (Tensor& input : data.inputs) scale(input, parameters.empty() ? 0x1p-23f : 0x1p-12f);
  for (std::size_t i = 0; i < parameters.size(); ++i)
    scale(data.parameters[i], parameters[i].narrow ? 0x1p-12f : 0x1p-24f);
  return data;
}

AssertionResult same_as_one_after_the_other(Backend& device, const LayerCase& c, const LayerData& data) {
  const Execution plain = execute(device, forward_call(c, data)), fused = execute(device, forward_call(c, data, true));
  const Tensor& y = plain.outputs[0];
  const Execution apart =
      execute(device, {.op = "relu",
                       .inputs = {y},
                       .outputs = {{y.shape(), y.dtype()}},
                       .run = [](Ops& ops, auto in, auto out, Workspace) { ops.relu_forward(in[0], out[0]); }});
  for (const Execution* run : {&plain, &fused, &apart})
    if (!run->fault.empty()) return AssertionFailure() << run->fault;
  for (std::size_t i = 0; i < plain.outputs.size(); ++i)
    if (AssertionResult same = same_values(fused.outputs[i], i == 0 ? apart.outputs[0] : plain.outputs[i]); !same)
      return AssertionFailure() << "fused ReLU: output " << i << ": " << same.message();
  return AssertionSuccess();
}

// The call of a form that the engine does not claim to have.
AssertionResult refuses(Backend& device, const LayerCase& c, const OpCall& fused) {
  try {
    execute(device, fused);
  } catch (const Error& error) {
    if (std::string_view(error.what()).find("does not fuse") != std::string_view::npos) return AssertionSuccess();
    return AssertionFailure() << "expected that it does not fuse, got: " << error.what();
  }
  return AssertionFailure() << device.name() << " does not claim to fuse a ReLU into " << c.layer->op()
                            << ", but took the call";
}

// x opens some gates and closes others, in a pattern that no window or tile repeats; where dy is not finite, several of
// dx are not either.
LayerData with_gates(LayerData data) {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  constexpr std::array gates{0.0f, 1.0f, nan, -0.0f, 1e-3f, -1.0f, infinity, 0.0f, 2.0f, -infinity, 0.0f};
  constexpr std::array gradients{infinity, -infinity, nan};
  data.inputs[0] = changed(data.inputs[0], [&](std::span<float> values) {
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = gates[i % gates.size()];
  });
  data.output_gradient = changed(data.output_gradient, [&](std::span<float> values) {
    for (std::size_t i = 5; i < values.size(); i += 13) values[i] = gradients[i % gradients.size()];
  });
  return data;
}

AssertionResult same_backward_one_after_the_other(Backend& device, const LayerCase& c, const LayerData& data,
                                                  const LayerResult& forward) {
  const Execution plain = execute(device, backward_call(c, data, forward, {0})),
                  fused = execute(device, backward_call(c, data, forward, {0}, true));
  const Tensor &dx = plain.outputs[0], &x = data.inputs[0];
  const Execution apart =
      execute(device, {.op = "relu",
                       .direction = Direction::backward,
                       .inputs = {x, dx},
                       .outputs = {{dx.shape(), dx.dtype()}},
                       .run = [](Ops& ops, auto in, auto out, Workspace) { ops.relu_backward(in[0], in[1], out[0]); }});
  for (const Execution* run : {&plain, &fused, &apart})
    if (!run->fault.empty()) return AssertionFailure() << run->fault;
  for (std::size_t i = 0; i < plain.outputs.size(); ++i)
    if (AssertionResult same = same_values(fused.outputs[i], i == 0 ? apart.outputs[0] : plain.outputs[i]); !same)
      return AssertionFailure() << "fused ReLU backward: output " << i << ": " << same.message();
  return AssertionSuccess();
}

using Check = AssertionResult (*)(Backend&, const LayerCase&);

void register_check(const std::string& suite, const std::string& name, Check check, const TestDevice& device,
                    const std::vector<LayerCase>& cases, const RandomCase& random) {
  if (device.spec.starts_with("cpu@")) return;  // conversions around the engine, not an engine
  const auto in_dtype = [dtype = device.dtype](LayerCase c) {
    c.dtype = dtype;
    return c;
  };
  for (const LayerCase& written : cases) {
    const LayerCase c = in_dtype(written);
    const auto body = [c, check](Backend& on) { return check(on, c); };
    register_device_test(suite, name, device, c.name, body, c.name + " (" + c.why + ")\n" + describe(c));
  }
  const RandomCase draw = [random, in_dtype](RandomStream& stream) { return in_dtype(random(stream)); };
  const auto body = [draw, check](Backend& on) {
    return check_random(
        draw, [&](const LayerCase& c) { return check(on, c); }, [](const LayerCase&) { return true; }, random_step);
  };
  register_device_test(suite, "Random", device, name, body, "");
}

bool register_checks(const std::string& layer, const std::string& name, Check check, std::string_view devices,
                     const std::vector<LayerCase>& cases, const RandomCase& random) {
  const std::string suite = "All/" + layer + "Test";
  for (const TestDevice& device : test_devices(devices))
    register_check(suite, name, check, device, selected(cases), random);
  for (const TestDevice& device : test_devices_in_16_bits(devices))
    register_check(suite, name, check, device, selected_for_16_bits(cases), random);
  return true;
}

}  // namespace

AssertionResult check_fused_relu(Backend& device, const LayerCase& c) {
  if (!c.layer->can_fuse_relu()) return AssertionFailure() << "this layer knows no ReLU";
  const LayerData data = real_data(c);
  if (!device.choose(c.layer->op(), Direction::forward, {}).ops->fuses_relu(c.layer->op(), c.dtype))
    return refuses(device, c, forward_call(c, data, true));
  if (AssertionResult same = same_as_one_after_the_other(device, c, with_special_values(data)); !same) return same;
  if (c.dtype != DType::f16) return AssertionSuccess();
  return same_as_one_after_the_other(device, c, with_tiny_results(c, data));
}

AssertionResult check_fused_relu_backward(Backend& device, const LayerCase& c) {
  if (!c.layer->can_fuse_relu_backward()) return AssertionFailure() << "this layer knows no ReLU before it";
  const LayerData data = real_data(c);
  const LayerResult forward = rounded(c, forward_truth(c, data));
  if (!device.choose(c.layer->op(), Direction::backward, {}).ops->fuses_relu_backward(c.layer->op()))
    return refuses(device, c, backward_call(c, data, forward, {0}, true));
  // Of what forward saved, a pool's winners, any will do.
  if (AssertionResult same = same_backward_one_after_the_other(device, c, data, forward); !same) return same;
  return same_backward_one_after_the_other(device, c, with_gates(data), forward);
}

bool register_fused_relu_tests(const std::string& layer, std::string_view devices, const std::vector<LayerCase>& cases,
                               const RandomCase& random) {
  return register_checks(layer, "FusedRelu", check_fused_relu, devices, cases, random);
}

bool register_fused_relu_backward_tests(const std::string& layer, std::string_view devices,
                                        const std::vector<LayerCase>& cases, const RandomCase& random) {
  return register_checks(layer, "FusedReluBackward", check_fused_relu_backward, devices, cases, random);
}

}  // namespace fovea::test
