// SPDX-License-Identifier: Apache-2.0
#include "tests/support/checks.h"

#include <cmath>
#include <cstring>
#include <map>
#include <sstream>

#include "core/compare/measure.h"
#include "core/tolerance/bound.h"
#include "tests/support/devices.h"

namespace fovea::test {
namespace {

using testing::AssertionFailure;
using testing::AssertionResult;
using testing::AssertionSuccess;

double element(const Tensor& t, std::int64_t i) {
  const Tensor t64 = t.dtype() == DType::f64 ? t : t.converted(DType::f64);
  return values(t64)[static_cast<std::size_t>(i)];
}

// Of f32, bf16 or f16.
float stored_value(const unsigned char* element, DType dtype) {
  const auto as = [&](auto value) {
    std::memcpy(&value, element, sizeof value);
    return static_cast<float>(value);
  };
  return dtype == DType::f32 ? as(float{}) : dtype == DType::bf16 ? as(bf16_t()) : as(f16_t());
}

std::map<std::string, double>& worst_ratios() {
  static std::map<std::string, double> ratios;
  return ratios;
}

}  // namespace

AssertionResult within_tolerance(const Tensor& actual, const Uncertain& truth) {
  const Deviation deviation = measure(actual, truth);
  if (deviation.ok()) return AssertionSuccess();
  const std::int64_t i = deviation.worst_index;
  const StoredTruth expected = stored_truth(actual.dtype(), element(truth.value, i), tolerance_at(truth, i));
  const std::string storage = is_16_bit(actual.dtype()) ? " in " + std::string(name_of(actual.dtype())) : "";
  return AssertionFailure() << "shape " << actual.shape().to_string() << ", flat index " << i << ": got "
                            << element(actual, i) << storage << ", truth " << expected.value << ", tolerance "
                            << expected.tolerance << ", error/bound " << deviation.worst_ratio;
}

AssertionResult equal_to_truth(const Tensor& actual, const Tensor& truth) {
  return within_tolerance(actual, Uncertain{truth, {}});
}

AssertionResult same_bits(const Tensor& a, const Tensor& b) {
  if (a.shape() == b.shape() && a.dtype() == b.dtype() && std::memcmp(a.view().data, b.view().data, a.bytes()) == 0)
    return AssertionSuccess();
  return AssertionFailure() << "two runs differ in their bits, shape " << a.shape().to_string();
}

AssertionResult same_values(const Tensor& a, const Tensor& b) {
  const bool floating = a.dtype() == DType::f32 || is_16_bit(a.dtype());
  if (!floating || a.shape() != b.shape() || a.dtype() != b.dtype() || a.bytes() != b.bytes()) return same_bits(a, b);
  const std::size_t size = size_of(a.dtype());
  const auto *x = static_cast<const unsigned char*>(a.view().data),
             *y = static_cast<const unsigned char*>(b.view().data);
  for (std::size_t at = 0; at < a.bytes(); at += size) {
    if (std::memcmp(x + at, y + at, size) == 0) continue;
    const float left = stored_value(x + at, a.dtype()), right = stored_value(y + at, a.dtype());
    if (std::isnan(left) && std::isnan(right)) continue;
    return AssertionFailure() << "element " << at / size << ": " << left << " and " << right;
  }
  return AssertionSuccess();
}

AssertionResult mostly_nonzero(const Tensor& truth) {
  const Tensor t = truth.dtype() == DType::f64 ? truth : truth.converted(DType::f64);
  std::int64_t zeros = 0;
  for (const double v : values(t)) zeros += v == 0;
  if (static_cast<double>(zeros) <= 0.7 * static_cast<double>(t.elements())) return AssertionSuccess();
  return AssertionFailure() << zeros << " of " << t.elements() << " expected values are 0: the check proves too little";
}

AssertionResult check_exact(Backend& device, const OpCall& call, ZeroTrust zero_trust) {
  const Execution truth = execute(truth_backend(), in_float64(call));
  const Execution actual = execute(device, call);
  if (!actual.fault.empty()) return AssertionFailure() << actual.fault;
  if (zero_trust == ZeroTrust::on)
    if (AssertionResult trusted = mostly_nonzero(truth.outputs[0]); !trusted) return trusted;
  for (std::size_t i = 0; i < actual.outputs.size(); ++i)
    if (AssertionResult equal = equal_to_truth(actual.outputs[i], truth.outputs[i]); !equal)
      return AssertionFailure() << "exact: output " << i << ": " << equal.message();
  return AssertionSuccess();
}

AssertionResult check_bound(Backend& device, const OpCall& call, const Tolerances& tolerances, ZeroTrust zero_trust) {
  const Execution truth = execute(truth_backend(), in_float64(call));
  const Execution actual = execute(device, call);
  if (!actual.fault.empty()) return AssertionFailure() << actual.fault;
  if (zero_trust == ZeroTrust::on)
    if (AssertionResult trusted = mostly_nonzero(truth.outputs[0]); !trusted) return trusted;
  const std::vector<Tensor> allowed = tolerances(truth.outputs);
  const char* direction = call.direction == Direction::forward ? " forward" : " backward";
  const DType dtype = call.outputs[0].dtype;
  const std::string storage = is_16_bit(dtype) ? " " + std::string(name_of(dtype)) : "";
  double& worst = worst_ratios()[device.name() + ": " + call.op + direction + storage];
  for (std::size_t i = 0; i < actual.outputs.size(); ++i) {
    const Uncertain expected{truth.outputs[i], allowed[i]};
    worst = std::max(worst, measure(actual.outputs[i], expected).worst_ratio);
    if (AssertionResult near = within_tolerance(actual.outputs[i], expected); !near)
      return AssertionFailure() << "bound: output " << i << ": " << near.message();
  }
  const bool any_alignment = device.name().find("library") == std::string::npos;
  for (const Begins begins : {Begins::aligned, Begins::one_element_off}) {
    // With small cases one run shows both.
    if (any_alignment ? begins == Begins::aligned && small_cases_only() : begins != Begins::aligned) continue;
    const Execution again = execute(device, call, 0x5A, begins);
    const std::string where = begins == Begins::aligned ? "" : "one element off alignment: ";
    if (!again.fault.empty()) return AssertionFailure() << where << again.fault;
    for (std::size_t i = 0; i < again.outputs.size(); ++i)
      if (AssertionResult same = same_bits(actual.outputs[i], again.outputs[i]); !same)
        return AssertionFailure() << "bitwise: " << where << "output " << i << ": " << same.message();
  }
  return AssertionSuccess();
}

AssertionResult equal_to_reference(Backend& device, const OpCall& call) {
  const Execution expected = execute(truth_backend(), call), actual = execute(device, call);
  if (!actual.fault.empty()) return AssertionFailure() << actual.fault;
  for (std::size_t i = 0; i < actual.outputs.size(); ++i)
    if (AssertionResult equal = same_bits(actual.outputs[i], expected.outputs[i]); !equal)
      return AssertionFailure() << "exact: output " << i << ": other bits than the reference's: " << equal.message();
  return AssertionSuccess();
}

std::string worst_ratio_report() {
  std::ostringstream out;
  for (const auto& [name, ratio] : worst_ratios()) out << "worst error/bound  " << name << "  " << ratio << "\n";
  return out.str();
}

}  // namespace fovea::test
