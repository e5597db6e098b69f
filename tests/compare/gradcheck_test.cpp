// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>

#include "cpu_reference/reference_backend.h"
#include "tests/compare/faulty_layer.h"
#include "tests/compare/small_models.h"
#include "tests/support/fill.h"

namespace fovea::test {
namespace {

template <class Middle>
Model net(Middle middle) {
  Graph g("net");
  const NodeId image = g.input("image", {2, 7, 6});
  const NodeId conv = g.add("conv", Conv2d({.out_channels = 3, .kernel = 3, .padding = 1}), image);
  const NodeId between = g.add("middle", middle, conv);
  g.add("fc", Linear({.out_features = 4}), g.add("flat", Flatten(), between));
  return make_classifier(g);
}

struct Given {
  Batch batch{reals({2, 2, 7, 6}, stream_for("gradcheck", 0)), Tensor({2}, DType::i32)};
  std::unique_ptr<Backend> truth = make_reference_backend();
  Given() {
    batch.labels.span<std::int32_t>()[0] = 3;
    batch.labels.span<std::int32_t>()[1] = 1;
  }
  Gradcheck check(const Model& model, std::int64_t samples = 0) const {
    return gradcheck(model, *truth, initial_weights(model, 5), batch, samples);
  }
};

TEST(Gradcheck, AgreesForEveryElement) {
  const Given given;
  const auto expect_ok = [&](const Model& model) {
    const Gradcheck g = given.check(model);
    EXPECT_TRUE(g.ok);
    ASSERT_EQ(g.tensors.size(), 5u);  // two weights, two biases, the image
    const std::int64_t elements[] = {54, 3, 0, 4, 168};
    for (std::size_t i = 0; i < 5; ++i) {
      EXPECT_LE(g.tensors[i].worst_error, 1) << g.tensors[i].name;
      if (elements[i] > 0) {
        EXPECT_EQ(g.tensors[i].checked + g.tensors[i].skipped, elements[i]) << g.tensors[i].name;
      }
    }
    EXPECT_EQ(g.tensors[0].name, "conv.weight");
    EXPECT_EQ(g.tensors[4].name, "image");
  };
  expect_ok(net(Relu()));
  expect_ok(net(Tanh()));
  expect_ok(net(MaxPool2d({})));
  expect_ok(net(AvgPool2d({.kernel = 3, .stride = 2, .padding = 1})));
}

TEST(Gradcheck, EveryLayerType) {
  const Model model = every_layer();
  const auto truth = make_reference_backend();
  const Gradcheck g = gradcheck(model, *truth, initial_weights(model, 5), random_batch(model, 2, 5), 40);
  EXPECT_TRUE(g.ok);
  for (const GradcheckTensor& t : g.tensors) {
    EXPECT_TRUE(t.ok) << t.name << " worst " << t.worst_error << " at " << t.worst_index;
    EXPECT_GT(t.checked, t.skipped) << t.name;
  }
}

TEST(Gradcheck, SamplesAreSpread) {
  const Given given;
  const Gradcheck g = given.check(net(Tanh()), 10);
  for (const GradcheckTensor& t : g.tensors) EXPECT_LE(t.checked + t.skipped, 10) << t.name;
  EXPECT_EQ(g.tensors[0].checked, 10);
}

// tanh with a derivative that is wrong by one part in a thousand.
FaultyLayer faulty_tanh() {
  return FaultyLayer(std::make_shared<Tanh>(), nullptr, [](const BackwardArgs& args) {
    auto* dx = static_cast<double*>(args.input_gradients[0].data);
    for (std::int64_t i = 0; i < args.input_gradients[0].elements(); ++i) dx[i] *= 1.001;
  });
}

TEST(Gradcheck, FindsAWrongDerivative) {
  const Given given;
  const Gradcheck g = given.check(net(faulty_tanh()));
  EXPECT_FALSE(g.ok);
  EXPECT_FALSE(g.tensors[0].ok) << g.tensors[0].name;
  EXPECT_FALSE(g.tensors[4].ok) << "the image lies before the fault too";
  EXPECT_TRUE(g.tensors[2].ok) << g.tensors[2].name << " lies after the fault";
  EXPECT_GT(g.tensors[0].worst_error, 1);
  EXPECT_GE(g.tensors[0].worst_index, 0);
}

// A ReLU whose backward lets everything through: not excused as a kink.
FaultyLayer faulty_relu() {
  return FaultyLayer(std::make_shared<Relu>(), nullptr, [](const BackwardArgs& args) {
    const auto* dy = static_cast<const double*>(args.output_gradient.data);
    std::copy_n(dy, args.output_gradient.elements(), static_cast<double*>(args.input_gradients[0].data));
  });
}

TEST(Gradcheck, KinksExcuseNothingElse) {
  const Given given;
  const Gradcheck g = given.check(net(faulty_relu()));
  EXPECT_FALSE(g.ok);
  EXPECT_LT(g.tensors[0].skipped, g.tensors[0].checked);
}

// Zero biases and a zero image: every ReLU input is exactly 0, and the difference quotient straddles the kink.
TEST(Gradcheck, SkipsKinks) {
  Given given;
  for (float& v : given.batch.images.span<float>()) v = 0;
  const Gradcheck g = given.check(net(Relu()));
  EXPECT_EQ(g.tensors[1].name, "conv.bias");
  EXPECT_EQ(g.tensors[1].checked, 0);
  EXPECT_EQ(g.tensors[1].skipped, 3);
  EXPECT_FALSE(g.tensors[1].ok) << "nothing was checked";
}

}  // namespace
}  // namespace fovea::test
