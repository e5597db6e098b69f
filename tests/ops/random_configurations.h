// SPDX-License-Identifier: Apache-2.0
//
// Random configurations of the oldest layers, for register_layer_tests; later ones keep theirs in X_cases.h.
#pragma once
#include <algorithm>
#include <memory>

#include "core/layers/add.h"
#include "core/layers/avg_pool2d.h"
#include "core/layers/conv2d.h"
#include "core/layers/linear.h"
#include "core/layers/max_pool2d.h"
#include "core/layers/min_pool2d.h"
#include "core/layers/relu.h"
#include "core/layers/softmax.h"
#include "core/layers/softmax_cross_entropy.h"
#include "core/layers/sum_pool2d.h"
#include "core/layers/tanh.h"
#include "tests/support/layer_test.h"
#include "tests/support/random_pick.h"

namespace fovea::test {

inline LayerCase random_conv2d_case(RandomStream& random) {
  const std::int64_t groups = pick(random, 1, 3);
  Conv2dOptions o;
  o.out_channels = groups * pick(random, 1, 5);
  o.kernel = pick_size(random, 1, 4);
  o.stride = pick_size(random, 1, 3);
  o.padding = pick_padding(random, o.kernel.h - 1, o.kernel.w - 1);
  o.dilation = pick_size(random, 1, 2);
  o.groups = groups;
  o.bias = pick_bool(random);
  // Large enough for one window.
  const std::int64_t h = o.dilation.h * (o.kernel.h - 1) + 1, w = o.dilation.w * (o.kernel.w - 1) + 1;
  const Shape x{pick(random, 1, 3), groups * pick(random, 1, 4), h + pick(random, 0, 8), w + pick(random, 0, 8)};
  // Pixels that no window touches have no gradient.
  return {.name = "Conv2d",
          .layer = std::make_shared<Conv2d>(o),
          .inputs = {x},
          .exact_forward = true,
          .exact_backward = true,
          .backward_trust = ZeroTrust::off};
}

inline LayerCase random_linear_case(RandomStream& random) {
  return {
      .name = "Linear",
      .layer = std::make_shared<Linear>(LinearOptions{.out_features = pick(random, 1, 40), .bias = pick_bool(random)}),
      .inputs = {{pick(random, 1, 9), pick(random, 1, 70)}},
      .exact_forward = true,
      .exact_backward = true};
}

inline LayerCase random_max_pool2d_case(RandomStream& random) {
  MaxPool2dOptions o;
  o.kernel = pick_size(random, 1, 4);
  o.stride = pick_size(random, 1, 4);
  o.padding = pick_padding(random, o.kernel.h / 2, o.kernel.w / 2);
  o.ceil_mode = pick_bool(random);
  return {.name = "MaxPool2d",
          .layer = std::make_shared<MaxPool2d>(o),
          .inputs = {pick_images(random, o.kernel.h, o.kernel.w)},
          .fills = {{.distinct = true}},
          .exact_forward = true,
          .exact_backward = true,
          .backward_trust = ZeroTrust::off};  // most elements win nothing
}

inline LayerCase random_min_pool2d_case(RandomStream& random) {
  LayerCase c = random_max_pool2d_case(random);
  c.name = "MinPool2d";
  c.layer = std::make_shared<MinPool2d>(dynamic_cast<const MaxPool2d&>(*c.layer).options());
  return c;
}

inline LayerCase random_avg_pool2d_case(RandomStream& random) {
  AvgPool2dOptions o;
  o.kernel = pick_size(random, 1, 4);
  o.stride = pick_size(random, 1, 4);
  o.padding = pick_padding(random, o.kernel.h / 2, o.kernel.w / 2);
  o.ceil_mode = pick_bool(random);
  o.count_include_pad = pick_bool(random);
  return {.name = "AvgPool2d",
          .layer = std::make_shared<AvgPool2d>(o),
          .inputs = {pick_images(random, o.kernel.h, o.kernel.w)},
          .backward_trust = ZeroTrust::off};
}

inline LayerCase random_sum_pool2d_case(RandomStream& random) {
  LayerCase c = random_avg_pool2d_case(random);
  const AvgPool2dOptions& o = dynamic_cast<const AvgPool2d&>(*c.layer).options();
  c.name = "SumPool2d";
  c.layer = std::make_shared<SumPool2d>(SumPool2dOptions{o.kernel, o.stride, o.padding, o.ceil_mode});
  c.exact_forward = c.exact_backward = true;
  return c;
}

inline LayerCase random_relu_case(RandomStream& random) {
  return {.name = "Relu",
          .layer = std::make_shared<Relu>(),
          .inputs = {pick_shape(random, 600)},
          .exact_forward = true,
          .exact_backward = true,
          .forward_trust = ZeroTrust::off,  // few elements may all be negative
          .backward_trust = ZeroTrust::off};
}

inline LayerCase random_tanh_case(RandomStream& random) {
  const float reach = random.uniform(0.1f, 12);
  return {.name = "Tanh",
          .layer = std::make_shared<Tanh>(),
          .inputs = {pick_shape(random, 600)},
          .fills = {{.low = -reach, .high = reach}},
          // Beyond 3.5 bf16 holds a y of 1, which has no gradient.
          .backward_trust = reach > 8 ? ZeroTrust::off : ZeroTrust::on};
}

inline LayerCase random_add_case(RandomStream& random) {
  const Shape x = pick_shape(random, 600);
  return {
      .name = "Add", .layer = std::make_shared<Add>(), .inputs = {x, x}, .exact_forward = true, .exact_backward = true};
}

// Scores in an interval of random width and place.
inline InputFill pick_scores(RandomStream& random) {
  const float offset = random.uniform(-50, 50), spread = random.uniform(0.1f, 10);
  return {.low = offset - spread, .high = offset + spread};
}

inline LayerCase random_softmax_case(RandomStream& random) {
  return {.name = "Softmax",
          .layer = std::make_shared<Softmax>(),
          .inputs = {{pick(random, 1, 9), pick(random, 2, 70)}},
          .fills = {pick_scores(random)}};
}

inline LayerCase random_softmax_cross_entropy_case(RandomStream& random) {
  const std::int64_t batch = pick(random, 1, 9), classes = pick(random, 2, 70);
  const bool positions = pick_bool(random);
  const Shape inner = positions ? Shape{pick(random, 1, 5), pick(random, 1, 9)} : Shape{};
  SoftmaxCrossEntropyOptions options;
  if (pick_bool(random)) options.label_smoothing = pick_real(random, 0, 0.99);
  // What the harness puts in their place is random.
  if (pick_bool(random)) options.class_weights.assign(static_cast<std::size_t>(classes), 1.0);
  return {.name = "SoftmaxCrossEntropy",
          .layer = std::make_shared<SoftmaxCrossEntropy>(options),
          .inputs = {inner.with_batch(classes).with_batch(batch), inner.with_batch(batch)},
          .fills = {pick_scores(random), {.classes = classes}}};
}

}  // namespace fovea::test
