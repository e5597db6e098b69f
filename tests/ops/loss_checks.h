// SPDX-License-Identifier: Apache-2.0
//
// What losses and softmaxes have in common beyond the harness of layers: a NaN reaches what it must reach, and a label
// outside the classes spoils its own sample only.
#pragma once
#include <cmath>
#include <limits>
#include <ostream>
#include <utility>
#include <vector>

#include "core/support/error.h"
#include "tests/support/devices.h"
#include "tests/support/layer_checks.h"

namespace fovea::test {

inline void PrintTo(const LayerCase& c, std::ostream* out) { *out << c.name << " (" << c.why << ")"; }

// A NaN in one element of the first input after the other (at most 40 of them, 5 with small cases only): the device's
// results, forward and backward, are NaN where the reference's are, and within the bound elsewhere; the output has one.
inline testing::AssertionResult check_nan(Backend& device, const LayerCase& c) {
  const std::vector<int> wanted = differentiable_inputs(c);
  const std::int64_t count = c.inputs[0].elements(),
                     places = std::min<std::int64_t>(count, small_cases_only() ? 5 : 40);
  for (std::int64_t k = 0; k < places; ++k) {
    const std::int64_t at = k * count / places;
    LayerData data = real_data(c);
    Tensor x = data.inputs[0].converted(DType::f32);
    x.span<float>()[static_cast<std::size_t>(at)] = std::numeric_limits<float>::quiet_NaN();
    data.inputs[0] = x.converted(c.dtype);
    const LayerResult truth = forward_truth(c, data);
    bool reached = false;
    for (const double v : truth.output.span<double>()) reached = reached || std::isnan(v);
    if (!reached) return testing::AssertionFailure() << "NaN at " << at << " does not reach the reference's output";
    for (const auto& [call, tolerances] : {std::pair{forward_call(c, data), forward_tolerances(c, data)},
                                           std::pair{backward_call(c, data, rounded(c, truth), wanted),
                                                     backward_tolerances(c, data, rounded(c, truth), wanted)}})
      if (testing::AssertionResult r = check_bound(device, call, tolerances, ZeroTrust::off); !r)
        return testing::AssertionFailure() << "NaN at " << at << ": " << r.message();
  }
  return testing::AssertionSuccess();
}

// Labels beyond either end, input 1 of a loss over classes [N, C, ...]: an error where the device works on host memory;
// elsewhere the loss, the losses (saved tensor `losses`) and the gradient of that place are NaN and those of other places
// are not.
inline testing::AssertionResult check_bad_labels(Backend& device, const LayerCase& c, std::size_t losses) {
  const Shape x = c.inputs[0];
  const std::int64_t classes = x[1], positions = x.without_batch().without_batch().elements();
  const bool on_host = device.memory() == host_memory();  // can refuse at once
  const LayerData good = real_data(c);
  const LayerResult forward = rounded(c, forward_truth(c, good));
  for (const std::int64_t wrong : {std::int64_t{-1}, classes, std::int64_t{std::numeric_limits<std::int32_t>::max()},
                                   std::int64_t{std::numeric_limits<std::int32_t>::min()}})
    for (const std::int64_t place : {std::int64_t{0}, c.inputs[1].elements() - 1}) {
      LayerData data = good;
      data.inputs[1] = good.inputs[1].to_host();  // a copy
      data.inputs[1].span<std::int32_t>()[static_cast<std::size_t>(place)] = static_cast<std::int32_t>(wrong);
      const OpCall calls[] = {forward_call(c, data), backward_call(c, data, forward, {0})};
      if (on_host) {
        for (const OpCall& call : calls) try {
            execute(device, call);
            return testing::AssertionFailure() << "label " << wrong << " was accepted";
          } catch (const InputError&) {
          }
        continue;
      }
      const Execution ahead = execute(device, calls[0]), back = execute(device, calls[1]);
      for (const Execution* run : {&ahead, &back})
        if (!run->fault.empty()) return testing::AssertionFailure() << run->fault;
      if (!std::isnan(ahead.outputs[0].span<float>()[0]))
        return testing::AssertionFailure() << "label " << wrong << ": the loss is a number";
      const auto each = ahead.outputs[1 + losses].span<float>();
      for (std::int64_t i = 0; i < c.inputs[1].elements(); ++i)
        if (std::isnan(each[static_cast<std::size_t>(i)]) != (i == place))
          return testing::AssertionFailure() << "label " << wrong << " at " << place << ": loss " << i << " is "
                                             << each[static_cast<std::size_t>(i)];
      const auto gradient = back.outputs[0].span<float>();
      for (std::int64_t i = 0; i < x.elements(); ++i) {
        const std::int64_t own = i / (classes * positions) * positions + i % positions;
        if (std::isnan(gradient[static_cast<std::size_t>(i)]) != (own == place))
          return testing::AssertionFailure() << "label " << wrong << " at " << place << ": gradient " << i << " is "
                                             << gradient[static_cast<std::size_t>(i)];
      }
    }
  return testing::AssertionSuccess();
}

}  // namespace fovea::test
