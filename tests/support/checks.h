// SPDX-License-Identifier: Apache-2.0
//
// The three ways in which an operation is checked (docs/numerics.md): exact, bound, bitwise.
#pragma once
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "core/tolerance/uncertain.h"
#include "tests/support/op_call.h"

namespace fovea::test {

// Every element equal to the float64 truth, rounded once to the type of `actual` (-0 equals +0, NaN equals NaN).
testing::AssertionResult equal_to_truth(const Tensor& actual, const Tensor& truth);
testing::AssertionResult within_tolerance(const Tensor& actual, const Uncertain& truth);
testing::AssertionResult same_bits(const Tensor& a, const Tensor& b);
// Bits, except that a NaN is a NaN whatever its sign and payload.
testing::AssertionResult same_values(const Tensor& a, const Tensor& b);
// Zero trust: a comparison with a truth that is more than 70 % zeros would prove little.
testing::AssertionResult mostly_nonzero(const Tensor& truth);

// The tolerance of each output, given the truth of all of them; an empty tensor means exact.
using Tolerances = std::function<std::vector<Tensor>(const std::vector<Tensor>& truth)>;

enum class ZeroTrust { on, off };

// Integer data: the device's result must equal the truth, where it is stored in 16 bits the truth rounded once. A call with several outputs obeys zero trust in the first.
testing::AssertionResult check_exact(Backend& device, const OpCall& call, ZeroTrust zero_trust = ZeroTrust::on);
// Real data: within the derived bound; and further runs, on memory that held other bytes and, but for cuDNN and
// cuBLASLt (the engines named library), on tensors that begin one element off alignment, must give the same bits.
testing::AssertionResult check_bound(Backend& device, const OpCall& call, const Tolerances& tolerances,
                                     ZeroTrust zero_trust = ZeroTrust::on);
// Where the truth rounded once is not what is right, but the reference's bits are.
testing::AssertionResult equal_to_reference(Backend& device, const OpCall& call);

// The largest error/bound that check_bound has met in this process, per device, operation and direction.
std::string worst_ratio_report();

}  // namespace fovea::test
