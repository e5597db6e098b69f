// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/softmax.h"

#include <cmath>
#include <limits>

#include "tests/ops/loss_checks.h"
#include "tests/ops/random_configurations.h"
#include "tests/ops/softmax_cases.h"
#include "tests/support/op_test.h"

namespace fovea::test {
namespace {

class SoftmaxTest : public OpTest<SoftmaxCase> {
 protected:
  Tensor scores(std::uint64_t tensor) const {
    return stored(reals(param().x, random(tensor), param().offset - param().spread, param().offset + param().spread));
  }
  static OpCall forward(const Tensor& x) {
    return {.op = "softmax",
            .inputs = {x},
            .outputs = {{x.shape(), x.dtype()}},
            .run = [](Ops& ops, auto in, auto out, Workspace) { ops.softmax_forward(in[0], out[0]); }};
  }
  static OpCall backward(const Tensor& y, const Tensor& dy) {
    return {.op = "softmax",
            .direction = Direction::backward,
            .inputs = {y, dy},
            .outputs = {{y.shape(), y.dtype()}},
            .run = [](Ops& ops, auto in, auto out, Workspace) { ops.softmax_backward(in[0], in[1], out[0]); }};
  }
  static Tolerances forward_tolerances(const Tensor& x) {
    return [x](const std::vector<Tensor>& truth) {
      const std::vector<Uncertain> inputs{{x.converted(DType::f64), {}}};
      Uncertain output{truth[0], {}};
      ForwardToleranceArgs args{truth_ops(), inputs, {}, output, {}};
      softmax_forward_tolerance(args);
      return std::vector<Tensor>{output.tolerance};
    };
  }
};

TEST_P(SoftmaxTest, Forward) {
  const Tensor x = scores(0);
  // Of huge scores all but one exponential vanish: zeros are the point.
  const ZeroTrust trust = std::string_view(param().name) == "Huge" ? ZeroTrust::off : ZeroTrust::on;
  EXPECT_TRUE(check_bound(device(), forward(x), forward_tolerances(x), trust));
}

// A NaN score makes its whole row NaN and leaves the other rows alone.
TEST_P(SoftmaxTest, ForwardNaN) {
  Tensor x = scores(1).converted(DType::f32);
  const auto last = static_cast<std::size_t>(x.elements() - 1);
  x.span<float>()[last] = std::numeric_limits<float>::quiet_NaN();
  x = stored(x);
  EXPECT_TRUE(check_bound(device(), forward(x), forward_tolerances(x)));
}

TEST_P(SoftmaxTest, Backward) {
  const Tensor y = execute(truth_backend(), in_float64(forward(scores(2)))).outputs[0].converted(storage());
  const Tensor dy = stored(reals(param().x, random(3)));
  const Tolerances tolerances = [&](const std::vector<Tensor>& truth) {
    const Uncertain output{y.converted(DType::f64), {}}, gradient{dy.converted(DType::f64), {}};
    Uncertain dx{truth[0], {}};
    BackwardToleranceArgs args{truth_ops(), {}, {}, output, gradient, {}, {&dx, 1}, {}};
    softmax_backward_tolerance(args);
    return std::vector<Tensor>{dx.tolerance};
  };
  EXPECT_TRUE(check_bound(device(), backward(y, dy), tolerances, ZeroTrust::off));  // saturated rows have no gradient
}

INSTANTIATE_TEST_SUITE_P(All, SoftmaxTest, stored_devices_and_cases(FOVEA_TEST_DEVICES, softmax_cases()),
                         case_name<SoftmaxCase>);

// At every place of the row, whichever lane meets it.
class SoftmaxNaNTest : public OpTest<LayerCase> {};
TEST_P(SoftmaxNaNTest, ReachesItsRow) { EXPECT_TRUE(check_nan(device(), param())); }
INSTANTIATE_TEST_SUITE_P(All, SoftmaxNaNTest,
                         devices_and_cases(FOVEA_TEST_DEVICES,
                                           std::vector<LayerCase>{{.name = "Warp33",
                                                                   .why = "one class more than a warp",
                                                                   .layer = std::make_shared<Softmax>(),
                                                                   .inputs = {{1, 33}},
                                                                   .small = true}}),
                         case_name<LayerCase>);

const bool registered = register_layer_tests("SoftmaxLayer", FOVEA_TEST_DEVICES, {}, random_softmax_case);

}  // namespace
}  // namespace fovea::test
