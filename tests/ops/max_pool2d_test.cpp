// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/max_pool2d.h"

#include <cmath>
#include <limits>

#include "tests/ops/max_pool2d_cases.h"
#include "tests/ops/random_configurations.h"
#include "tests/support/fused_relu.h"
#include "tests/support/op_test.h"

namespace fovea::test {
namespace {

class MaxPool2dTest : public OpTest<MaxPool2dCase> {
 protected:
  OpCall forward(const Tensor& x) const {
    const MaxPool2dOptions& o = param().options;
    const Shape y = max_pool2d_output_shape(o, x.shape());
    return {.op = "max_pool2d",
            .inputs = {x},
            .outputs = {{y, x.dtype()}, {y, max_pool2d_index_dtype(o)}},
            .run = [o](Ops& ops, auto in, auto out, Workspace) { ops.max_pool2d_forward(o, in[0], out[0], out[1]); }};
  }
  OpCall backward(const Tensor& dy, const Tensor& index) const {
    return {.op = "max_pool2d",
            .direction = Direction::backward,
            .inputs = {dy, index},
            .outputs = {{param().x, dy.dtype()}},
            .run = [o = param().options](Ops& ops, auto in, auto out, Workspace) {
              ops.max_pool2d_backward(o, in[0], in[1], out[0]);
            }};
  }
  // The truth's winners for x.
  Tensor index_of(const Tensor& x) const { return execute(truth_backend(), in_float64(forward(x))).outputs[1]; }
  static std::vector<Tensor> exact(const std::vector<Tensor>& truth) { return std::vector<Tensor>(truth.size()); }
};

TEST_P(MaxPool2dTest, Forward) {
  EXPECT_TRUE(check_exact(device(), forward(stored(integers(param().x, random(0), 1000))))) << "integers";
  EXPECT_TRUE(check_exact(device(), forward(stored(integers(param().x, random(1), 1))), ZeroTrust::off)) << "many ties";
  EXPECT_TRUE(check_bound(device(), forward(stored(reals(param().x, random(2)))), exact)) << "real data";
}

TEST_P(MaxPool2dTest, ForwardAllNegativeOrPositive) {  // padding never wins
  EXPECT_TRUE(check_exact(device(), forward(stored(reals(param().x, random(3), -2, -1)))));
  EXPECT_TRUE(check_exact(device(), forward(stored(reals(param().x, random(9), 1, 2)))));
  Tensor lowest(param().x);
  for (float& v : lowest.span<float>()) v = -std::numeric_limits<float>::infinity();
  EXPECT_TRUE(check_exact(device(), forward(stored(lowest)))) << "-infinity";
}

TEST_P(MaxPool2dTest, ForwardNaN) {  // the first NaN wins
  Tensor x = reals(param().x, random(4));
  RandomStream places = random(5);
  for (float& v : x.span<float>())
    if (places.below(5) == 0) v = std::numeric_limits<float>::quiet_NaN();
  x.span<float>()[0] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(check_exact(device(), forward(stored(x))));
}

TEST_P(MaxPool2dTest, Backward) {
  const Shape y = max_pool2d_output_shape(param().options, param().x);
  const Tensor x = stored(reals(param().x, random(6))), index = index_of(x);
  // Most elements of a large window win nothing: zero trust does not apply to a gather.
  EXPECT_TRUE(check_exact(device(), backward(stored(integers(y, random(7), 1000)), index), ZeroTrust::off));
  const Tensor dy = stored(reals(y, random(8)));
  const Tolerances tolerances = [&](const std::vector<Tensor>& truth) {
    const std::vector<Uncertain> inputs{{x.converted(DType::f64), {}}}, saved{{index, {}}};
    const Uncertain output, gradient{dy.converted(DType::f64), {}};
    Uncertain dx{truth[0], {}};
    BackwardToleranceArgs args{truth_ops(), inputs, {}, output, gradient, saved, {&dx, 1}, {}};
    max_pool2d_backward_tolerance(args, param().options);
    return std::vector<Tensor>{dx.tolerance};
  };
  EXPECT_TRUE(check_bound(device(), backward(dy, index), tolerances, ZeroTrust::off));
}

INSTANTIATE_TEST_SUITE_P(All, MaxPool2dTest, stored_devices_and_cases(FOVEA_TEST_DEVICES, max_pool2d_cases()),
                         case_name<MaxPool2dCase>);

std::vector<LayerCase> max_pool2d_layers() {
  std::vector<LayerCase> layers;
  for (const MaxPool2dCase& c : max_pool2d_cases())
    layers.push_back({.name = c.name,
                      .why = c.why,
                      .layer = std::make_shared<MaxPool2d>(c.options),
                      .inputs = {c.x},
                      .small = c.small});
  return layers;
}

const bool registered = register_layer_tests("MaxPool2dLayer", FOVEA_TEST_DEVICES, {}, random_max_pool2d_case) &&
                        register_fused_relu_backward_tests("MaxPool2dLayer", FOVEA_TEST_DEVICES, max_pool2d_layers(),
                                                           random_max_pool2d_case);
const bool registered_min =
    register_layer_tests("MinPool2d", FOVEA_TEST_DEVICES, {}, random_min_pool2d_case) &&
    register_fused_relu_backward_tests("MinPool2d", FOVEA_TEST_DEVICES, {}, random_min_pool2d_case);

}  // namespace
}  // namespace fovea::test
