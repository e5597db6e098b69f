// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/sgd.h"

#include "tests/ops/elementwise_cases.h"
#include "tests/ops/update_checks.h"

namespace fovea::test {
namespace {

class SgdTest : public OpTest<ElementwiseCase> {
 protected:
  static OpCall step(const SgdOptions& options, const Tensor& w, const Tensor& g, const Tensor& v) {
    return {
        .op = "sgd",
        .inputs = {g},
        .outputs = {{w.shape(), DType::f32, w}, {v.shape(), DType::f32, v}},
        .run = [options](Ops& ops, auto in, auto out, Workspace) { ops.sgd_step(options, out[0], in[0], out[1], {}); }};
  }
};

// Powers of two as factors and integers as data: every product and sum is exact.
TEST_P(SgdTest, Exact) {
  const Tensor w = integers(param().x, random(0), 1000), g = integers(param().x, random(1), 100),
               v = integers(param().x, random(2), 100);
  for (const bool nesterov : {false, true}) {
    const SgdOptions options{.learning_rate = 0.25f, .momentum = 0.5f, .weight_decay = 0.125f, .nesterov = nesterov};
    EXPECT_TRUE(check_exact(device(), step(options, w, g, v))) << "nesterov " << nesterov;
  }
}

TEST_P(SgdTest, Bound) {
  const Tensor w = reals(param().x, random(3)), g = reals(param().x, random(4)), v = reals(param().x, random(5));
  const SgdOptions plain{.learning_rate = 0.1f};
  const SgdOptions momentum{.learning_rate = 0.05f, .momentum = 0.9f};
  const SgdOptions all{.learning_rate = 0.05f, .momentum = 0.9f, .weight_decay = 5e-4f, .nesterov = true};
  for (const SgdOptions& options : {plain, momentum, all}) {
    EXPECT_TRUE(check_bound(device(), step(options, w, g, v),
                            [&](const std::vector<Tensor>& truth) {
                              Uncertain new_w{truth[0], {}}, new_v{truth[1], {}};
                              sgd_tolerance(options, {w.converted(DType::f64), {}}, {g.converted(DType::f64), {}},
                                            {v.converted(DType::f64), {}}, new_w, new_v);
                              return std::vector<Tensor>{new_w.tolerance, new_v.tolerance};
                            }))
        << "momentum " << options.momentum << ", weight decay " << options.weight_decay << ", nesterov "
        << options.nesterov;
  }
}

TEST_P(SgdTest, FactorsInMemory) {
  const Tensor w = reals(param().x, random(20)), g = reals(param().x, random(21)), v = reals(param().x, random(22));
  const SgdOptions right{.learning_rate = 0.05f, .momentum = 0.9f, .weight_decay = 5e-4f},
      wrong{.learning_rate = 1, .momentum = 0, .weight_decay = 1};
  EXPECT_TRUE(reads_factors<SgdFactors>(
      device(), step(right, w, g, v), right, wrong,
      [](Ops& ops, const SgdOptions& o, auto in, auto out) { ops.sgd_step(o, out[0], in[0], out[1], {}); }));
}

TEST_P(SgdTest, WritesTheCopy) {
  const Tensor w = of_all_sizes(reals(param().x, random(30))), g = reals(param().x, random(31)),
               v = reals(param().x, random(32));
  for (const bool nesterov : {false, true}) {
    const SgdOptions options{.learning_rate = 0.05f, .momentum = 0.9f, .weight_decay = 5e-4f, .nesterov = nesterov};
    EXPECT_TRUE(
        writes_copy(device(), step(options, w, g, v), [&](Ops& ops, const auto& in, const auto& out, View copy) {
          ops.sgd_step(options, out[0], in[0], out[1], copy);
        }));
  }
}

TEST_P(SgdTest, RefusesWhatIsNoCopy) {
  const Tensor w = reals(param().x, random(33));
  const auto refusal = [&](const OutputSpec& copy) -> std::string {
    OpCall call = step({}, w, w, w);
    call.outputs.push_back(copy);
    call.run = [](Ops& ops, auto in, auto out, Workspace) { ops.sgd_step({}, out[0], in[0], out[1], out[2]); };
    try {
      return execute(device(), call).fault;
    } catch (const InputError& error) {
      return error.what();
    }
  };
  const Shape longer{w.elements() + 1};
  EXPECT_EQ(refusal({w.shape(), DType::f16}), "");
  for (const OutputSpec& copy : {OutputSpec{w.shape(), DType::f32}, OutputSpec{longer, DType::bf16}}) {
    const std::string said = refusal(copy);
    EXPECT_NE(said.find("sgd_step: copy: expected bf16"), std::string::npos) << said;
  }
}

INSTANTIATE_TEST_SUITE_P(All, SgdTest, devices_and_cases(FOVEA_TEST_DEVICES, elementwise_cases()),
                         case_name<ElementwiseCase>);

}  // namespace
}  // namespace fovea::test
