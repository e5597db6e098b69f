// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/add.h"

#include "tests/ops/elementwise_cases.h"
#include "tests/ops/random_configurations.h"
#include "tests/support/fused_relu.h"
#include "tests/support/op_test.h"

namespace fovea::test {
namespace {

class AddTest : public OpTest<ElementwiseCase> {
 protected:
  static OpCall forward(const Tensor& a, const Tensor& b) {
    return {.op = "add",
            .inputs = {a, b},
            .outputs = {{a.shape(), a.dtype()}},
            .run = [](Ops& ops, auto in, auto out, Workspace) { ops.add_forward(in[0], in[1], out[0]); }};
  }
  // As the executor adds up gradients: the result is the first operand itself.
  static OpCall accumulate(const Tensor& sum, const Tensor& part) {
    return {.op = "add",
            .inputs = {part},
            .outputs = {{sum.shape(), sum.dtype(), sum}},
            .run = [](Ops& ops, auto in, auto out, Workspace) { ops.add_forward(out[0], in[0], out[0]); }};
  }
  static OpCall backward(const Tensor& dy) {
    return {.op = "add",
            .direction = Direction::backward,
            .inputs = {dy},
            .outputs = {{dy.shape(), dy.dtype()}},
            .run = [](Ops& ops, auto in, auto out, Workspace) { ops.add_backward(in[0], out[0]); }};
  }
};

TEST_P(AddTest, Forward) {
  const Tensor ia = stored(integers(param().x, random(0), 1000)), ib = stored(integers(param().x, random(1), 1000));
  EXPECT_TRUE(check_exact(device(), forward(ia, ib)));
  EXPECT_TRUE(check_exact(device(), accumulate(ia, ib))) << "in place";
  const Tensor a = stored(reals(param().x, random(2))), b = stored(reals(param().x, random(3)));
  EXPECT_TRUE(check_bound(device(), forward(a, b), [&](const std::vector<Tensor>& truth) {
    return std::vector<Tensor>{add_tolerance({a.converted(DType::f64), {}}, {b.converted(DType::f64), {}}, truth[0])};
  }));
}

TEST_P(AddTest, Backward) {  // a copy
  EXPECT_TRUE(check_bound(device(), backward(stored(reals(param().x, random(4)))),
                          [](const std::vector<Tensor>&) { return std::vector<Tensor>(1); }));
}

INSTANTIATE_TEST_SUITE_P(All, AddTest, stored_devices_and_cases(FOVEA_TEST_DEVICES, elementwise_cases()),
                         case_name<ElementwiseCase>);

std::vector<LayerCase> add_layers() {
  std::vector<LayerCase> layers;
  for (const ElementwiseCase& c : elementwise_cases())
    layers.push_back(
        {.name = c.name, .why = c.why, .layer = std::make_shared<Add>(), .inputs = {c.x, c.x}, .small = c.small});
  return layers;
}

const bool registered = register_layer_tests("AddLayer", FOVEA_TEST_DEVICES, {}, random_add_case) &&
                        register_fused_relu_tests("AddLayer", FOVEA_TEST_DEVICES, add_layers(), random_add_case);

}  // namespace
}  // namespace fovea::test
