// SPDX-License-Identifier: Apache-2.0
//
// Numbers worked by hand, or that random data never hits (NaN, infinity, -0), as an expectation for every device.
//
//   class PadTest : public WorkedLayerTest {};
//   TEST_P(PadTest, Worked) { check(); }
//   INSTANTIATE_TEST_SUITE_P(All, PadTest, devices_and_cases(FOVEA_TEST_DEVICES, worked), case_name<WorkedLayer>);
#pragma once
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "tests/support/layer_checks.h"
#include "tests/support/op_test.h"

namespace fovea::test {

struct WorkedLayer {
  const char* name;
  const char* why;
  std::shared_ptr<const Layer> layer;
  std::vector<Tensor> inputs;
  Tensor y;
  Tensor dy = {};                      // empty: forward only
  std::vector<Tensor> gradients = {};  // of the inputs that have one, then of the parameters
  std::vector<Tensor> parameters = {};
  bool small = true;
};
inline std::ostream& operator<<(std::ostream& out, const WorkedLayer& c) {
  return out << c.name << " (" << c.why << ")";
}

class WorkedLayerTest : public OpTest<WorkedLayer> {
 protected:
  void check() {
    const WorkedLayer& w = param();
    LayerCase c{.name = w.name, .why = w.why, .layer = w.layer, .inputs = {}};
    for (const Tensor& x : w.inputs) c.inputs.push_back(x.shape());
    ASSERT_EQ(w.layer->output_shape(c.inputs), w.y.shape());
    const LayerData data{w.inputs, w.parameters, {}, w.dy};
    expect({w.y}, execute(device(), forward_call(c, data)), "y");
    if (w.dy.empty()) return;
    const LayerResult forward = rounded(c, forward_truth(c, data));
    expect(w.gradients, execute(device(), backward_call(c, data, forward, differentiable_inputs(c))), "gradient ");
  }

 private:
  static void expect(const std::vector<Tensor>& expected, const Execution& got, const std::string& what) {
    EXPECT_EQ(got.fault, "");
    ASSERT_GE(got.outputs.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i)
      EXPECT_TRUE(equal_to_truth(got.outputs[i], expected[i].converted(DType::f64))) << what << i;
  }
};

// What a device answers to a call with wrong arguments, or "" if it takes them.
template <class Call>
std::string refusal(Call&& call) {
  try {
    call();
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

// For tests that need a device and no data of a case.
struct OneCase {
  const char* name = "Call";
  bool small = true;
};
inline std::ostream& operator<<(std::ostream& out, const OneCase& c) { return out << c.name; }

}  // namespace fovea::test
