// SPDX-License-Identifier: Apache-2.0
//
// The reference as a device: engines, counting, and what it says about wrong arguments.
#include "cpu_reference/reference_backend.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "core/support/error.h"
#include "core/support/parallel.h"
#include "tests/reference/reference_ops.h"

namespace fovea::reference_test {
namespace {

std::string message_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const InputError& error) {
    return error.what();
  }
  return "no InputError";
}

TEST(ReferenceBackend, HasOneEngine) {
  const auto backend = make_reference_backend();
  EXPECT_EQ(backend->name(), "reference");
  EXPECT_EQ(backend->memory(), host_memory());
  for (const char* forced : {"", "reference"}) {
    const EngineChoice choice = backend->choose("conv2d", Direction::backward, forced);
    EXPECT_NE(choice.ops, nullptr);
    EXPECT_EQ(choice.engine, "reference");
  }
  const std::string message = message_of([&] { backend->choose("conv2d", Direction::forward, "library"); });
  EXPECT_EQ(message, "engine 'library' for conv2d: the reference device has one engine, 'reference'");
  const DeviceInfo info = reference_device_info();
  EXPECT_TRUE(info.name == "reference" && info.available && info.engines.size() == 1);
}

TEST(ReferenceBackend, CountsWhatItExecuted) {
  const auto backend = make_reference_backend();
  Ops& ops = *backend->choose("relu", Direction::forward, {}).ops;
  Tensor x = constant({3}, 1), y = constant({3}, 0);
  EXPECT_EQ(backend->executed(), 0u);
  ops.relu_forward(x.view(), y.view());
  ops.add_forward(x.view(), y.view(), y.view());  // y may be an operand
  EXPECT_EQ(backend->executed(), 2u);
  EXPECT_EQ(elements(y), std::vector<double>(3, 2));
  Tensor other = constant({4}, 0);
  EXPECT_THROW(ops.relu_forward(x.view(), other.view()), InputError);
  EXPECT_EQ(backend->executed(), 2u);  // a refused call is not an executed one
}

TEST(ReferenceBackend, ThreadsDoNotChangeABit) {
  const Conv2dOptions options{.out_channels = 5, .kernel = 3, .padding = 1};
  const Tensor x = uniform({3, 2, 9, 9}, 1), w = uniform({5, 2, 3, 3}, 2), dy = uniform({3, 5, 9, 9}, 3);
  const auto all = [&] {
    std::vector<std::vector<double>> results;
    for (const DType dtype : {DType::f32, DType::f64}) {
      const Tensor xt = x.converted(dtype), wt = w.converted(dtype), dyt = dy.converted(dtype);
      results.push_back(elements(conv2d(options, xt, wt)));
      results.push_back(elements(conv2d_dx(options, dyt, wt, x.shape())));
      results.push_back(elements(conv2d_dw(options, xt, dyt)));
    }
    return results;
  };
  set_thread_count(1);
  const auto serial = all();
  set_thread_count(3);
  EXPECT_EQ(all(), serial);
  set_thread_count(0);
}

class WrongArguments : public testing::Test {
 protected:
  Tensor x = constant({2, 3, 6, 6}, 1), w = constant({4, 3, 3, 3}, 1), bias = constant({4}, 1);
  Tensor y = constant({2, 4, 4, 4}, 0);
  Conv2dOptions options{.out_channels = 4, .kernel = 3};

  std::string forward(const Conv2dOptions& o, ConstView a, ConstView b, ConstView c, View out) {
    return message_of([&] { ops().conv2d_forward(o, a, b, c, out, {}); });
  }
};

TEST_F(WrongArguments, AreNamedWithTheOperation) {
  const std::string prefix = "reference conv2d_forward: ";
  EXPECT_EQ(forward(options, x.view(), w.view(), bias.view(), y.view()), "no InputError");
  EXPECT_EQ(forward(options, x.view(), w.view(), {}, y.view()), "no InputError");

  const Tensor wide = constant({4, 2, 3, 3}, 1);
  EXPECT_EQ(forward(options, x.view(), wide.view(), {}, y.view()),
            prefix + "w: expected f64 [4, 3, 3, 3] on host, got f64 [4, 2, 3, 3] on host");
  const Tensor single = w.converted(DType::f32);
  EXPECT_EQ(forward(options, x.view(), single.view(), {}, y.view()),
            prefix + "w: expected f64 [4, 3, 3, 3] on host, got f32 [4, 3, 3, 3] on host");
  EXPECT_EQ(forward(options, x.view(), {}, {}, y.view()), prefix + "w: expected f64 [4, 3, 3, 3] on host, got nothing");
  EXPECT_EQ(forward(options, x.view(), w.view(), x.view(), y.view()),
            prefix + "bias: expected f64 [4] on host, got f64 [2, 3, 6, 6] on host");
  EXPECT_EQ(forward(options, x.converted(DType::i32).view(), w.view(), {}, y.view()),
            prefix + "x: expected f32, bf16, f16 or f64 on host, got i32 [2, 3, 6, 6] on host");
  View elsewhere = y.view();
  elsewhere.memory = nullptr;
  EXPECT_EQ(forward(options, x.view(), w.view(), {}, elsewhere),
            prefix + "y: expected f64 [2, 4, 4, 4] on host, got f64 [2, 4, 4, 4] on no device");
  View channels_last = y.view();
  channels_last.layout = Layout::nhwc;
  EXPECT_EQ(forward(options, x.view(), w.view(), {}, channels_last),
            prefix + "y: expected f64 [2, 4, 4, 4] on host, got f64 [2, 4, 4, 4] (NHWC) on host");
  EXPECT_EQ(
      forward({.out_channels = 4, .kernel = 7}, x.view(), w.view(), {}, y.view()).rfind(prefix + "kernel: 7x7", 0), 0u);
}

// Every operation refuses an output of another shape and says which argument it was.
TEST_F(WrongArguments, OfEveryOperation) {
  Tensor bad = constant({7, 7}, 0), scores = constant({2, 5}, 0.2), index({2, 3, 3, 3}, DType::u8);
  Tensor pooled = constant({2, 3, 3, 3}, 0), flat_w = constant({4, 108}, 1), flat_y = constant({2, 4}, 1);
  Tensor label = doubles({2}, {0, 4}).converted(DType::i32), two = constant({2}, 0), one = constant({1}, 1);
  const View b = bad.view();
  const View s = scores.view(), l = label.view(), n = two.view(), o = one.view();
  const SoftmaxCrossEntropyOptions weighted{.class_weights = {1, 1, 1, 1, 2}};
  const auto cross_entropy = [&](const SoftmaxCrossEntropyOptions& with, ConstView labels, ConstView weights,
                                 View probabilities, View losses, View total, View loss) {
    ops().softmax_cross_entropy_forward(with, s, labels, weights, probabilities, losses, total, loss);
  };
  const auto cross_entropy_gradient = [&](ConstView weights, ConstView total, ConstView dloss, View dlogits) {
    ops().softmax_cross_entropy_backward({}, s, l, weights, total, dloss, dlogits);
  };
  const Tensor single = scores.converted(DType::f32);
  const auto soft = [&](const SoftmaxCrossEntropyOptions& with, ConstView targets, ConstView weights,
                        View probabilities, View losses, View loss) {
    ops().soft_cross_entropy_forward(with, s, targets, weights, probabilities, losses, loss);
  };
  const struct {
    const char* expected;
    std::function<void()> call;
  } calls[] = {
      {"conv2d_backward_data: dy", [&] { ops().conv2d_backward_data(options, b, w.view(), x.view(), {}); }},
      {"conv2d_backward_data: w", [&] { ops().conv2d_backward_data(options, y.view(), b, x.view(), {}); }},
      {"conv2d_backward_filter: dy", [&] { ops().conv2d_backward_filter(options, x.view(), b, w.view(), {}); }},
      {"conv2d_backward_filter: dw", [&] { ops().conv2d_backward_filter(options, x.view(), y.view(), b, {}); }},
      {"bias_add: bias", [&] { ops().bias_add(b, y.view()); }},
      {"bias_add: y", [&] { ops().bias_add(bias.view(), bias.view()); }},
      {"bias_gradient: dbias", [&] { ops().bias_gradient(y.view(), b, {}); }},
      {"linear_forward: w", [&] { ops().linear_forward({4}, x.view(), b, {}, flat_y.view(), {}); }},
      {"linear_forward: bias", [&] { ops().linear_forward({4}, x.view(), flat_w.view(), b, flat_y.view(), {}); }},
      {"linear_forward: y", [&] { ops().linear_forward({4}, x.view(), flat_w.view(), {}, b, {}); }},
      {"linear_backward_data: dy", [&] { ops().linear_backward_data({4}, b, flat_w.view(), x.view(), {}); }},
      {"linear_backward_data: w", [&] { ops().linear_backward_data({4}, flat_y.view(), b, x.view(), {}); }},
      {"linear_backward_weight: dy", [&] { ops().linear_backward_weight({4}, x.view(), b, flat_w.view(), {}); }},
      {"linear_backward_weight: dw", [&] { ops().linear_backward_weight({4}, x.view(), flat_y.view(), b, {}); }},
      {"max_pool2d_forward: y", [&] { ops().max_pool2d_forward({}, x.view(), b, index.view()); }},
      {"max_pool2d_forward: index", [&] { ops().max_pool2d_forward({}, x.view(), pooled.view(), pooled.view()); }},
      {"max_pool2d_backward: dy", [&] { ops().max_pool2d_backward({}, b, index.view(), x.view()); }},
      {"max_pool2d_backward: index", [&] { ops().max_pool2d_backward({}, pooled.view(), b, x.view()); }},
      {"avg_pool2d_forward: y", [&] { ops().avg_pool2d_forward({}, x.view(), b); }},
      {"avg_pool2d_backward: dy", [&] { ops().avg_pool2d_backward({}, b, x.view()); }},
      {"relu_forward: y", [&] { ops().relu_forward(x.view(), b); }},
      {"relu_backward: dy", [&] { ops().relu_backward(x.view(), b, x.view()); }},
      {"relu_backward: dx", [&] { ops().relu_backward(x.view(), x.view(), b); }},
      {"tanh_forward: y", [&] { ops().tanh_forward(x.view(), b); }},
      {"tanh_backward: dy", [&] { ops().tanh_backward(x.view(), b, x.view()); }},
      {"tanh_backward: dx", [&] { ops().tanh_backward(x.view(), x.view(), b); }},
      {"add_forward: b", [&] { ops().add_forward(x.view(), b, x.view()); }},
      {"add_forward: y", [&] { ops().add_forward(x.view(), x.view(), b); }},
      {"add_backward: dx", [&] { ops().add_backward(x.view(), b); }},
      {"softmax_forward: x", [&] { ops().softmax_forward(x.view(), x.view()); }},
      {"softmax_forward: y", [&] { ops().softmax_forward(scores.view(), b); }},
      {"softmax_backward: dy", [&] { ops().softmax_backward(scores.view(), b, scores.view()); }},
      {"softmax_backward: dx", [&] { ops().softmax_backward(scores.view(), scores.view(), b); }},
      {"log_softmax_forward: x", [&] { ops().log_softmax_forward(x.view(), x.view()); }},
      {"log_softmax_forward: y", [&] { ops().log_softmax_forward(s, b); }},
      {"log_softmax_backward: dy", [&] { ops().log_softmax_backward(s, b, s); }},
      {"log_softmax_backward: dx", [&] { ops().log_softmax_backward(s, s, b); }},
      {"softmax_cross_entropy_forward: labels", [&] { cross_entropy({}, n, {}, s, n, o, o); }},
      {"softmax_cross_entropy_forward: class_weights", [&] { cross_entropy({}, l, b, s, n, o, o); }},
      {"softmax_cross_entropy_forward: class_weights", [&] { cross_entropy(weighted, l, {}, s, n, o, o); }},
      {"softmax_cross_entropy_forward: probabilities", [&] { cross_entropy({}, l, {}, b, n, o, o); }},
      {"softmax_cross_entropy_forward: losses", [&] { cross_entropy({}, l, {}, s, b, o, o); }},
      {"softmax_cross_entropy_forward: total_weight", [&] { cross_entropy({}, l, {}, s, n, b, o); }},
      {"softmax_cross_entropy_forward: loss:", [&] { cross_entropy({}, l, {}, s, n, o, b); }},
      {"softmax_cross_entropy_backward: class_weights", [&] { cross_entropy_gradient(b, o, o, s); }},
      {"softmax_cross_entropy_backward: total_weight", [&] { cross_entropy_gradient({}, b, o, s); }},
      {"softmax_cross_entropy_backward: dloss", [&] { cross_entropy_gradient({}, o, b, s); }},
      {"softmax_cross_entropy_backward: dlogits", [&] { cross_entropy_gradient({}, o, o, b); }},
      {"soft_cross_entropy_forward: expected logits", [&] { soft({}, n, {}, s, n, o); }},
      {"soft_cross_entropy_forward: targets", [&] { soft({}, single.view(), {}, s, n, o); }},
      {"soft_cross_entropy_forward: class_weights", [&] { soft(weighted, s, {}, s, n, o); }},
      {"soft_cross_entropy_forward: probabilities", [&] { soft({}, s, {}, b, n, o); }},
      {"soft_cross_entropy_forward: losses", [&] { soft({}, s, {}, s, b, o); }},
      {"soft_cross_entropy_forward: loss:", [&] { soft({}, s, {}, s, n, b); }},
      {"soft_cross_entropy_backward: class_weights", [&] { ops().soft_cross_entropy_backward({}, s, s, b, o, s); }},
      {"soft_cross_entropy_backward: dloss", [&] { ops().soft_cross_entropy_backward({}, s, s, {}, b, s); }},
      {"soft_cross_entropy_backward: dlogits", [&] { ops().soft_cross_entropy_backward({}, s, s, {}, o, b); }},
      {"hinge_loss_forward: expected scores [N, classes]", [&] { ops().hinge_loss_forward({}, x.view(), l, n, o); }},
      {"hinge_loss_forward: labels", [&] { ops().hinge_loss_forward({}, s, n, n, o); }},
      {"hinge_loss_forward: losses", [&] { ops().hinge_loss_forward({}, s, l, b, o); }},
      {"hinge_loss_forward: loss:", [&] { ops().hinge_loss_forward({}, s, l, n, b); }},
      {"hinge_loss_backward: dloss", [&] { ops().hinge_loss_backward({}, s, l, b, s); }},
      {"hinge_loss_backward: dscores", [&] { ops().hinge_loss_backward({}, s, l, o, b); }},
      {"mean_squared_error_forward: x", [&] { ops().mean_squared_error_forward(n, n, n, o); }},
      {"mean_squared_error_forward: target", [&] { ops().mean_squared_error_forward(s, b, n, o); }},
      {"mean_squared_error_forward: losses", [&] { ops().mean_squared_error_forward(s, s, b, o); }},
      {"mean_squared_error_forward: loss:", [&] { ops().mean_squared_error_forward(s, s, n, b); }},
      {"mean_squared_error_backward: dloss", [&] { ops().mean_squared_error_backward(s, s, b, s); }},
      {"mean_squared_error_backward: dx", [&] { ops().mean_squared_error_backward(s, s, o, b); }},
      {"binary_cross_entropy_forward: x", [&] { ops().binary_cross_entropy_forward(n, n, n, o); }},
      {"binary_cross_entropy_forward: target", [&] { ops().binary_cross_entropy_forward(s, b, n, o); }},
      {"binary_cross_entropy_forward: losses", [&] { ops().binary_cross_entropy_forward(s, s, b, o); }},
      {"binary_cross_entropy_forward: loss:", [&] { ops().binary_cross_entropy_forward(s, s, n, b); }},
      {"binary_cross_entropy_backward: dloss", [&] { ops().binary_cross_entropy_backward(s, s, b, s); }},
      {"binary_cross_entropy_backward: dx", [&] { ops().binary_cross_entropy_backward(s, s, o, b); }},
      {"distance_forward: a", [&] { ops().distance_forward(DistanceNorm::l1, x.view(), s, b); }},
      {"distance_forward: b", [&] { ops().distance_forward(DistanceNorm::l1, s, b, s); }},
      {"distance_forward: y", [&] { ops().distance_forward(DistanceNorm::l1, s, s, b); }},
      {"sgd_step: g", [&] { ops().sgd_step({}, w.view(), b, w.view(), {}); }},
      {"sgd_step: v", [&] { ops().sgd_step({}, w.view(), w.view(), b, {}); }},
      {"sgd_step: copy: expected bf16 or f16", [&] { ops().sgd_step({}, w.view(), w.view(), w.view(), w.view()); }},
      {"adam_step: g", [&] { ops().adam_step({}, w.view(), b, w.view(), w.view(), {}); }},
      {"adam_step: m", [&] { ops().adam_step({}, w.view(), w.view(), b, w.view(), {}); }},
      {"adam_step: v", [&] { ops().adam_step({}, w.view(), w.view(), w.view(), b, {}); }},
      {"adam_step: copy", [&] { ops().adam_step({}, w.view(), w.view(), w.view(), w.view(), w.view()); }},
      {"rmsprop_step: g", [&] { ops().rmsprop_step({}, w.view(), b, w.view(), w.view(), {}); }},
      {"rmsprop_step: v", [&] { ops().rmsprop_step({}, w.view(), w.view(), b, w.view(), {}); }},
      {"rmsprop_step: b", [&] { ops().rmsprop_step({}, w.view(), w.view(), w.view(), b, {}); }},
      {"rmsprop_step: copy", [&] { ops().rmsprop_step({}, w.view(), w.view(), w.view(), w.view(), w.view()); }},
      {"adagrad_step: g", [&] { ops().adagrad_step({}, w.view(), b, w.view(), {}); }},
      {"adagrad_step: v", [&] { ops().adagrad_step({}, w.view(), w.view(), b, {}); }},
      {"adagrad_step: copy", [&] { ops().adagrad_step({}, w.view(), w.view(), w.view(), w.view()); }},
      {"average_step: w", [&] { ops().average_step(0.5, w.view(), b, {}); }},
      {"sum_of_squares: sum", [&] { ops().sum_of_squares(w.view(), w.view(), {}); }},
      {"nonfinite: first", [&] { ops().nonfinite(w.view(), w.view(), {}); }},
  };
  for (const auto& call : calls)
    EXPECT_EQ(message_of(call.call).rfind("reference " + std::string(call.expected), 0), 0u)
        << call.expected << " | " << message_of(call.call);
}

TEST_F(WrongArguments, LabelOutsideTheClasses) {
  Tensor scores = constant({2, 5}, 0.2), losses = constant({2}, 0), loss = constant({1}, 0);
  for (const double wrong : {5.0, -1.0}) {
    const Tensor label = doubles({2}, {4, wrong}).converted(DType::i32);
    EXPECT_EQ(message_of([&] {
                ops().softmax_cross_entropy_forward({}, scores.view(), label.view(), {}, scores.view(), losses.view(),
                                                    loss.view(), loss.view());
              }),
              "reference softmax_cross_entropy_forward: labels[1]: expected 0 to 4, got " + std::to_string(int(wrong)));
    EXPECT_EQ(
        message_of([&] { ops().hinge_loss_forward({}, scores.view(), label.view(), losses.view(), loss.view()); }),
        "reference hinge_loss_forward: labels[1]: expected 0 to 4, got " + std::to_string(int(wrong)));
  }
}

TEST_F(WrongArguments, TargetsThatAreNoProbabilities) {
  const Tensor scores = constant({2, 3}, 0.2);
  Tensor p = constant({2, 3}, 0), losses = constant({2}, 0), loss = constant({1}, 0);
  const auto message = [&](std::vector<double> targets) {
    targets.insert(targets.begin(), {0, 1, 0});
    const Tensor t = doubles({2, 3}, targets);
    return message_of([&] {
      ops().soft_cross_entropy_forward({}, scores.view(), t.view(), {}, p.view(), losses.view(), loss.view());
    });
  };
  const std::string row =
      "reference soft_cross_entropy_forward: targets, row 1: expected numbers of at least 0 that add up to 1, got ";
  EXPECT_EQ(message({0.5, 1, 0}), row + "a sum of 1.5");
  EXPECT_EQ(message({0.5, -0.5, 1}), row + "-0.5 for class 1");
  const Tensor images = constant({1, 2, 1, 2}, 0.2);
  const Tensor t = doubles({1, 2, 1, 2}, {1, 0.5, 0, 0.25});
  Tensor q = constant({1, 2, 1, 2}, 0), each = constant({1, 1, 2}, 0);
  EXPECT_EQ(message_of([&] {
              ops().soft_cross_entropy_forward({}, images.view(), t.view(), {}, q.view(), each.view(), loss.view());
            }),
            "reference soft_cross_entropy_forward: targets, row 0, position 1: expected numbers of at least 0 that add "
            "up to 1, got a sum of 0.75");
}

// An index from a faulty device must not make the reference write outside dx.
TEST_F(WrongArguments, WinnerOutsideTheImage) {
  const MaxPool2dOptions pool{.kernel = 3, .stride = 2, .padding = 1};
  const Shape shape{1, 1, 4, 4};
  const Tensor dy = constant({1, 1, 2, 2}, 1);
  for (const double wrong : {0.0, 9.0, 255.0}) {  // padding, beyond the window
    const Tensor index = doubles({1, 1, 2, 2}, {wrong, 4, 4, 4}).converted(DType::u8);
    EXPECT_NE(
        message_of([&] { max_pool2d_dx(pool, dy, index, shape); }).find("index: expected winners inside the image"),
        std::string::npos);
  }
  const Tensor index = doubles({1, 1, 2, 2}, {4, 4, 4, 4}).converted(DType::u8);
  EXPECT_NO_THROW(max_pool2d_dx(pool, dy, index, shape));
}

}  // namespace
}  // namespace fovea::reference_test
