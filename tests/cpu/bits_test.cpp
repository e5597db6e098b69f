// SPDX-License-Identifier: Apache-2.0
//
// Where the engine does the reference's arithmetic its results are the reference's bits; where it does its own twice, in
// place or out of place, fused or not, they are its own. NaN and other special values go through.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "core/backend/device_list.h"
#include "core/ops/random_key.h"
#include "core/support/parallel.h"
#include "tests/cpu/all_layouts.h"
#include "tests/support/checks.h"
#include "tests/support/devices.h"
#include "tests/support/fill.h"

namespace fovea::test {
namespace {

constexpr float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();

// Around vectors of every width, and where work is divided among threads.
constexpr std::int64_t sizes[] = {1, 2, 7, 8, 15, 16, 17, 31, 33, 63, 64, 65, 127, 129, 4095, 4097, 8191, 8193, 40000};

Tensor numbers(const Shape& shape, std::uint64_t which) { return reals(shape, stream_for("bits", which), -2, 3); }

// The values that comparisons and additions treat specially, among others.
Tensor with_special_values(const Shape& shape, std::uint64_t which) {
  Tensor t = numbers(shape, which);
  const float special[] = {nan, 0.0f, -0.0f, infinity, -infinity, 1e-40f, -1e-40f, -nan};
  const auto values = t.span<float>();
  for (std::size_t i = which % 3; i < values.size(); i += 3) values[i] = special[(i / 3 + which) % 8];
  return t;
}

Tensor fresh(const Tensor& like) {
  Tensor t(like.shape(), like.dtype(), host_memory(), like.layout());
  std::memset(t.view().data, 0xA5, t.bytes());
  return t;
}

class CpuBits : public testing::Test {
 protected:
  std::unique_ptr<Backend> backend_ = open_device("cpu");
  Ops& cpu_ = *backend_->choose("relu", Direction::forward, {}).ops;
  Ops& reference_ = truth_ops();
};

TEST_F(CpuBits, Relu) {
  for (const std::int64_t size : sizes) {
    const Tensor x = with_special_values({size}, 0), dy = with_special_values({size}, 1);
    Tensor y = fresh(x), expected = fresh(x), dx = fresh(x), expected_dx = fresh(x);
    reference_.relu_forward(x.view(), expected.view());
    cpu_.relu_forward(x.view(), y.view());
    EXPECT_TRUE(same_values(y, expected)) << size;
    reference_.relu_backward(expected.view(), dy.view(), expected_dx.view());
    cpu_.relu_backward(y.view(), dy.view(), dx.view());
    EXPECT_TRUE(same_values(dx, expected_dx)) << size;

    Tensor in_place = x.to_host(), gradient_in_place = dy.to_host();
    cpu_.relu_forward(in_place.view(), in_place.view());
    EXPECT_TRUE(same_values(in_place, y)) << size << ", in place";
    cpu_.relu_backward(y.view(), gradient_in_place.view(), gradient_in_place.view());
    EXPECT_TRUE(same_values(gradient_in_place, dx)) << size << ", in place";
  }
}

TEST_F(CpuBits, Add) {
  for (const std::int64_t size : sizes) {
    const Tensor a = with_special_values({size}, 0), b = with_special_values({size}, 1);
    Tensor y = fresh(a), expected = fresh(a), fused = fresh(a), copied = fresh(a);
    reference_.add_forward(a.view(), b.view(), expected.view());
    cpu_.add_forward(a.view(), b.view(), y.view());
    EXPECT_TRUE(same_values(y, expected)) << size;
    reference_.relu_forward(y.view(), expected.view());
    cpu_.add_forward_relu(a.view(), b.view(), fused.view());
    EXPECT_TRUE(same_values(fused, expected)) << size << ", with a ReLU";
    cpu_.add_backward(b.view(), copied.view());
    EXPECT_TRUE(same_bits(copied, b)) << size;

    Tensor left = a.to_host(), right = b.to_host(), left_fused = a.to_host();
    cpu_.add_forward(left.view(), b.view(), left.view());
    cpu_.add_forward(a.view(), right.view(), right.view());
    cpu_.add_forward_relu(left_fused.view(), b.view(), left_fused.view());
    EXPECT_TRUE(same_values(left, y)) << size << ", over a";
    EXPECT_TRUE(same_values(right, y)) << size << ", over b";
    EXPECT_TRUE(same_values(left_fused, fused)) << size << ", with a ReLU over a";
  }
}

TEST_F(CpuBits, Dropout) {
  const RandomKey key{.seed = 0x1234567890ABCDEF, .step = 7, .layer = 3};
  for (const double rate : {0.0, 0.1, 0.5, 0.99})
    for (const std::int64_t size : sizes) {
      const DropoutOptions options{rate};
      const Tensor x = with_special_values({size}, 0);
      Tensor y = fresh(x), expected = fresh(x), dx = fresh(x), in_place = x.to_host();
      reference_.dropout_forward(options, key, x.view(), expected.view());
      cpu_.dropout_forward(options, key, x.view(), y.view());
      EXPECT_TRUE(same_values(y, expected)) << rate << " of " << size;
      reference_.dropout_backward(options, key, x.view(), expected.view());
      cpu_.dropout_backward(options, key, x.view(), dx.view());
      EXPECT_TRUE(same_values(dx, expected)) << rate << " of " << size;
      cpu_.dropout_forward(options, key, in_place.view(), in_place.view());
      EXPECT_TRUE(same_values(in_place, y)) << rate << " of " << size << ", in place";
    }
}

TEST_F(CpuBits, SgdStep) {
  for (const bool nesterov : {false, true})
    for (const std::int64_t size : sizes) {
      const SgdOptions options{.learning_rate = 0.03f, .momentum = 0.9f, .weight_decay = 5e-4f, .nesterov = nesterov};
      Tensor w = numbers({size}, 0), v = numbers({size}, 1), expected_w = w.to_host(), expected_v = v.to_host();
      const Tensor g = numbers({size}, 2);
      for (int step = 0; step < 3; ++step) {
        reference_.sgd_step(options, expected_w.view(), g.view(), expected_v.view(), {});
        cpu_.sgd_step(options, w.view(), g.view(), v.view(), {});
      }
      EXPECT_TRUE(same_bits(w, expected_w)) << size << (nesterov ? ", Nesterov" : "");
      EXPECT_TRUE(same_bits(v, expected_v)) << size << (nesterov ? ", Nesterov" : "");
    }
}

TEST_F(CpuBits, AdamStep) {
  for (const bool decoupled : {false, true})
    for (const std::int64_t size : sizes) {
      const AdamOptions options{.learning_rate = 0.03, .weight_decay = 0.01, .decoupled = decoupled};
      Tensor w = numbers({size}, 0), m = numbers({size}, 1), v = reals({size}, stream_for("bits", 3), 0, 1);
      Tensor expected_w = w.to_host(), expected_m = m.to_host(), expected_v = v.to_host();
      const Tensor g = numbers({size}, 2);
      for (int step = 1; step <= 3; ++step) {
        reference_.adam_step(at_step(options, step), expected_w.view(), g.view(), expected_m.view(), expected_v.view(),
                             {});
        cpu_.adam_step(at_step(options, step), w.view(), g.view(), m.view(), v.view(), {});
      }
      EXPECT_TRUE(same_bits(w, expected_w)) << size << (decoupled ? ", decoupled" : "");
      EXPECT_TRUE(same_bits(m, expected_m)) << size << (decoupled ? ", decoupled" : "");
      EXPECT_TRUE(same_bits(v, expected_v)) << size << (decoupled ? ", decoupled" : "");
    }
}

// Forward transposes in tiles, and in parts where there are several threads: integers, so that any order is exact.
TEST_F(CpuBits, LinearInTilesAndParts) {
  for (const int threads : {1, 3})
    for (const std::int64_t N : {1, 31, 33, 70})
      for (const std::int64_t O : {1, 33, 900}) {
        set_thread_count(threads);
        const LinearOptions options{.out_features = O};
        const auto whole = [](const Shape& shape, std::uint64_t which) {
          return integers(shape, stream_for("linear", which), 8);
        };
        const Tensor x = whole({N, 9}, 0), w = whole({O, 9}, 1), bias = whole({O}, 2);
        Tensor y = fresh(Tensor::zeros({N, O})), expected = fresh(y);
        Tensor space(Shape{static_cast<std::int64_t>(cpu_.linear_workspace(LinearPass::forward, options, x.shape()))},
                     DType::u8);
        cpu_.linear_forward(options, x.view(), w.view(), bias.view(), y.view(), {space.view().data, space.bytes()});
        reference_.linear_forward(options, x.view(), w.view(), bias.view(), expected.view(), {});
        EXPECT_TRUE(same_values(y, expected)) << threads << " threads, [" << N << ", " << O << "]";
        set_thread_count(0);
      }
}

// Against copy_layout, padding included; and a NaN stays the NaN that it was.
TEST_F(CpuBits, ConvertLayout) {
  for (const std::int64_t C : {1, 3, 6, 8, 15, 16, 17, 33})
    for (const Shape& shape : {Shape{2, C, 7, 6}, Shape{1, C, 1, 1}, Shape{3, C, 2, 1}, Shape{1, C, 30, 31}}) {
      const Tensor plain = with_special_values(shape, 0);
      for (const Layout from : all_layouts)
        for (const Layout to : all_layouts) {
          const Tensor x = plain.in_layout(from), expected = plain.in_layout(to);
          Tensor y = fresh(expected);
          cpu_.convert_layout(x.view(), y.view());
          EXPECT_TRUE(same_bits(y, expected)) << shape.to_string() << " " << name_of(from) << " to " << name_of(to);
        }
    }
}

// The whole of batch_norm, with its statistics.
struct Normalised {
  Tensor y, running_mean, running_variance, mean, inverse;
};
Normalised normalise(Ops& ops, const Tensor& x, bool training, bool relu) {
  const Shape channels{x.shape()[1]};
  const Tensor weight = numbers(channels, 3), bias = numbers(channels, 4);
  Normalised r{fresh(x), numbers(channels, 5), reals(channels, stream_for("bits", 6), 0.5f, 2), Tensor::zeros(channels),
               Tensor::zeros(channels)};
  if (training) {
    const auto forward = relu ? &Ops::batch_norm_forward_relu : &Ops::batch_norm_forward;
    (ops.*forward)({}, x.view(), weight.view(), bias.view(), r.running_mean.view(), r.running_variance.view(),
                   r.y.view(), r.mean.view(), r.inverse.view(), {});
  } else {
    const auto inference = relu ? &Ops::batch_norm_inference_relu : &Ops::batch_norm_inference;
    (ops.*inference)({}, x.view(), weight.view(), bias.view(), r.running_mean.view(), r.running_variance.view(),
                     r.y.view());
  }
  return r;
}

// One NaN makes all of its channel NaN in training and itself in inference; the padding stays 0 either way.
TEST_F(CpuBits, BatchNormFusedAndNot) {
  for (const Layout layout : all_layouts)
    for (const std::int64_t C : {1, 3, 6, 16, 17, 33})
      for (const bool training : {true, false})
        for (const bool spoiled : {false, true}) {
          Tensor plain = numbers({2, C, 5, 4}, 0);
          if (spoiled) plain.span<float>()[static_cast<std::size_t>((C - 1) * 20 + 3)] = nan;
          const Tensor x = plain.in_layout(layout);
          const Normalised separate = normalise(cpu_, x, training, false), fused = normalise(cpu_, x, training, true);
          const std::string which = std::string(name_of(layout)) + " " + std::to_string(C);
          Tensor then_relu = fresh(x);
          cpu_.relu_forward(separate.y.view(), then_relu.view());
          EXPECT_TRUE(same_values(fused.y, then_relu)) << which;
          EXPECT_TRUE(same_values(fused.mean, separate.mean)) << which;
          EXPECT_TRUE(same_values(fused.inverse, separate.inverse)) << which;
          EXPECT_TRUE(same_values(fused.running_mean, separate.running_mean)) << which;
          EXPECT_TRUE(same_values(fused.running_variance, separate.running_variance)) << which;
          std::int64_t found = 0;
          for (const float value : fused.y.span<float>()) found += std::isnan(value);
          EXPECT_EQ(found, !spoiled ? 0 : training ? 2 * 20 : 1) << which;
          const Tensor again = fused.y.in_layout(Layout::nchw).in_layout(layout);
          EXPECT_TRUE(same_values(again, fused.y)) << which << ": padding";
        }
}

// A NaN wins, the first of several, and so does a largest value that comes twice.
TEST_F(CpuBits, MaxPoolingOfSpecialValues) {
  for (const bool minimum : {false, true})
    for (const MaxPool2dOptions& options :
         {MaxPool2dOptions{.minimum = minimum}, MaxPool2dOptions{.kernel = 3, .padding = 1, .minimum = minimum}})
      for (const std::int64_t C : {1, 3, 6, 16, 17, 33}) {
        const Tensor plain = with_special_values({2, C, 9, 8}, 0);
        const Shape out = max_pool2d_output_shape(options, plain.shape());
        Tensor expected(out), expected_index(out, DType::u8), expected_dx = fresh(plain);
        reference_.max_pool2d_forward(options, plain.view(), expected.view(), expected_index.view());
        const Tensor dy = integers(out, stream_for("bits", 1), 8);  // whose sums are exact
        reference_.max_pool2d_backward(options, dy.view(), expected_index.view(), expected_dx.view());
        for (const Layout layout : all_layouts) {
          const Tensor x = plain.in_layout(layout);
          Tensor y = fresh(expected.in_layout(layout)), index = fresh(expected_index.in_layout(layout)), dx = fresh(x);
          cpu_.max_pool2d_forward(options, x.view(), y.view(), index.view());
          cpu_.max_pool2d_backward(options, dy.in_layout(layout).view(), index.view(), dx.view());
          const std::string which = std::string(name_of(layout)) + " " + std::to_string(C);
          EXPECT_TRUE(same_values(y.in_layout(Layout::nchw), expected)) << which;
          EXPECT_TRUE(same_bits(index.in_layout(Layout::nchw), expected_index)) << which;
          EXPECT_TRUE(same_values(dx, expected_dx.in_layout(layout))) << which;
        }
      }
}

}  // namespace
}  // namespace fovea::test
