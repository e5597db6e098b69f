// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "core/backend/device_list.h"
#include "tests/compare/small_models.h"

namespace fovea::test {
namespace {

TEST(Gradcheck, EveryLayerAndTheInput) {
  const Model model = every_layer();
  const auto truth = open_device("reference");
  const Gradcheck result = gradcheck(model, *truth, initial_weights(model, 5), random_batch(model, 2, 5), 40);
  EXPECT_TRUE(result.ok);
  ASSERT_EQ(result.tensors.size(), 5u);
  EXPECT_EQ(result.tensors.back().name, "image");
  for (const GradcheckTensor& t : result.tensors) {
    EXPECT_TRUE(t.ok) << t.name << " worst " << t.worst_error << " at " << t.worst_index;
    EXPECT_GT(t.checked, t.skipped) << t.name;
  }
}

// A layer whose gradient is wrong by 0.1 %.
class WrongTanh final : public Layer {
 public:
  std::string_view type() const override { return "tanh"; }
  Shape output_shape(Shapes inputs) const override { return inputs[0]; }
  BackwardReads backward_reads() const override { return {.output = true}; }
  void forward(Ops& ops, const ForwardArgs& args) const override { right_.forward(ops, args); }
  void backward(Ops& ops, const BackwardArgs& args) const override {
    right_.backward(ops, args);
    for (std::int64_t i = 0; i < args.output.elements(); ++i) data_as<double>(args.input_gradients[0])[i] *= 1.001;
  }
  void forward_tolerance(ForwardToleranceArgs& args) const override { right_.forward_tolerance(args); }
  void backward_tolerance(BackwardToleranceArgs& args) const override { right_.backward_tolerance(args); }

 private:
  Tanh right_;
};

TEST(Gradcheck, FindsAWrongGradient) {
  Graph g;
  NodeId x = g.input("image", {1, 4, 4});
  x = g.add("fc1", Linear({.out_features = 6}), x);
  x = g.add("tanh", WrongTanh(), x);
  g.add("fc2", Linear({.out_features = 3}), x);
  const Model model = make_classifier(g);
  const auto truth = open_device("reference");
  const Gradcheck result = gradcheck(model, *truth, initial_weights(model, 5), random_batch(model, 2, 5), 0);
  EXPECT_FALSE(result.ok);
  for (const GradcheckTensor& t : result.tensors)  // what lies after the wrong layer is right
    EXPECT_EQ(t.ok, t.name.starts_with("fc2")) << t.name << " " << t.worst_error;
}

}  // namespace
}  // namespace fovea::test
