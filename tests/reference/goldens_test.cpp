// SPDX-License-Identifier: Apache-2.0
//
// The reference against PyTorch. Where inputs are multiples of 1/4 and nothing is divided, both must give the same
// numbers, in float64 and in float32. Elsewhere both round: a result of K roundings, each relative to at most A, is off
// by at most K * 2^-53 * A, and so is PyTorch's: the tolerance is 2 * K * 2^-53 * A, with A the sum of the magnitudes
// of all terms.
#include "tests/reference/goldens.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "tests/reference/reference_ops.h"

namespace fovea::reference_test {
namespace {

using Values = std::vector<double>;

// What is wrong with `actual`, or nothing. `magnitude` is A for each element (or for all); `roundings` 0 asks for
// equality.
std::optional<std::string> difference(const Tensor& expected, const Tensor& actual, double roundings = 0,
                                      const Values& magnitude = {0}) {
  if (expected.shape() != actual.shape()) return "shape " + actual.shape().to_string();
  const Values a = elements(expected), b = elements(actual);
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double tolerance = 2 * roundings * 0x1p-53 * magnitude[magnitude.size() == 1 ? 0 : i];
    if (a[i] == b[i] || std::abs(a[i] - b[i]) <= tolerance) continue;
    return "element " + std::to_string(i) + ": expected " + std::to_string(a[i]) + ", got " + std::to_string(b[i]) +
           ", difference " + std::to_string((b[i] - a[i]) * 0x1p53) + " * 2^-53";
  }
  return std::nullopt;
}

// The check passes, and fails when any single element is moved beyond its tolerance.
void expect_same(const std::string& what, const Tensor& expected, const Tensor& actual, double roundings = 0,
                 const Values& magnitude = {0}) {
  const auto found = difference(expected, actual, roundings, magnitude);
  EXPECT_FALSE(found) << what << ": " << *found;
  Tensor moved = actual.converted(DType::f64);
  for (std::size_t i = 0; i < moved.span<double>().size(); ++i) {
    const double value = moved.span<double>()[i];
    const double tolerance = 2 * roundings * 0x1p-53 * magnitude[magnitude.size() == 1 ? 0 : i];
    moved.span<double>()[i] = value + 3 * tolerance + 0x1p-50 * (1 + std::abs(value));
    EXPECT_TRUE(difference(expected, moved, roundings, magnitude)) << what << ": the check missed element " << i;
    moved.span<double>()[i] = std::nan("");
    EXPECT_TRUE(difference(expected, moved, roundings, magnitude)) << what << ": the check missed a NaN at " << i;
    moved.span<double>()[i] = value;
  }
}

Values absolute(const Tensor& t) {
  Values values = elements(t);
  for (double& v : values) v = std::abs(v);
  return values;
}
Tensor absolute_tensor(const Tensor& t) { return doubles(t.shape(), absolute(t)); }

const DType both_types[] = {DType::f64, DType::f32};

Conv2dOptions conv_options(const GoldenCase& c) {
  return {.out_channels = static_cast<std::int64_t>(c.option("out_channels")),
          .kernel = c.size("kernel"),
          .stride = c.size("stride"),
          .padding = c.padding(),
          .dilation = c.size("dilation"),
          .groups = static_cast<std::int64_t>(c.option("groups")),
          .bias = c.has("bias")};
}

TEST(Goldens, Conv2d) {
  for (const GoldenCase& c : golden_cases("conv2d"))
    for (const DType dtype : both_types) {
      SCOPED_TRACE(c.name);
      const Conv2dOptions options = conv_options(c);
      const Tensor x = c["x"].converted(dtype), w = c["w"].converted(dtype), dy = c["dy"].converted(dtype);
      const Tensor bias = c.has("bias") ? c["bias"].converted(dtype) : Tensor();
      expect_same("y", c["y"], conv2d(options, x, w, bias));
      expect_same("dx", c["dx"], conv2d_dx(options, dy, w, x.shape()));
      expect_same("dw", c["dw"], conv2d_dw(options, x, dy));
      if (options.bias) {
        expect_same("dbias", c["dbias"], bias_gradient(dy));
        expect_same("y by bias_add", c["y"], bias_add(bias, conv2d(options, x, w)));
      }
    }
}

// Options that are not the golden's own give other numbers: the table tells them apart.
TEST(Goldens, Conv2dTellsOptionsApart) {
  int told = 0;
  for (const GoldenCase& c : golden_cases("conv2d")) {
    const Conv2dOptions options = conv_options(c);
    const auto differs = [&](Conv2dOptions other) {
      return difference(c["y"], conv2d(other, c["x"], c["w"])) && difference(c["dx"], [&] {
               const Tensor dy = c["dy"];
               return conv2d_output_shape(other, c["x"].shape()) == dy.shape()
                          ? conv2d_dx(other, dy, c["w"], c["x"].shape())
                          : Tensor(Shape{0}, DType::f64);
             }());
    };
    const auto swapped = [](Size2 size) { return Size2{size.w, size.h}; };
    Conv2dOptions other = options;
    if (c.name == "strides_differ") other.stride = swapped(options.stride);
    if (c.name == "dilations_differ") other.dilation = swapped(options.dilation), other.padding = {3, 2, 3, 2};
    if (c.name == "padding_all_different") other.padding = {2, 3, 0, 1};
    if (other.stride == options.stride && other.dilation == options.dilation && other.padding == options.padding)
      continue;
    EXPECT_TRUE(differs(other)) << c.name;
    ++told;
  }
  EXPECT_EQ(told, 3);
}

TEST(Goldens, Linear) {
  for (const GoldenCase& c : golden_cases("linear"))
    for (const DType dtype : both_types) {
      SCOPED_TRACE(c.name);
      const Tensor x = c["x"].converted(dtype), w = c["w"].converted(dtype), dy = c["dy"].converted(dtype);
      expect_same("y", c["y"], linear(x, w, c["bias"].converted(dtype)));
      expect_same("dx", c["dx"], linear_dx(dy, w, x.shape()));
      expect_same("dw", c["dw"], linear_dw(x, dy));
      expect_same("dbias", c["dbias"], bias_gradient(dy));
    }
}

TEST(Goldens, MaxPool2d) {
  for (const GoldenCase& c : golden_cases("max_pool2d"))
    for (const DType dtype : both_types) {
      SCOPED_TRACE(c.name);
      const MaxPool2dOptions options{.kernel = c.size("kernel"),
                                     .stride = c.size("stride"),
                                     .padding = c.padding(),
                                     .ceil_mode = c.option("ceil_mode") != 0};
      const Tensor x = c["x"].converted(dtype), dy = c["dy"].converted(dtype);
      const MaxPool pooled = max_pool2d(options, x);
      expect_same("y", c["y"], pooled.y);
      expect_same("dx", c["dx"], max_pool2d_dx(options, dy, pooled.index, x.shape()));

      // PyTorch's winners are positions h*W + w in the image.
      const Pool2dGeometry g = max_pool2d_geometry(options, x.shape());
      Tensor position = pooled.index.converted(DType::f64);
      const auto winner = position.span<double>();
      for (std::size_t i = 0; i < winner.size(); ++i) {
        const auto output = static_cast<std::int64_t>(i), index = static_cast<std::int64_t>(winner[i]);
        const std::int64_t h = output / g.Q % g.P * g.stride_h - g.pad_top + index / g.S;
        const std::int64_t w = output % g.Q * g.stride_w - g.pad_left + index % g.S;
        winner[i] = static_cast<double>(h * g.W + w);
      }
      expect_same("winners", c["position"], position);
    }
}

TEST(Goldens, AvgPool2d) {
  for (const GoldenCase& c : golden_cases("avg_pool2d")) {
    SCOPED_TRACE(c.name);
    AvgPool2dOptions options{.kernel = c.size("kernel"),
                             .stride = c.size("stride"),
                             .padding = c.padding(),
                             .ceil_mode = c.option("ceil_mode") != 0,
                             .count_include_pad = c.option("count_include_pad") != 0};
    // Forward the sum is exact and one division rounds; backward each share rounds, and each addition.
    expect_same("y", c["y"], avg_pool2d(options, c["x"]), 1, absolute(c["y"]));
    const double windows = static_cast<double>(((options.kernel.h - 1) / options.stride.h + 1) *
                                               ((options.kernel.w - 1) / options.stride.w + 1));
    const Values shares = elements(avg_pool2d_dx(options, absolute_tensor(c["dy"]), c["x"].shape()));
    expect_same("dx", c["dx"], avg_pool2d_dx(options, c["dy"], c["x"].shape()), windows, shares);

    if (options.padding == Padding2(0)) continue;
    options.count_include_pad = !options.count_include_pad;
    EXPECT_TRUE(difference(c["y"], avg_pool2d(options, c["x"]), 1, absolute(c["y"])));
  }
}

TEST(Goldens, Relu) {
  for (const GoldenCase& c : golden_cases("relu"))
    for (const DType dtype : both_types) {
      const Tensor y = relu(c["x"].converted(dtype));
      expect_same("y", c["y"], y);
      expect_same("dx", c["dx"], relu_dx(y, c["dy"].converted(dtype)));
    }
}

TEST(Goldens, Add) {
  for (const GoldenCase& c : golden_cases("add"))
    for (const DType dtype : both_types) {
      expect_same("y", c["y"], add(c["a"].converted(dtype), c["b"].converted(dtype)));
      expect_same("da", c["da"], add_dx(c["dy"].converted(dtype)));
      expect_same("db", c["db"], add_dx(c["dy"].converted(dtype)));
    }
}

// Of library functions we grant 4 roundings: tanh, exp and log are within 2 units in the last place.
TEST(Goldens, Tanh) {
  for (const GoldenCase& c : golden_cases("tanh")) {
    SCOPED_TRACE(c.name);
    const Tensor y = tanh(c["x"]);
    expect_same("y", c["y"], y, 4, absolute(c["y"]));
    // dy * (1 - y*y): y may be off by 4 roundings, which y*y doubles; then three operations.
    expect_same("dx", c["dx"], tanh_dx(y, c["dy"]), 2 * 4 + 3, absolute(c["dy"]));
  }
}

TEST(Goldens, Softmax) {
  for (const GoldenCase& c : golden_cases("softmax")) {
    SCOPED_TRACE(c.name);
    const Tensor y = softmax(c["x"]), &dy = c["dy"];
    // exp above and below the fraction line, C - 1 additions, one division; the shift by the maximum is exact.
    const auto N = static_cast<std::size_t>(y.shape()[0]), C = static_cast<std::size_t>(y.shape()[1]);
    const double of_y = 4 + 4 + static_cast<double>(C - 1) + 1;
    expect_same("y", c["y"], y, of_y, absolute(c["y"]));

    // y * (dy - sum dy*y): y twice, C products and C - 1 additions, a difference, a product.
    const double of_dx = 2 * of_y + 2 * static_cast<double>(C) + 1;
    const Values p = elements(y), g = absolute(dy);
    Values terms(N * C);
    for (std::size_t n = 0; n < N; ++n) {
      double sum = 0;
      for (std::size_t j = 0; j < C; ++j) sum += g[n * C + j] * p[n * C + j];
      for (std::size_t j = 0; j < C; ++j) terms[n * C + j] = p[n * C + j] * (g[n * C + j] + sum);
    }
    expect_same("dx", c["dx"], softmax_dx(y, dy), of_dx, terms);
  }
}

TEST(Goldens, SoftmaxCrossEntropy) {
  for (const GoldenCase& c : golden_cases("softmax_cross_entropy")) {
    SCOPED_TRACE(c.name);
    const Tensor &logits = c["logits"], labels = c["labels"].converted(DType::i32);
    const CrossEntropy result = softmax_cross_entropy(logits, labels);
    const auto N = static_cast<double>(logits.shape()[0]), C = static_cast<double>(logits.shape()[1]);
    const double of_z = 4 + C - 1, of_p = 4 + of_z + 1;
    expect_same("probabilities", c["probabilities"], result.probabilities, of_p, absolute(c["probabilities"]));
    // log z + (m - logit): an error of z is the same absolute error of log z; the terms are z's 1 at least, log z and
    // the logits, whichever way they are added up.
    double largest = 1 + std::log(C);
    for (const double logit : elements(logits)) largest = std::max(largest, 1 + std::log(C) + 2 * std::abs(logit));
    expect_same("losses", c["losses"], result.losses, of_z + 4 + 2, {largest});
    expect_same("loss", c["loss"], result.loss, of_z + 4 + 2 + N, {largest});
    // dloss / N * (p - [c == label]): a division, a difference and a product.
    const double scale = std::abs(elements(c["dloss"])[0]) / N;
    expect_same("dlogits", c["dlogits"], softmax_cross_entropy_dlogits(result, labels, c["dloss"]), of_p + 3, {scale});
  }
}

TEST(Goldens, Sgd) {
  for (const GoldenCase& c : golden_cases("sgd"))
    for (const DType dtype : both_types) {
      const bool rounds = c.name.rfind("usual", 0) == 0;
      if (rounds && dtype == DType::f32) continue;  // PyTorch fuses float operations; ours are compared between devices
      SCOPED_TRACE(c.name);
      const SgdOptions options{.learning_rate = static_cast<float>(c.option("learning_rate")),
                               .momentum = static_cast<float>(c.option("momentum")),
                               .weight_decay = static_cast<float>(c.option("weight_decay")),
                               .nesterov = c.option("nesterov") != 0};
      Tensor w = c["w"].converted(dtype), v = constant(w.shape(), 0).converted(dtype);
      const Values gradients = elements(c["g"]), weights = elements(c["w_after"]);
      const auto n = static_cast<std::size_t>(w.elements());
      for (std::size_t step = 0; step < 5; ++step) {
        const auto part = [&](const Values& all) {
          const auto begin = all.begin() + static_cast<std::ptrdiff_t>(step * n);
          return doubles(w.shape(), Values(begin, begin + static_cast<std::ptrdiff_t>(n)));
        };
        sgd_step(options, w, part(gradients).converted(dtype), v);
        // Eight operations a step. |w| <= 2 at first and |g| <= 2, so |v| <= 5 * 2.1 and each step moves w by at most
        // 0.01 * (2.1 + 10.5): nothing here exceeds 16.
        expect_same("w", part(weights), w, rounds ? 8 * static_cast<double>(step + 1) : 0, {16});
      }
    }
}

TEST(Goldens, CoverEveryOption) {
  const auto count = [](const char* op) { return golden_cases(op).size(); };
  EXPECT_GE(count("conv2d"), 12u);
  EXPECT_GE(count("max_pool2d"), 10u);
  EXPECT_GE(count("avg_pool2d"), 10u);
  EXPECT_GE(count("sgd"), 8u);
  EXPECT_NE(golden_text("sgd").find("\"torch\":\"1.13"), std::string::npos);
}

}  // namespace
}  // namespace fovea::reference_test
