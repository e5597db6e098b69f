// SPDX-License-Identifier: Apache-2.0
//
// The check of fused ReLUs, shown to fail on the faults that it exists for.
#include "tests/support/fused_relu.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <string_view>

#include "core/layers/add.h"
#include "core/layers/batch_norm.h"
#include "core/layers/linear.h"
#include "core/layers/max_pool2d.h"
#include "core/layers/tanh.h"
#include "cpu_reference/reference_ops.h"
#include "tests/support/devices.h"

namespace fovea::test {
namespace {

enum class Fault {
  none,
  forgets,
  drops_nan,
  keeps_negative_zero,
  rounds_to_negative_zero,
  spoils_state,
  opens_at_zero,
  multiplies,
  spoils_weights,
  silent
};

// The reference, with fused forms that are made of the two operations and have the fault.
class FusingOps final : public ReferenceOps {
 public:
  explicit FusingOps(Fault fault) : fault_(fault) {}

  bool fuses_relu(std::string_view op, DType) const override {
    return fault_ != Fault::silent && (op == "add" || op == "batch_norm" || op == "linear");
  }
  bool fuses_relu_backward(std::string_view op) const override {
    return fault_ != Fault::silent && (op == "max_pool2d" || op == "linear");
  }
  void max_pool2d_backward_relu(const MaxPool2dOptions& options, ConstView x, ConstView dy, ConstView index,
                                View dx) override {
    max_pool2d_backward(options, dy, index, dx);
    gate(x, dx);
  }
  void linear_backward_data_relu(const LinearOptions& options, ConstView x, ConstView dy, ConstView w, View dx,
                                 Workspace workspace) override {
    linear_backward_data(options, dy, w, dx, workspace);
    gate(x, dx);
  }
  // Runs before the gradient of x.
  void bias_gradient(ConstView dy, View dbias, Workspace workspace) override {
    ReferenceOps::bias_gradient(dy, dbias, workspace);
    if (fault_ == Fault::spoils_weights) static_cast<float*>(dbias.data)[0] += static_cast<float>(++calls_);
  }
  void add_forward_relu(ConstView a, ConstView b, View y) override {
    add_forward(a, b, y);
    finish(y);
  }
  void linear_forward_relu(const LinearOptions& options, ConstView x, ConstView w, ConstView bias, View y,
                           Workspace workspace) override {
    linear_forward(options, x, w, bias, y, workspace);
    finish(y);
  }
  void batch_norm_forward_relu(const BatchNormOptions& options, ConstView x, ConstView weight, ConstView bias,
                               View running_mean, View running_variance, View y, View mean, View inverse_deviation,
                               Workspace workspace) override {
    batch_norm_forward(options, x, weight, bias, running_mean, running_variance, y, mean, inverse_deviation, workspace);
    finish(y);
    if (fault_ == Fault::spoils_state) static_cast<float*>(running_mean.data)[1] += 1;
  }

 private:
  template <class T>
  void finish_as(const View& y) {
    const T before = static_cast<T*>(y.data)[0];
    if (fault_ != Fault::forgets) relu_forward(y, y);
    T* const values = static_cast<T*>(y.data);
    const bool was_negative_zero = static_cast<float>(before) == 0 && std::signbit(static_cast<float>(before));
    if (fault_ == Fault::keeps_negative_zero && was_negative_zero) values[0] = before;
    for (std::int64_t i = 0; i < y.elements(); ++i) {
      const float value = static_cast<float>(values[i]);
      if (fault_ == Fault::drops_nan && std::isnan(value)) values[i] = T(0.0f);
      if (fault_ == Fault::rounds_to_negative_zero && value == 0) values[i] = T(-0.0f);
    }
  }
  void finish(const View& y) {
    if (y.dtype == DType::f32) return finish_as<float>(y);
    if (y.dtype == DType::bf16) return finish_as<bf16_t>(y);
    finish_as<f16_t>(y);
  }

  template <class T>
  void gate_as(const ConstView& x, const View& dx) {
    const T* const gates = static_cast<const T*>(x.data);
    T* const values = static_cast<T*>(dx.data);
    for (std::int64_t i = 0; i < dx.elements(); ++i) {
      const float gate = static_cast<float>(gates[i]), value = static_cast<float>(values[i]);
      bool open = !(gate <= 0);
      if (fault_ == Fault::drops_nan) open = gate > 0;
      if (fault_ == Fault::opens_at_zero) open = !(gate < 0);
      if (fault_ == Fault::forgets) open = true;
      if (fault_ == Fault::multiplies) values[i] = T(value * (open ? 1.0f : 0.0f));
      if (fault_ != Fault::multiplies && !open) values[i] = T(0.0f);
    }
  }
  void gate(const ConstView& x, const View& dx) {
    if (dx.dtype == DType::f32) return gate_as<float>(x, dx);
    if (dx.dtype == DType::bf16) return gate_as<bf16_t>(x, dx);
    gate_as<f16_t>(x, dx);
  }

  Fault fault_;
  int calls_ = 0;
};

class FusingBackend final : public Backend {
 public:
  explicit FusingBackend(Fault fault) : ops_(fault) {}
  std::string name() const override { return "fusing"; }
  std::shared_ptr<Memory> memory() override { return host_memory(); }
  EngineChoice choose(std::string_view, Direction, std::string_view) override { return {&ops_, "fusing"}; }
  std::uint64_t executed() const override { return ops_.executed(); }

 private:
  FusingOps ops_;
};

LayerCase add_case() { return {.name = "Add", .layer = std::make_shared<Add>(), .inputs = {{2, 99}, {2, 99}}}; }
LayerCase norm_case() {
  return {.name = "Norm", .layer = std::make_shared<BatchNorm>(BatchNormOptions{}), .inputs = {{7, 5}}};
}
LayerCase linear_case() {
  return {.name = "Linear", .layer = std::make_shared<Linear>(LinearOptions{.out_features = 9}), .inputs = {{6, 11}}};
}

LayerCase pool_case() {
  return {.name = "Pool", .layer = std::make_shared<MaxPool2d>(MaxPool2dOptions{}), .inputs = {{2, 3, 6, 8}}};
}

testing::AssertionResult check(Fault fault, LayerCase c, DType dtype = DType::f32) {
  FusingBackend backend(fault);
  c.dtype = dtype;
  return check_fused_relu(backend, c);
}
testing::AssertionResult check_backward_of(Fault fault, LayerCase c, DType dtype = DType::f32) {
  FusingBackend backend(fault);
  c.dtype = dtype;
  return check_fused_relu_backward(backend, c);
}
bool says(const testing::AssertionResult& result, const char* text) {
  return !result && std::strstr(result.message(), text) != nullptr;
}

TEST(FusedRelu, HonestFormsPassInEveryType) {
  for (const DType dtype : {DType::f32, DType::bf16, DType::f16})
    for (const LayerCase& c : {add_case(), norm_case(), linear_case()})
      EXPECT_TRUE(check(Fault::none, c, dtype)) << c.name << " " << name_of(dtype);
}

TEST(FusedRelu, FaultsAreFound) {
  for (const DType dtype : {DType::f32, DType::bf16, DType::f16})
    for (const LayerCase& c : {add_case(), norm_case(), linear_case()}) {
      EXPECT_TRUE(says(check(Fault::forgets, c, dtype), "fused ReLU: output 0")) << c.name;
      EXPECT_TRUE(says(check(Fault::drops_nan, c, dtype), "fused ReLU: output 0")) << c.name;
      EXPECT_TRUE(says(check(Fault::rounds_to_negative_zero, c, dtype), "fused ReLU: output 0")) << c.name;
    }
  EXPECT_TRUE(says(check(Fault::keeps_negative_zero, add_case()), "element 0: -0 and 0"));
  EXPECT_TRUE(says(check(Fault::spoils_state, norm_case()), "fused ReLU: output 3")) << "the running mean";
}

TEST(FusedRelu, WhoDoesNotClaimToFuseRefuses) {
  EXPECT_TRUE(check_fused_relu(truth_backend(), add_case())) << "the reference says so";
  EXPECT_TRUE(says(check(Fault::silent, add_case()), "does not claim to fuse a ReLU into add"));
  LayerCase other = add_case();
  other.layer = std::make_shared<Tanh>();
  other.inputs = {{4}};
  EXPECT_TRUE(says(check(Fault::none, other), "knows no ReLU"));
}

TEST(FusedReluBackward, HonestFormsPassInEveryType) {
  for (const DType dtype : {DType::f32, DType::bf16, DType::f16})
    for (const LayerCase& c : {pool_case(), linear_case()})
      EXPECT_TRUE(check_backward_of(Fault::none, c, dtype)) << c.name << " " << name_of(dtype);
}

TEST(FusedReluBackward, FaultsAreFound) {
  for (const DType dtype : {DType::f32, DType::bf16, DType::f16})
    for (const LayerCase& c : {pool_case(), linear_case()})
      for (const Fault fault : {Fault::forgets, Fault::drops_nan, Fault::opens_at_zero, Fault::multiplies})
        EXPECT_TRUE(says(check_backward_of(fault, c, dtype), "fused ReLU backward: output 0"))
            << c.name << ", fault " << static_cast<int>(fault);
  EXPECT_TRUE(says(check_backward_of(Fault::spoils_weights, linear_case()), "fused ReLU backward: output 2"))
      << "the bias's gradient";
}

TEST(FusedReluBackward, WhoDoesNotClaimToFuseRefuses) {
  for (const LayerCase& c : {pool_case(), linear_case()})
    EXPECT_TRUE(check_fused_relu_backward(truth_backend(), c)) << "the reference says so";
  EXPECT_TRUE(says(check_backward_of(Fault::silent, pool_case()), "does not claim to fuse a ReLU into max_pool2d"));
  EXPECT_TRUE(says(check_backward_of(Fault::none, add_case()), "knows no ReLU before it"));
}

TEST(SameValues, AreTheSameBitsOrNaN) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const DType dtype : {DType::f32, DType::bf16, DType::f16}) {
    const auto of = [&](float a, float b) {
      const Tensor wide = Tensor::from({2}, {a, b});
      return dtype == DType::f32 ? wide : wide.converted(dtype);
    };
    EXPECT_TRUE(same_values(of(1, nan), of(1, -nan)));
    EXPECT_FALSE(same_values(of(1, nan), of(1, 2)));
    EXPECT_FALSE(same_values(of(0.0f, 1), of(-0.0f, 1)));
    EXPECT_TRUE(says(same_values(of(1, 2), of(1, 3)), "element 1: 2 and 3"));
  }
  EXPECT_FALSE(same_values(Tensor::from({1}, {1}), Tensor::from({2}, {1, 1})));
}

}  // namespace
}  // namespace fovea::test
