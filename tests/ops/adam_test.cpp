// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/adam.h"

#include <cmath>

#include "tests/ops/elementwise_cases.h"
#include "tests/ops/update_checks.h"

namespace fovea::test {
namespace {

class AdamTest : public OpTest<ElementwiseCase> {
 protected:
  static OpCall step(const AdamOptions& options, const Tensor& w, const Tensor& g, const Tensor& m, const Tensor& v) {
    return {.op = "adam",
            .inputs = {g},
            .outputs = {{w.shape(), DType::f32, w}, {m.shape(), DType::f32, m}, {v.shape(), DType::f32, v}},
            .run = [options](Ops& ops, auto in, auto out, Workspace) {
              ops.adam_step(options, out[0], in[0], out[1], out[2], {});
            }};
  }
};

// Powers of two as factors, weights that are multiples of 8, and second moments for which sqrt(v) / root2 + epsilon is
// 2, 4 or 8: every operation is exact.
TEST_P(AdamTest, Exact) {
  const Tensor w0 = integers(param().x, random(0), 100), g = integers(param().x, random(1), 100),
               m = integers(param().x, random(2), 100);
  const Tensor w = filled(param().x, [&](std::size_t i) { return 8 * w0.span<float>()[i]; });
  for (const bool decoupled : {false, true}) {
    const AdamOptions options{.learning_rate = 0.5,
                              .beta1 = 0.5,
                              .beta2 = 0.5,
                              .epsilon = 1,
                              .weight_decay = 0.125,
                              .decoupled = decoupled,
                              .correction1 = 0.25,
                              .correction2 = 0.25};
    const Tensor v = filled(param().x, [&](std::size_t i) {
      const float gradient = g.span<float>()[i] + (decoupled ? 0 : w0.span<float>()[i]);
      const float roots[] = {0.5f, 1.5f, 3.5f};
      return 2 * roots[i % 3] * roots[i % 3] - gradient * gradient;
    });
    EXPECT_TRUE(check_exact(device(), step(options, w, g, m, v))) << (decoupled ? "AdamW" : "Adam");
  }
}

TEST_P(AdamTest, Bound) {
  const Tensor w = reals(param().x, random(3)), g = reals(param().x, random(4)), m = reals(param().x, random(5));
  const Tensor v = reals(param().x, random(6), 0, 1), none = Tensor::zeros(param().x);
  const AdamOptions plain, coupled{.learning_rate = 0.01, .beta2 = 0.99, .weight_decay = 0.1},
      decoupled{.learning_rate = 0.01, .epsilon = 1e-3, .weight_decay = 0.1, .decoupled = true};
  for (const AdamOptions& options : {at_step(plain, 1), at_step(coupled, 3), at_step(decoupled, 1000)})
    for (const bool first : {false, true}) {
      const Tensor &mean = first ? none : m, &square = first ? none : v;
      const OpCall call = step(options, w, g, mean, square);
      EXPECT_TRUE(check_bound(device(), call,
                              [&](const std::vector<Tensor>& truth) {
                                Uncertain new_w{truth[0], {}}, new_m{truth[1], {}}, new_v{truth[2], {}};
                                adam_tolerance(options, certain(w), certain(g), certain(mean), certain(square), new_w,
                                               new_m, new_v);
                                return std::vector<Tensor>{new_w.tolerance, new_m.tolerance, new_v.tolerance};
                              }))
          << "weight decay " << options.weight_decay << (options.decoupled ? ", decoupled" : "");
      EXPECT_TRUE(has_reference_bits(device(), call));
    }
}

// Adam's first step is the learning rate, whatever the gradient's size: m / sqrt(v) = g / |g|.
TEST(Adam, FirstStepByHand) {
  const auto run = [](AdamOptions options, float gradient) {
    Tensor w = Tensor::from(Shape{1}, {2}), m = Tensor::zeros({1}), v = Tensor::zeros({1});
    const Tensor g = Tensor::from(Shape{1}, {gradient});
    truth_ops().adam_step(at_step(options, 1), w.view(), g.view(), m.view(), v.view(), {});
    return w.span<float>()[0];
  };
  const AdamOptions options{.learning_rate = 0.5};
  EXPECT_NEAR(run(options, 1000), 1.5f, 1e-6);
  EXPECT_NEAR(run(options, -0.001f), 2.5f, 1e-4);  // epsilon is a hundred-thousandth of it
  EXPECT_EQ(run(options, 0), 2);
  EXPECT_NEAR(run({.learning_rate = 0.5, .weight_decay = 0.5, .decoupled = true}, 0), 2 - 0.25 * 2, 1e-6);
  EXPECT_NEAR(run({.learning_rate = 0.5, .weight_decay = 0.5}, 0), 1.5, 1e-6);  // the decay is all of the gradient
}

TEST_P(AdamTest, FactorsInMemory) {
  const Tensor w = reals(param().x, random(20)), g = reals(param().x, random(21)), m = reals(param().x, random(22));
  const AdamOptions right = at_step({.weight_decay = 0.1, .decoupled = true}, 3);
  const AdamOptions wrong = at_step({.learning_rate = 1, .beta1 = 0.5, .epsilon = 1, .decoupled = true}, 1);
  EXPECT_TRUE(reads_factors<AdamFactors<float>>(
      device(), step(right, w, g, m, positive(m)), right, wrong,
      [](Ops& ops, const AdamOptions& o, auto in, auto out) { ops.adam_step(o, out[0], in[0], out[1], out[2], {}); }));
}

TEST_P(AdamTest, WritesTheCopy) {
  const Tensor w = of_all_sizes(reals(param().x, random(30))), g = reals(param().x, random(31)),
               m = reals(param().x, random(32));
  for (const bool decoupled : {false, true}) {
    const AdamOptions options = at_step({.learning_rate = 0.01, .weight_decay = 0.1, .decoupled = decoupled}, 3);
    EXPECT_TRUE(writes_copy(device(), step(options, w, g, m, positive(m)),
                            [&](Ops& ops, const auto& in, const auto& out, View copy) {
                              ops.adam_step(options, out[0], in[0], out[1], out[2], copy);
                            }));
  }
}

INSTANTIATE_TEST_SUITE_P(All, AdamTest, devices_and_cases(FOVEA_TEST_DEVICES, elementwise_cases()),
                         case_name<ElementwiseCase>);

}  // namespace
}  // namespace fovea::test
