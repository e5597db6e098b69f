// SPDX-License-Identifier: Apache-2.0
//
// What the tests of updates share.
#pragma once
#include <cmath>
#include <limits>

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

// What lies in a copy, and in front of a tensor, before a step.
inline constexpr float filler = 7;

// The elements in one row, behind `gap` more.
inline Tensor behind_gap(const Tensor& t, std::int64_t gap) {
  Tensor row(Shape{gap + t.elements()});
  for (std::size_t i = 0; i < row.span<float>().size(); ++i) {
    const std::int64_t from = static_cast<std::int64_t>(i) - gap;
    row.span<float>()[i] = from < 0 ? filler : t.span<float>()[static_cast<std::size_t>(from)];
  }
  return row;
}
template <class AnyView>
AnyView without_gap(AnyView view, std::int64_t gap) {
  view.shape = Shape{view.elements() - gap};
  if constexpr (std::is_same_v<AnyView, View>)
    view.data = static_cast<char*>(view.data) + static_cast<std::size_t>(gap) * size_of(view.dtype);
  else
    view.data = static_cast<const char*>(view.data) + static_cast<std::size_t>(gap) * size_of(view.dtype);
  return view;
}

// For tests of copies: of sizes beyond both ends of what 16 bits hold; the last is not a number.
inline Tensor of_all_sizes(const Tensor& t) {
  Tensor result = t.to_host();
  const std::span<float> values = result.span<float>();
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = std::ldexp(values[i], static_cast<int>(37 * i % 61) - 30);
  values.back() = std::numeric_limits<float>::quiet_NaN();
  return result;
}

// How many elements lie before a call's tensors and before the copy, in buffers that are aligned themselves.
struct Gaps {
  std::int64_t tensors, copy;
};

// That an update leaves the copy (core/ops/update_memory.h): the new weights, output 0 of `call`, as they are rounded on the
// host, in either type and wherever the tensors begin; and all else as the same update without one does.
// `run(ops, inputs, outputs, copy)` is the step of `call`.
template <class Run>
testing::AssertionResult writes_copy(Backend& device, const OpCall& call, const Run& run) {
  const Execution plain = execute(device, call);
  if (!plain.fault.empty()) return testing::AssertionFailure() << plain.fault;
  for (const DType dtype : {DType::bf16, DType::f16})
    for (const Gaps gaps : {Gaps{0, 0}, Gaps{1, 1}, Gaps{4, 1}, Gaps{4, 2}, Gaps{4, 4}, Gaps{1, 4}}) {
      const auto failed = [&] {
        return testing::AssertionFailure()
               << name_of(dtype) << " behind " << gaps.copy << ", tensors behind " << gaps.tensors << ": ";
      };
      OpCall copying = call;
      for (Tensor& input : copying.inputs) input = behind_gap(input, gaps.tensors);
      for (OutputSpec& output : copying.outputs)
        output = {Shape{gaps.tensors + output.shape.elements()}, DType::f32, behind_gap(output.initial, gaps.tensors)};
      const Tensor before = filled(Shape{gaps.copy + plain.outputs[0].elements()}, [](std::size_t) { return filler; });
      copying.outputs.push_back({before.shape(), dtype, before.converted(dtype)});
      copying.run = [&](Ops& ops, std::span<const ConstView> in, std::span<const View> out, Workspace) {
        std::vector<ConstView> inputs;
        std::vector<View> outputs;
        for (const ConstView& view : in) inputs.push_back(without_gap(view, gaps.tensors));
        for (const View& view : out.first(out.size() - 1)) outputs.push_back(without_gap(view, gaps.tensors));
        run(ops, inputs, outputs, without_gap(out.back(), gaps.copy));
      };
      const Execution with = execute(device, copying);
      if (!with.fault.empty()) return failed() << with.fault;
      for (std::size_t i = 0; i < plain.outputs.size(); ++i)
        if (auto same = same_bits(with.outputs[i], behind_gap(plain.outputs[i], gaps.tensors)); !same)
          return failed() << "output " << i << " is another than without a copy";
      if (!same_bits(with.outputs.back(), behind_gap(plain.outputs[0], gaps.copy).converted(dtype)))
        return failed() << "it is not the rounded weights";
    }
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
