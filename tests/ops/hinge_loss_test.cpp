// SPDX-License-Identifier: Apache-2.0
#include "tests/ops/hinge_loss_cases.h"
#include "tests/ops/loss_checks.h"
#include "tests/support/op_test.h"

namespace fovea::test {
namespace {

const bool registered =
    register_layer_tests("HingeLossLayer", FOVEA_TEST_DEVICES, hinge_loss_cases(), random_hinge_loss_case);

class HingeLossTest : public OpTest<LayerCase> {};

TEST_P(HingeLossTest, NaN) { EXPECT_TRUE(check_nan(device(), param())); }
TEST_P(HingeLossTest, LabelsOutsideTheClasses) { EXPECT_TRUE(check_bad_labels(device(), param(), 0)); }

INSTANTIATE_TEST_SUITE_P(
    All, HingeLossTest,
    devices_and_cases(FOVEA_TEST_DEVICES,
                      std::vector<LayerCase>{hinge_case("Plain", "one class more than a warp", {}, {3, 33}, 2, true),
                                             hinge_case("Squared", "two classes", {.squared = true}, {5, 2}, 2, true)}),
    case_name<LayerCase>);

struct Result {
  std::vector<double> losses, dscores;
  double loss;
};
Result by_hand(const HingeLossOptions& options, const Shape& shape, const std::vector<double>& scores,
               const std::vector<std::int32_t>& labels) {
  const Tensor s = Tensor::from<double>(shape, scores), l = Tensor::from<std::int32_t>({shape[0]}, labels);
  const Tensor dloss = Tensor::from<double>({1}, std::vector<double>{1});
  Tensor losses({shape[0]}, DType::f64), loss({1}, DType::f64), dscores(shape, DType::f64);
  truth_ops().hinge_loss_forward(options, s.view(), l.view(), losses.view(), loss.view());
  truth_ops().hinge_loss_backward(options, s.view(), l.view(), dloss.view(), dscores.view());
  const auto vector = [](const Tensor& t) {
    return std::vector<double>(t.span<double>().begin(), t.span<double>().end());
  };
  return {vector(losses), vector(dscores), loss.span<double>()[0]};
}

// The lecture's cat, car and frog: losses 2.9, 0 and 12.9, in the mean 5.27.
TEST(HingeLoss, Cs231nByHand) {
  const Result r = by_hand({}, {3, 3}, {3.2, 5.1, -1.7, 1.3, 4.9, 2.0, 2.2, 2.5, -3.1}, {0, 1, 2});
  EXPECT_NEAR(r.losses[0], 2.9, 1e-12);
  EXPECT_EQ(r.losses[1], 0);
  EXPECT_NEAR(r.losses[2], 12.9, 1e-12);
  EXPECT_NEAR(r.loss, 15.8 / 3, 1e-12);
  const double third = 1.0 / 3;
  EXPECT_EQ(r.dscores, (std::vector<double>{-third, third, 0, 0, 0, 0, third, third, -2 * third}));
}

TEST(HingeLoss, SquaredAndAverageByHand) {
  // h = 3 - 2 + 1 = 2 and 0 - 2 + 1 < 0; then 4 / 3 classes, and the gradient 2 * 2 / 3.
  const Result r = by_hand({.squared = true, .average_classes = true}, {1, 3}, {2, 3, 0}, {0});
  EXPECT_DOUBLE_EQ(r.loss, 4.0 / 3);
  EXPECT_EQ(r.dscores, (std::vector<double>{-4.0 / 3, 4.0 / 3, 0}));
}

TEST(HingeLoss, TheBoundaryItselfDoesNotCount) {
  const Result r = by_hand({}, {1, 2}, {3, 2}, {0});  // h = 2 - 3 + 1 = 0
  EXPECT_EQ(r.loss, 0);
  EXPECT_EQ(r.dscores, (std::vector<double>{0, 0}));
}

std::string message_of(const HingeLossOptions& options, const Shape& scores, const Shape& labels) {
  try {
    HingeLoss(options).output_shape(std::vector<Shape>{scores, labels});
  } catch (const InputError& e) {
    return e.what();
  }
  return "none";
}

TEST(HingeLoss, Errors) {
  EXPECT_EQ(message_of({}, {4, 3}, {4}), "none");
  EXPECT_EQ(message_of({}, {4, 3}, {5}), "expected scores [N, classes] and labels [N], got [4, 3] and [5]");
  EXPECT_EQ(message_of({}, {4, 3, 2}, {4}), "expected scores [N, classes] and labels [N], got [4, 3, 2] and [4]");
  EXPECT_EQ(message_of({.margin = -1}, {4, 3}, {4}), "margin: expected a number of at least 0, got -1");
}

// Which decisions the bound calls undecided.
TEST(HingeLoss, Undecided) {
  const HingeLoss layer;
  const auto undecided = [&](double score, double tolerance) {
    const Tensor scores = Tensor::from<double>({1, 2}, std::vector<double>{0, score});
    std::vector<Uncertain> inputs{{scores, {}}, {Tensor::from<std::int32_t>({1}, std::vector<std::int32_t>{0}), {}}};
    if (tolerance > 0) inputs[0].tolerance = Tensor::from<double>({1, 2}, std::vector<double>{0, tolerance});
    std::vector<Uncertain> saved{{Tensor::zeros({1}, DType::f64), {}}};
    Uncertain loss{Tensor::zeros({1}, DType::f64), {}};
    ForwardToleranceArgs args{truth_ops(), inputs, {}, loss, saved};
    layer.forward_tolerance(args);
    EXPECT_EQ(args.decisions, 1);
    return args.undecided;
  };
  EXPECT_EQ(undecided(-1, 0), 0) << "exact scores on the boundary stay outside in float too";
  EXPECT_EQ(undecided(-1 - 0x1p-30, 0), 0);
  EXPECT_EQ(undecided(-1 + 0x1p-30, 0), 1) << "less than rounding inside";
  EXPECT_EQ(undecided(-1 + 0x1p-10, 0), 0);
  EXPECT_EQ(undecided(-1.5, 0.25), 0);
  EXPECT_EQ(undecided(-1.2, 0.25), 1);
  EXPECT_EQ(undecided(-0.8, 0.25), 1);
  EXPECT_EQ(undecided(-0.5, 0.25), 0);
}

}  // namespace
}  // namespace fovea::test
