// SPDX-License-Identifier: Apache-2.0
//
// 5. A layer of your own: the join of a residual block, y = relu(a + b). It is made of existing operations, so it runs
//    on every device. Finite differences then prove its gradient, and a comparison proves both devices right.
#include <cstdio>

#include "core/backend/device_list.h"
#include "core/compare/compare.h"
#include "core/layers/add.h"
#include "core/layers/flatten.h"
#include "core/layers/linear.h"
#include "core/tolerance/add.h"
#include "core/tolerance/relu.h"

namespace {
using namespace fovea;

class AddRelu final : public Layer {
 public:
  std::string_view type() const override { return "add_relu"; }
  int input_count() const override { return 2; }
  Shape output_shape(Shapes inputs) const override { return Add().output_shape(inputs); }
  BackwardReads backward_reads() const override { return {.output = true}; }

  // The sum before the ReLU is scratch: a float or (in gradient checks) a double per element.
  std::size_t workspace(Ops&, Direction direction, Shapes inputs) const override {
    return direction == Direction::forward ? static_cast<std::size_t>(inputs[0].elements()) * sizeof(double) : 0;
  }

  void forward(Ops& ops, const ForwardArgs& args) const override {
    View sum = args.output;
    sum.data = args.workspace.data;
    ops.add_forward(args.inputs[0], args.inputs[1], sum);
    ops.relu_forward(sum, args.output);
  }

  // da = db = dy where y > 0.
  void backward(Ops& ops, const BackwardArgs& args) const override {
    for (const View& gradient : args.input_gradients)
      if (gradient) ops.relu_backward(args.output, args.output_gradient, gradient);
  }

  // How far float32 may stray: the bounds of the two operations, one after the other.
  void forward_tolerance(ForwardToleranceArgs& args) const override {
    Uncertain sum{Tensor(args.output.value.shape(), DType::f64), {}};
    args.exact.add_forward(args.inputs[0].value.view(), args.inputs[1].value.view(), sum.value.view());
    sum.tolerance = add_tolerance(args.inputs[0], args.inputs[1], sum.value);
    ForwardToleranceArgs relu{args.exact, {&sum, 1}, {}, args.output, {}};
    relu_forward_tolerance(relu);
    args.undecided += relu.undecided;
    args.decisions += relu.decisions;
  }

  void backward_tolerance(BackwardToleranceArgs& args) const override {
    for (Uncertain& gradient : args.input_gradients) {
      BackwardToleranceArgs relu{args.exact, args.inputs,    {}, args.output, args.output_gradient,
                                 {},         {&gradient, 1}, {}};
      relu_backward_tolerance(relu);
    }
  }
};

}  // namespace

int main() {
  Graph graph("residual");
  const NodeId image = graph.input("image", Shape{1, 4, 4});
  const NodeId flat = graph.add("flatten", Flatten(), image);
  const NodeId branch = graph.add("branch", Linear({.out_features = 16}), flat);
  const NodeId join = graph.add("join", AddRelu(), {flat, branch});
  graph.add("scores", Linear({.out_features = 3}), join);
  const Model model = make_classifier(std::move(graph));

  const auto reference = open_device("reference"), emu = open_device("emu"), truth = open_device("reference");
  ParameterArena arena(ParameterLayout::of(model.graph), host_memory());
  initialise(arena, 1);
  std::vector<Tensor> weights;
  for (std::size_t i = 0; i < arena.layout().entries.size(); ++i) weights.push_back(arena.get(i));
  const DataSplits data = open_data("synthetic:1x4x4:3");
  const std::int64_t samples[] = {0, 1, 2, 3, 4, 5};
  const Batch batch = make_batch(*data.train, samples, measure_normalization(*data.train));

  const Gradcheck gradients = gradcheck(model, *truth, weights, batch, 0);
  for (const GradcheckTensor& t : gradients.tensors)
    std::printf("gradient of %-14s %s\n", t.name.c_str(), t.ok ? "ok" : "WRONG");
  const Comparison devices = compare(model, *reference, *emu, *truth, weights, batch, {});
  std::printf("reference and emu %s\n", devices.ok ? "agree" : "DISAGREE");
  return gradients.ok && devices.ok ? 0 : 1;
}
