// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/rmsprop.h"

#include "tests/ops/elementwise_cases.h"
#include "tests/ops/update_checks.h"

namespace fovea::test {
namespace {

class RmspropTest : public OpTest<ElementwiseCase> {
 protected:
  static OpCall step(const RmspropOptions& options, const Tensor& w, const Tensor& g, const Tensor& v,
                     const Tensor& b) {
    return {.op = "rmsprop",
            .inputs = {g},
            .outputs = {{w.shape(), DType::f32, w}, {v.shape(), DType::f32, v}, {b.shape(), DType::f32, b}},
            .run = [options](Ops& ops, auto in, auto out, Workspace) {
              ops.rmsprop_step(options, out[0], in[0], out[1], out[2], {});
            }};
  }
};

// Powers of two as factors, weights that are multiples of 8, and averages for which sqrt(v) + epsilon is 2, 4 or 8.
TEST_P(RmspropTest, Exact) {
  const Tensor w0 = integers(param().x, random(0), 100), g = integers(param().x, random(1), 100),
               b = integers(param().x, random(2), 100);
  const Tensor w = filled(param().x, [&](std::size_t i) { return 8 * w0.span<float>()[i]; });
  const RmspropOptions options{
      .learning_rate = 0.25, .alpha = 0.5, .epsilon = 1, .weight_decay = 0.125, .momentum = 0.5};
  const Tensor v = filled(param().x, [&](std::size_t i) {
    const float gradient = g.span<float>()[i] + w0.span<float>()[i], roots[] = {1, 3, 7};
    return 2 * roots[i % 3] * roots[i % 3] - gradient * gradient;
  });
  EXPECT_TRUE(check_exact(device(), step(options, w, g, v, b)));
}

TEST_P(RmspropTest, Bound) {
  const Tensor w = reals(param().x, random(3)), g = reals(param().x, random(4)), b = reals(param().x, random(5));
  const Tensor v = reals(param().x, random(6), 0, 1), none = Tensor::zeros(param().x);
  const RmspropOptions plain, momentum{.learning_rate = 0.001, .alpha = 0.9, .momentum = 0.9},
      all{.alpha = 0.95, .epsilon = 1e-3, .weight_decay = 0.01, .momentum = 0.5};
  for (const RmspropOptions& options : {plain, momentum, all})
    for (const bool first : {false, true}) {
      const Tensor &square = first ? none : v, &velocity = first ? none : b;
      const OpCall call = step(options, w, g, square, velocity);
      EXPECT_TRUE(check_bound(device(), call,
                              [&](const std::vector<Tensor>& truth) {
                                Uncertain new_w{truth[0], {}}, new_v{truth[1], {}}, new_b{truth[2], {}};
                                rmsprop_tolerance(options, certain(w), certain(g), certain(square), certain(velocity),
                                                  new_w, new_v, new_b);
                                return std::vector<Tensor>{new_w.tolerance, new_v.tolerance, new_b.tolerance};
                              }))
          << "momentum " << options.momentum << ", weight decay " << options.weight_decay;
      EXPECT_TRUE(has_reference_bits(device(), call));
    }
}

TEST_P(RmspropTest, FactorsInMemory) {
  const Tensor w = reals(param().x, random(20)), g = reals(param().x, random(21)), b = reals(param().x, random(22));
  const RmspropOptions right{.alpha = 0.9, .weight_decay = 0.1, .momentum = 0.5},
      wrong{.learning_rate = 1, .alpha = 0.5};
  EXPECT_TRUE(reads_factors<RmspropFactors<float>>(device(), step(right, w, g, positive(b), b), right, wrong,
                                                   [](Ops& ops, const RmspropOptions& o, auto in, auto out) {
                                                     ops.rmsprop_step(o, out[0], in[0], out[1], out[2], {});
                                                   }));
}

TEST_P(RmspropTest, WritesTheCopy) {
  const Tensor w = of_all_sizes(reals(param().x, random(30))), g = reals(param().x, random(31)),
               b = reals(param().x, random(32));
  const RmspropOptions options{.weight_decay = 0.1, .momentum = 0.5};
  EXPECT_TRUE(writes_copy(device(), step(options, w, g, positive(b), b),
                          [&](Ops& ops, const auto& in, const auto& out, View copy) {
                            ops.rmsprop_step(options, out[0], in[0], out[1], out[2], copy);
                          }));
}

INSTANTIATE_TEST_SUITE_P(All, RmspropTest, devices_and_cases(FOVEA_TEST_DEVICES, elementwise_cases()),
                         case_name<ElementwiseCase>);

}  // namespace
}  // namespace fovea::test
