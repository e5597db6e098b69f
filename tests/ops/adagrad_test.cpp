// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/adagrad.h"

#include "tests/ops/elementwise_cases.h"
#include "tests/ops/update_checks.h"

namespace fovea::test {
namespace {

class AdagradTest : public OpTest<ElementwiseCase> {
 protected:
  static OpCall step(const AdagradOptions& options, const Tensor& w, const Tensor& g, const Tensor& v) {
    return {.op = "adagrad",
            .inputs = {g},
            .outputs = {{w.shape(), DType::f32, w}, {v.shape(), DType::f32, v}},
            .run = [options](Ops& ops, auto in, auto out, Workspace) {
              ops.adagrad_step(options, out[0], in[0], out[1], {});
            }};
  }
};

// Powers of two as factors, weights that are multiples of 8, and sums for which sqrt(v) + epsilon is 2, 4 or 8.
TEST_P(AdagradTest, Exact) {
  const Tensor w0 = integers(param().x, random(0), 100), g = integers(param().x, random(1), 100);
  const Tensor w = filled(param().x, [&](std::size_t i) { return 8 * w0.span<float>()[i]; });
  const Tensor v = filled(param().x, [&](std::size_t i) {
    const float gradient = g.span<float>()[i] + w0.span<float>()[i], roots[] = {1, 3, 7};
    return roots[i % 3] * roots[i % 3] - gradient * gradient;
  });
  EXPECT_TRUE(check_exact(device(), step({.learning_rate = 0.25, .epsilon = 1, .weight_decay = 0.125}, w, g, v)));
}

TEST_P(AdagradTest, Bound) {
  const Tensor w = reals(param().x, random(3)), g = reals(param().x, random(4));
  const Tensor v = reals(param().x, random(5), 0, 1), none = Tensor::zeros(param().x);
  const AdagradOptions plain, all{.learning_rate = 0.1, .epsilon = 1e-3, .weight_decay = 0.01};
  for (const AdagradOptions& options : {plain, all})
    for (const Tensor* sum : {&v, &none}) {
      const OpCall call = step(options, w, g, *sum);
      EXPECT_TRUE(check_bound(device(), call,
                              [&](const std::vector<Tensor>& truth) {
                                Uncertain new_w{truth[0], {}}, new_v{truth[1], {}};
                                adagrad_tolerance(options, certain(w), certain(g), certain(*sum), new_w, new_v);
                                return std::vector<Tensor>{new_w.tolerance, new_v.tolerance};
                              }))
          << "weight decay " << options.weight_decay;
      EXPECT_TRUE(has_reference_bits(device(), call));
    }
}

TEST_P(AdagradTest, FactorsInMemory) {
  const Tensor w = reals(param().x, random(20)), g = reals(param().x, random(21)), v = reals(param().x, random(22));
  const AdagradOptions right{.learning_rate = 0.1, .weight_decay = 0.1}, wrong{.learning_rate = 1, .epsilon = 1};
  EXPECT_TRUE(reads_factors<AdagradFactors<float>>(
      device(), step(right, w, g, positive(v)), right, wrong,
      [](Ops& ops, const AdagradOptions& o, auto in, auto out) { ops.adagrad_step(o, out[0], in[0], out[1], {}); }));
}

TEST_P(AdagradTest, WritesTheCopy) {
  const Tensor w = of_all_sizes(reals(param().x, random(30))), g = reals(param().x, random(31)),
               v = reals(param().x, random(32));
  const AdagradOptions options{.learning_rate = 0.1, .weight_decay = 0.1};
  EXPECT_TRUE(writes_copy(device(), step(options, w, g, positive(v)),
                          [&](Ops& ops, const auto& in, const auto& out, View copy) {
                            ops.adagrad_step(options, out[0], in[0], out[1], copy);
                          }));
}

INSTANTIATE_TEST_SUITE_P(All, AdagradTest, devices_and_cases(FOVEA_TEST_DEVICES, elementwise_cases()),
                         case_name<ElementwiseCase>);

}  // namespace
}  // namespace fovea::test
