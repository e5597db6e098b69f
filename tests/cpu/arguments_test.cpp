// SPDX-License-Identifier: Apache-2.0
//
// One clear error for images that do not lie alike, for another dtype, another shape, another memory, or nothing.
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "core/backend/device_list.h"
#include "core/support/error.h"

namespace fovea {
namespace {

class CpuArguments : public testing::Test {
 protected:
  std::string message_of(const std::function<void(Ops&)>& call) {
    const std::uint64_t before = backend_->executed();
    try {
      call(cpu_);
    } catch (const InputError& error) {
      EXPECT_EQ(backend_->executed(), before) << "what is refused is not run";
      return error.what();
    }
    return "no InputError";
  }

  std::unique_ptr<Backend> backend_ = open_device("cpu");
  Ops& cpu_ = *backend_->choose("relu", Direction::forward, {}).ops;
  const Shape shape_{2, 3, 4, 4}, half_{2, 3, 2, 2}, channels_{3};
  Tensor plain_ = Tensor::zeros(shape_), last_ = plain_.in_layout(Layout::nhwc), wide_ = plain_.converted(DType::f64);
  Tensor small_ = Tensor::zeros(half_), small_last_ = small_.in_layout(Layout::nhwc);
  Tensor index_ = Tensor::zeros(half_, DType::u8), wide_index_ = Tensor::zeros(half_, DType::i32);
  Tensor vector_ = Tensor::zeros(channels_), spare_ = Tensor::zeros(channels_);
};

TEST_F(CpuArguments, SixteenBitTensorsAreRefused) {
  for (const DType dtype : {DType::bf16, DType::f16}) {
    Tensor narrow = plain_.converted(dtype), weight = Tensor::zeros({3, 3, 1, 1}, dtype);
    const std::string got =
        ": device cpu stores f32 only, got " + std::string(name_of(dtype)) + " [2, 3, 4, 4] nchw on host";
    EXPECT_EQ(message_of([&](Ops& ops) { ops.relu_forward(narrow.view(), narrow.view()); }), "relu_forward: x" + got);
    EXPECT_EQ(message_of([&](Ops& ops) { ops.add_backward(narrow.view(), narrow.view()); }), "add_backward: dy" + got);
    const Conv2dOptions pointwise{.out_channels = 3, .bias = false};
    EXPECT_EQ(message_of([&](Ops& ops) {
                ops.conv2d_forward(pointwise, narrow.view(), weight.view(), {}, narrow.view(), {});
              }),
              "conv2d_forward: x" + got);
  }
}

TEST_F(CpuArguments, ImagesOfACallLieAlike) {
  const std::string wanted = "expected f32 [2, 3, 4, 4] nchw on host, got f32 [2, 3, 4, 4] nhwc on host";
  const std::string wanted_small = "expected f32 [2, 3, 2, 2] nhwc on host, got f32 [2, 3, 2, 2] nchw on host";
  EXPECT_EQ(message_of([&](Ops& ops) { ops.relu_forward(plain_.view(), last_.view()); }), "relu_forward: y: " + wanted);
  EXPECT_EQ(message_of([&](Ops& ops) { ops.relu_backward(plain_.view(), last_.view(), plain_.view()); }),
            "relu_backward: dy: " + wanted);
  EXPECT_EQ(message_of([&](Ops& ops) { ops.add_forward(plain_.view(), last_.view(), plain_.view()); }),
            "add_forward: b: " + wanted);
  EXPECT_EQ(message_of([&](Ops& ops) { ops.add_forward_relu(plain_.view(), plain_.view(), last_.view()); }),
            "add_forward_relu: y: " + wanted);
  EXPECT_EQ(message_of([&](Ops& ops) { ops.add_backward(plain_.view(), last_.view()); }),
            "add_backward: dx: " + wanted);
  EXPECT_EQ(message_of([&](Ops& ops) { ops.max_pool2d_forward({}, last_.view(), small_.view(), index_.view()); }),
            "max_pool2d_forward: y: " + wanted_small);
  EXPECT_EQ(message_of([&](Ops& ops) { ops.max_pool2d_forward({}, last_.view(), small_last_.view(), index_.view()); }),
            "max_pool2d_forward: index: expected u8 [2, 3, 2, 2] nhwc on host, got u8 [2, 3, 2, 2] nchw on host");
  EXPECT_EQ(message_of([&](Ops& ops) { ops.max_pool2d_backward({}, small_.view(), index_.view(), last_.view()); }),
            "max_pool2d_backward: dy: " + wanted_small);
  EXPECT_EQ(message_of([&](Ops& ops) { ops.avg_pool2d_forward({}, last_.view(), small_.view()); }),
            "avg_pool2d_forward: y: " + wanted_small);
  EXPECT_EQ(message_of([&](Ops& ops) { ops.avg_pool2d_backward({}, small_.view(), last_.view()); }),
            "avg_pool2d_backward: dy: " + wanted_small);
  EXPECT_EQ(message_of([&](Ops& ops) { ops.adaptive_avg_pool2d_forward({2}, last_.view(), small_.view()); }),
            "adaptive_avg_pool2d_forward: y: " + wanted_small);
  EXPECT_EQ(message_of([&](Ops& ops) { ops.adaptive_avg_pool2d_backward({2}, small_.view(), last_.view()); }),
            "adaptive_avg_pool2d_backward: dy: " + wanted_small);
  const auto batch_norm = [&](Ops& ops, Tensor& y) {
    ops.batch_norm_inference({}, plain_.view(), vector_.view(), vector_.view(), vector_.view(), vector_.view(),
                             y.view());
  };
  EXPECT_EQ(message_of([&](Ops& ops) { batch_norm(ops, last_); }), "batch_norm_inference: y: " + wanted);
}

TEST_F(CpuArguments, WeightsMatricesAndMasksArePlain) {
  const RandomKey key{};
  const Tensor w = Tensor::zeros({5, 48});
  Tensor y = Tensor::zeros({2, 5});
  const std::string wanted = "expected f32 [2, 3, 4, 4] nchw on host, got f32 [2, 3, 4, 4] nhwc on host";
  EXPECT_EQ(message_of([&](Ops& ops) { ops.dropout_forward({}, key, last_.view(), last_.view()); }),
            "dropout_forward: x: " + wanted);
  EXPECT_EQ(message_of([&](Ops& ops) { ops.linear_forward({5}, last_.view(), w.view(), {}, y.view(), {}); }),
            "linear_forward: x: " + wanted);
  EXPECT_EQ(message_of([&](Ops& ops) { ops.sgd_step({}, plain_.view(), last_.view(), plain_.view(), {}); }),
            "sgd_step: g: " + wanted);
  for (const char* name : {"g", "m", "v"}) {
    const auto at = [&](const char* argument) { return name == std::string(argument) ? last_.view() : plain_.view(); };
    EXPECT_EQ(message_of([&](Ops& ops) { ops.adam_step({}, plain_.view(), at("g"), at("m"), at("v"), {}); }),
              std::string("adam_step: ") + name + ": " + wanted);
  }
}

TEST_F(CpuArguments, DtypeShapeAndNothing) {
  EXPECT_EQ(message_of([&](Ops& ops) { ops.relu_forward(wide_.view(), wide_.view()); }),
            "relu_forward: x: expected f32 [2, 3, 4, 4] nchw on host, got f64 [2, 3, 4, 4] nchw on host");
  EXPECT_EQ(message_of([&](Ops& ops) { ops.relu_forward(plain_.view(), small_.view()); }),
            "relu_forward: y: expected f32 [2, 3, 4, 4] nchw on host, got f32 [2, 3, 2, 2] nchw on host");
  EXPECT_EQ(message_of([&](Ops& ops) { ops.relu_forward(plain_.view(), {}); }),
            "relu_forward: y: expected f32 [2, 3, 4, 4] nchw on host, got none");
  EXPECT_EQ(message_of([&](Ops& ops) { ops.max_pool2d_forward({}, plain_.view(), small_.view(), wide_index_.view()); }),
            "max_pool2d_forward: index: expected u8 [2, 3, 2, 2] nchw on host, got i32 [2, 3, 2, 2] nchw on host");
  EXPECT_EQ(message_of([&](Ops& ops) { ops.convert_layout(plain_.view(), small_.view()); }),
            "convert_layout: y: expected f32 [2, 3, 4, 4] nchw on host, got f32 [2, 3, 2, 2] nchw on host");
  EXPECT_EQ(message_of([&](Ops& ops) { ops.convert_layout(wide_.view(), last_.view()); }),
            "convert_layout: x: expected f32 [2, 3, 4, 4] nchw on host, got f64 [2, 3, 4, 4] nchw on host");
  EXPECT_EQ(message_of([&](Ops& ops) { ops.bias_add(small_.view(), vector_.view()); }),
            "bias_add: y: expected [N, K, ...], got f32 [3] nchw on host");
  EXPECT_EQ(message_of([&](Ops& ops) { ops.bias_gradient(plain_.view(), small_.view(), {}); }),
            "bias_gradient: dbias: expected f32 [3] nchw on host, got f32 [2, 3, 2, 2] nchw on host");
}

// An index from elsewhere that names no element of its window.
TEST_F(CpuArguments, WinnersInsideTheImage) {
  for (const Layout layout : {Layout::nchw, Layout::nhwc, Layout::nchw8c, Layout::nchw16c}) {
    Tensor wrong = index_.to_host();
    wrong.span<std::uint8_t>()[11] = 4;
    Tensor dx = plain_.in_layout(layout);
    const Tensor dy = small_.in_layout(layout), right = index_.in_layout(layout), index = wrong.in_layout(layout);
    EXPECT_NO_THROW(cpu_.max_pool2d_backward({}, dy.view(), right.view(), dx.view())) << name_of(layout);
    EXPECT_EQ(message_of([&](Ops& ops) { ops.max_pool2d_backward({}, dy.view(), index.view(), dx.view()); }),
              "max_pool2d_backward: index: expected winners inside the image, got u8 [2, 3, 2, 2] " +
                  std::string(name_of(layout)) + " on host");
  }
}

}  // namespace
}  // namespace fovea
