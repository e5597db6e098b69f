// SPDX-License-Identifier: Apache-2.0
//
// Every check of a layer, shown to fail on the fault that it exists for.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>

#include "core/layers/add.h"
#include "core/layers/flatten.h"
#include "core/layers/linear.h"
#include "core/layers/max_pool2d.h"
#include "core/layers/relu.h"
#include "core/layers/softmax_cross_entropy.h"
#include "core/layers/tanh.h"
#include "core/support/error.h"
#include "tests/compare/faulty_layer.h"
#include "tests/support/devices.h"
#include "tests/support/fill.h"
#include "tests/support/layer_checks.h"
#include "tests/support/random_pick.h"

namespace fovea::test {
namespace {

using testing::AssertionResult;
using ForwardFault = FaultyLayer::ForwardFault;
using BackwardFault = FaultyLayer::BackwardFault;

// The device is the reference. It is the truth too, but the truth runs in float64: faults here act on one of the two.
Backend& device() { return truth_backend(); }

LayerCase with_faults(LayerCase c, const ForwardFault& forward, const BackwardFault& backward = nullptr) {
  c.layer = std::make_shared<FaultyLayer>(c.layer, forward, backward);
  return c;
}

LayerCase relu_case() {
  return {.name = "Relu", .layer = std::make_shared<Relu>(), .inputs = {{3, 20}}, .small = true};
}
LayerCase linear_case() {
  return {.name = "Linear",
          .layer = std::make_shared<Linear>(LinearOptions{.out_features = 4}),
          .inputs = {{3, 20}},
          .exact_forward = true,
          .exact_backward = true};
}
LayerCase max_pool_case() {
  return {.name = "MaxPool",
          .layer = std::make_shared<MaxPool2d>(MaxPool2dOptions{.kernel = 3, .stride = 2}),
          .inputs = {{2, 2, 7, 7}},
          .fills = {{.distinct = true}},
          .backward_trust = ZeroTrust::off};
}
LayerCase loss_case() {
  return {.name = "Loss",
          .layer = std::make_shared<SoftmaxCrossEntropy>(),
          .inputs = {{5, 7}, {5}},
          .fills = {{.low = -3, .high = 3}, {.classes = 7}}};
}
LayerCase add_case() { return {.name = "Add", .layer = std::make_shared<Add>(), .inputs = {{2, 9}, {2, 9}}}; }

// A loop that counts its own training steps in a state tensor.
class Counter : public Layer {
 public:
  explicit Counter(float error, bool counts_always = false) : error_(error), counts_always_(counts_always) {}
  std::string_view type() const override { return "relu"; }
  Shape output_shape(Shapes inputs) const override { return inputs[0]; }
  std::vector<ParameterSpec> state(Shapes) const override { return {{.name = "steps", .shape = {2}}}; }
  BackwardReads backward_reads() const override { return {.output = true}; }
  void forward(Ops& ops, const ForwardArgs& args) const override {
    ops.relu_forward(args.inputs[0], args.output);
    if (args.phase == Phase::inference && !counts_always_) return;
    if (args.state[0].dtype == DType::f64)
      static_cast<double*>(args.state[0].data)[1] += 1;
    else
      static_cast<float*>(args.state[0].data)[1] += 1 + error_;
  }
  void backward(Ops& ops, const BackwardArgs& args) const override {
    if (args.input_gradients[0]) ops.relu_backward(args.output, args.output_gradient, args.input_gradients[0]);
    if (error_ != 0) *static_cast<char*>(args.state[0].data) ^= 1;
  }
  void forward_tolerance(ForwardToleranceArgs& args) const override {
    EXPECT_EQ(args.state.size(), 1u);
    EXPECT_EQ(args.new_state.size(), 1u);
    args.new_state[0].tolerance = Tensor::zeros({2}, DType::f64);
    for (double& t : args.new_state[0].tolerance.span<double>()) t = 1e-6;
  }
  void backward_tolerance(BackwardToleranceArgs&) const override {}

 private:
  float error_;
  bool counts_always_;
};
class WithoutGradient final : public Counter {
 public:
  WithoutGradient() : Counter(0) {}
  bool differentiable(int) const override { return false; }
};
LayerCase counter_case(float error, Phase phase, bool counts_always = false) {
  return {.name = "Counter",
          .layer = std::make_shared<Counter>(error, counts_always),
          .inputs = {{3, 9}},
          .phase = phase,
          .small = true};
}

float* floats(const View& view) { return view.dtype == DType::f32 ? static_cast<float*>(view.data) : nullptr; }
bool mentions(const AssertionResult& result, const char* text) {
  return !result && std::strstr(result.message(), text) != nullptr;
}

TEST(LayerChecks, PassHonestLayers) {
  for (const LayerCase& c :
       {relu_case(), linear_case(), max_pool_case(), loss_case(), add_case(), counter_case(0, Phase::training)}) {
    EXPECT_TRUE(check_gradients(c, 1000)) << c.name;
    EXPECT_TRUE(check_forward(device(), c)) << c.name;
    EXPECT_TRUE(check_backward(device(), c)) << c.name;
  }
  EXPECT_TRUE(check_forward(device(), counter_case(0, Phase::inference)));
}

TEST(LayerChecks, GradientsFindAWrongDerivative) {
  const BackwardFault off_by_a_thousandth = [](const BackwardArgs& args) {
    const View& dw = args.parameter_gradients[0];
    if (dw.dtype == DType::f64) static_cast<double*>(dw.data)[7] *= 1.001;
  };
  const AssertionResult result = check_gradients(with_faults(linear_case(), nullptr, off_by_a_thousandth), 1000);
  EXPECT_TRUE(mentions(result, "gradient of weight, flat index 7")) << result.message();
  const BackwardFault of_the_second_input = [](const BackwardArgs& args) {
    static_cast<double*>(args.input_gradients[1].data)[3] += 1e-4;
  };
  const AssertionResult second = check_gradients(with_faults(add_case(), nullptr, of_the_second_input), 1000);
  EXPECT_TRUE(mentions(second, "gradient of x1, flat index 3")) << second.message();
}

TEST(LayerChecks, GradientsExcuseKinksAndNothingElse) {
  const BackwardFault lets_all_through = [](const BackwardArgs& args) {
    std::memcpy(args.input_gradients[0].data, args.output_gradient.data, args.output_gradient.bytes());
  };
  EXPECT_FALSE(check_gradients(with_faults(relu_case(), nullptr, lets_all_through), 1000));
  LayerCase at_the_kink = relu_case();
  at_the_kink.fills = {{.low = 0, .high = 0}};
  EXPECT_TRUE(mentions(check_gradients(at_the_kink, 1000), "nothing was checked"));
}

TEST(LayerChecks, ForwardFindsAWrongElement) {
  const ForwardFault wrong = [](const ForwardArgs& args) {
    if (float* y = floats(args.output)) y[11] += 1e-4f;
  };
  const AssertionResult result = check_forward(device(), with_faults(linear_case(), wrong));
  EXPECT_TRUE(mentions(result, "bound: output 0: shape [3, 4], flat index 11")) << result.message();
}

TEST(LayerChecks, ForwardFindsABadSavedTensor) {
  const ForwardFault unwritten = [](const ForwardArgs& args) {
    if (float* probabilities = floats(args.saved[0])) std::memset(probabilities + 4, 0xFF, sizeof(float));
  };
  EXPECT_TRUE(mentions(check_forward(device(), with_faults(loss_case(), unwritten)), "output 1: element 4 was not"));
  const ForwardFault wrong_winner = [](const ForwardArgs& args) {
    if (args.output.dtype == DType::f32) static_cast<unsigned char*>(args.saved[0].data)[2] ^= 1;
  };
  EXPECT_TRUE(mentions(check_forward(device(), with_faults(max_pool_case(), wrong_winner)), "bound: output 1"));
}

TEST(LayerChecks, ForwardFindsUnsteadyBits) {
  int runs = 0;  // an error within the bound, in every other run
  const ForwardFault unsteady = [&](const ForwardArgs& args) {
    if (float* y = floats(args.output); y && ++runs % 2 == 0) y[3] = std::nextafter(y[3], 100.0f);
  };
  EXPECT_TRUE(mentions(check_forward(device(), with_faults(linear_case(), unsteady)), "bitwise"));
}

TEST(LayerChecks, ExactModeFindsTheLastBit) {
  const ForwardFault last_bit = [](const ForwardArgs& args) {
    if (float* y = floats(args.output)) y[5] = std::nextafter(y[5], 1e6f);
  };
  LayerCase c = with_faults(linear_case(), last_bit);
  EXPECT_TRUE(mentions(check_forward(device(), c), "exact: output 0"));
  c.exact_forward = false;
  EXPECT_TRUE(check_forward(device(), c)) << "within the bound of real data";
  const BackwardFault in_dw = [](const BackwardArgs& args) {
    if (float* dw = floats(args.parameter_gradients[0])) dw[5] = std::nextafter(dw[5], 1e6f);
  };
  EXPECT_TRUE(mentions(check_backward(device(), with_faults(linear_case(), nullptr, in_dw)), "exact: output 1"));
}

TEST(LayerChecks, BackwardFindsAWrongElement) {
  const BackwardFault wrong = [](const BackwardArgs& args) {
    if (float* db = floats(args.parameter_gradients[1])) db[1] += 1e-4f;
  };
  const AssertionResult result = check_backward(device(), with_faults(linear_case(), nullptr, wrong));
  EXPECT_TRUE(mentions(result, "bound: output 2: shape [4], flat index 1")) << result.message();
  const BackwardFault dx = [](const BackwardArgs& args) {
    if (float* g = floats(args.input_gradients[0])) g[59] += 1e-4f;
  };
  EXPECT_TRUE(mentions(check_backward(device(), with_faults(relu_case(), nullptr, dx)), "flat index 59"));
}

TEST(LayerChecks, BackwardFindsWhatDependsOnTheGradientsWanted) {
  const BackwardFault jealous = [](const BackwardArgs& args) {  // right only when all gradients are wanted
    if (float* db = floats(args.parameter_gradients[1]); db && !args.input_gradients[0])
      db[0] = std::nextafter(db[0], 100.0f);
  };
  EXPECT_TRUE(mentions(check_backward(device(), with_faults(linear_case(), nullptr, jealous)), "without the gradient"));
}

TEST(LayerChecks, BackwardSeesOnlyWhatItAskedFor) {
  bool empty = true;
  const BackwardFault looks = [&](const BackwardArgs& args) { empty = empty && !args.inputs[0] && !args.output; };
  EXPECT_TRUE(check_backward(device(), with_faults(add_case(), nullptr, looks)));
  EXPECT_TRUE(empty);
  EXPECT_TRUE(check_backward(device(), with_faults(relu_case(), nullptr, looks)));
  EXPECT_FALSE(empty) << "relu reads its output";
}

TEST(LayerChecks, FindABadState) {
  EXPECT_TRUE(mentions(check_forward(device(), counter_case(1, Phase::training)), "output 1: shape [2], flat index 1"));
  EXPECT_TRUE(mentions(check_backward(device(), counter_case(1, Phase::training)), "was changed"));
  EXPECT_TRUE(mentions(check_forward(device(), counter_case(0, Phase::inference, true)), "inference changed state 0"));
}

TEST(LayerChecks, RandomKeyIsFixedAndEveryPartCounts) {
  std::set<std::uint64_t> seen;
  const ForwardFault forward = [&](const ForwardArgs& args) {
    EXPECT_TRUE(args.random.seed != 0 && args.random.step != 0 && args.random.layer != 0);
    seen.insert(args.random.seed + args.random.step + args.random.layer);
  };
  const BackwardFault backward = [&](const BackwardArgs& args) {
    seen.insert(args.random.seed + args.random.step + args.random.layer);
  };
  EXPECT_TRUE(check_forward(device(), with_faults(relu_case(), forward, backward)));
  EXPECT_TRUE(check_backward(device(), with_faults(relu_case(), forward, backward)));
  EXPECT_EQ(seen.size(), 1u);
}

TEST(LayerChecks, ViewsProveNothing) {
  const LayerCase c{.name = "Flatten", .layer = std::make_shared<Flatten>(), .inputs = {{2, 3, 4}}};
  EXPECT_FALSE(check_forward(device(), c));
  EXPECT_FALSE(check_backward(device(), c));
}

TEST(LayerChecks, DistinctFillsKeepTheirDistance) {
  for (const Shape& shape : {Shape{1}, Shape{7}, Shape{3, 100}}) {
    LayerCase c = relu_case();
    c.inputs = {shape};
    c.fills = {{.low = -1, .high = 2, .distinct = true}};
    const Tensor x = real_data(c).inputs[0];
    std::vector<float> sorted(x.span<float>().begin(), x.span<float>().end());
    std::sort(sorted.begin(), sorted.end());
    for (std::size_t i = 0; i < sorted.size(); ++i) {
      EXPECT_GT(std::abs(sorted[i]), 0.004f);
      if (i == 0) continue;
      EXPECT_GE(sorted[i] - sorted[i - 1], 0.00999f);
    }
  }
}

TEST(LayerChecks, LabelsStayInRangeAndReachTheLastClass) {
  const Tensor labels = real_data(loss_case()).inputs[1];
  ASSERT_EQ(labels.dtype(), DType::i32);
  for (const std::int32_t label : labels.span<std::int32_t>()) EXPECT_TRUE(label >= 0 && label < 7);
  EXPECT_EQ(labels.span<std::int32_t>().back(), 6);
}

TEST(LayerChecks, FillsMustFit) {
  LayerCase c = linear_case();
  c.fills = {{}, {}};
  EXPECT_THROW(real_data(c), InputError);
}

LayerCase draw_linear(RandomStream& random) {
  return {.name = "Linear",
          .layer = std::make_shared<Linear>(LinearOptions{.out_features = pick(random, 1, 1000)}),
          .inputs = {{1, 1}}};
}

// Registered before main() as the operation tests do; these tests run too.
const std::vector<LayerCase> registered_cases{relu_case(), counter_case(0, Phase::inference)};
const std::vector<LayerCase> cases_without_gradient{
    {.name = "Case", .layer = std::make_shared<WithoutGradient>(), .inputs = {{4}}, .small = true}};
const StoredTypes f32_only = StoredTypes::f32_only;
const bool registered =
    register_layer_tests("Registered", "reference", registered_cases, draw_linear, f32_only) &&
    register_layer_tests("WithoutGradient", "reference", cases_without_gradient, nullptr, f32_only) &&
    register_layer_tests("Stored", "reference", {relu_case()}, draw_linear);

TEST(Registration, NamesTestsByCheckDeviceAndCase) {
  std::set<std::string> names;
  const testing::UnitTest& all = *testing::UnitTest::GetInstance();
  for (int s = 0; s < all.total_test_suite_count(); ++s) {
    const testing::TestSuite& suite = *all.GetTestSuite(s);
    if (!std::string(suite.name()).starts_with("All/")) continue;
    for (int t = 0; t < suite.total_test_count(); ++t)
      names.insert(std::string(suite.name()) + "." + suite.GetTestInfo(t)->name());
  }
  std::set<std::string> expected{"All/RegisteredTest.FiniteDifferences/Reference_Relu",
                                 "All/RegisteredTest.Forward/Reference_Relu",
                                 "All/RegisteredTest.Backward/Reference_Relu",
                                 "All/RegisteredTest.Forward/Reference_Counter",
                                 "All/RegisteredTest.Random/Reference_FiniteDifferences",
                                 "All/RegisteredTest.Random/Reference_Forward",
                                 "All/RegisteredTest.Random/Reference_Backward",
                                 "All/WithoutGradientTest.Forward/Reference_Case",
                                 "All/StoredTest.FiniteDifferences/Reference_Relu",
                                 "All/StoredTest.Forward/Reference_Relu",
                                 "All/StoredTest.Backward/Reference_Relu",
                                 "All/StoredTest.Forward/ReferenceBf16_Relu",
                                 "All/StoredTest.Backward/ReferenceBf16_Relu",
                                 "All/StoredTest.Forward/ReferenceF16_Relu",
                                 "All/StoredTest.Backward/ReferenceF16_Relu",
                                 "All/StoredTest.Random/Reference_FiniteDifferences",
                                 "All/StoredTest.Random/Reference_Forward",
                                 "All/StoredTest.Random/Reference_Backward",
                                 "All/StoredTest.Random/ReferenceBf16_Forward",
                                 "All/StoredTest.Random/ReferenceBf16_Backward",
                                 "All/StoredTest.Random/ReferenceF16_Forward",
                                 "All/StoredTest.Random/ReferenceF16_Backward"};
  if (small_cases_only())
    std::erase_if(expected, [](const std::string& name) { return name.find("ReferenceF16_") != std::string::npos; });
  EXPECT_EQ(names, expected);
}

TEST(Registration, RefusesBadTables) {
  EXPECT_THROW(register_layer_tests("X", "reference", {relu_case(), relu_case()}), InputError) << "one name twice";
  LayerCase c = relu_case();
  c.name = "not_alphanumeric";
  EXPECT_THROW(register_layer_tests("X", "reference", {c}), InputError);
  c = relu_case();
  c.layer = nullptr;
  EXPECT_THROW(register_layer_tests("X", "reference", {c}), InputError);
}

}  // namespace
}  // namespace fovea::test
