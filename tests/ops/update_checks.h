// SPDX-License-Identifier: Apache-2.0
//
// What the tests of updates share.
#pragma once
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

// Element i is value(i).
template <class Value>
Tensor filled(const Shape& shape, const Value& value) {
  Tensor t(shape);
  for (std::size_t i = 0; i < t.span<float>().size(); ++i) t.span<float>()[i] = static_cast<float>(value(i));
  return t;
}

}  // namespace fovea::test
