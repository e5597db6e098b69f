// SPDX-License-Identifier: Apache-2.0
//
// What the tests of updates share.
#pragma once
#include "core/ops/update_memory.h"
#include "tests/support/op_test.h"

namespace fovea::test {

// The bits of the reference in float32: contracts that fix every rounding promise them.
inline testing::AssertionResult has_reference_bits(Backend& device, const OpCall& call) {
  const Execution expected = execute(truth_backend(), call), actual = execute(device, call);
  for (const Execution* run : {&expected, &actual})
    if (!run->fault.empty()) return testing::AssertionFailure() << run->fault;
  for (std::size_t i = 0; i < actual.outputs.size(); ++i)
    if (auto same = same_bits(actual.outputs[i], expected.outputs[i]); !same)
      return testing::AssertionFailure() << "output " << i << " is not the reference's: " << same.message();
  return testing::AssertionSuccess();
}

inline Uncertain certain(const Tensor& t) { return {t.converted(DType::f64), {}}; }

// A device that captures reads the factors of a step where they lie, whatever its call says; others go by the call, which
// then says the same. `call` takes a step with `right`, and so does run(ops, options, inputs, outputs) with its options.
template <class Factors, class Options, class Run>
testing::AssertionResult reads_factors(Backend& device, const OpCall& call, const Options& right, const Options& wrong,
                                       const Run& run) {
  const Options said = device.no_capture().empty() ? wrong : right;
  std::vector<float> numbers;
  append_factors(Factors(right), numbers);
  OpCall reading = call;
  reading.inputs.push_back(Tensor::from<float>(Shape{factor_count<Factors>}, numbers));
  reading.run = [&](Ops& ops, std::span<const ConstView> in, std::span<const View> out, Workspace) {
    Options options = said;
    options.memory.factors = in.back();
    run(ops, options, in, out);
  };
  const Execution expected = execute(device, call), actual = execute(device, reading);
  for (const Execution* e : {&expected, &actual})
    if (!e->fault.empty()) return testing::AssertionFailure() << e->fault;
  for (std::size_t i = 0; i < actual.outputs.size(); ++i)
    if (auto same = same_bits(actual.outputs[i], expected.outputs[i]); !same)
      return testing::AssertionFailure() << "output " << i << ": " << same.message();
  return testing::AssertionSuccess();
}

// What an optimizer remembers of squares.
inline Tensor positive(const Tensor& t) {
  Tensor result = t.to_host();
  for (float& v : result.span<float>()) v = v < 0 ? -v : v;
  return result;
}

inline Tensor one_number(std::int64_t value) {
  return Tensor::from<std::int64_t>(Shape{1}, std::span<const std::int64_t>(&value, 1));
}

// Element i is value(i).
template <class Value>
Tensor filled(const Shape& shape, const Value& value) {
  Tensor t(shape);
  for (std::size_t i = 0; i < t.span<float>().size(); ++i) t.span<float>()[i] = static_cast<float>(value(i));
  return t;
}

}  // namespace fovea::test
