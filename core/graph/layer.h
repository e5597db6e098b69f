// SPDX-License-Identifier: Apache-2.0
//
// A layer is a graph node's operation: its shape rule, its parameters, and which backend operations run it. Layers own
// no memory and no device code; they are immutable and shared between threads.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/backend/backend.h"
#include "core/graph/initialization.h"
#include "core/ops/random_key.h"
#include "core/tolerance/uncertain.h"

namespace fovea {

// What a pass is for: layers such as dropout and batch normalisation do one thing in training and another in inference.
enum class Phase { training, inference };

// How a parameter starts where nothing else is asked for (core/graph/initialization.h). kaiming_uniform: U(-b, b),
// b = 1 / sqrt(fan_in), as PyTorch's layers start.
enum class Initializer { zeros, kaiming_uniform, constant };

struct ParameterSpec {
  std::string name;  // "weight", "bias"; the graph prefixes the layer: "conv1.weight"
  Shape shape;
  Initializer initializer = Initializer::zeros;
  std::int64_t fan_in = 0;            // products per output, for kaiming_uniform
  std::vector<double> constant = {};  // one value for all elements, or one for each
  std::int64_t fan_out = 0;           // outputs per input, where fan_in is given
  Initialization init = {};           // what the net asks for
  bool narrow = false;  // 16-bit nets compute with a copy in their type: weights that are multiplied with activations
};

// A tensor that forward leaves for backward, such as a max-pool's winners.
struct SavedSpec {
  std::string name;
  Shape shape;
  DType dtype = DType::f32;  // f64 in gradient checks, where it is f32; 16-bit nets leave it alone
  bool like_output = false;  // an image with a value for each of the output's, in the output's layout
};

// What backward reads besides dy, parameters and saved tensors; buffers not read are reused earlier.
struct BackwardReads {
  bool inputs = false;
  bool output = false;
};

// Window over the input that one output element sees, for receptive fields.
struct ReceptiveWindow {
  Size2 extent = 1;  // in input elements, dilation included
  Size2 stride = 1;
  Size2 magnification = 1;   // outputs for each step of one input element: transposed convolution, upsampling
  bool whole_input = false;  // dense layers
};

// How a step finds its inputs and leaves its output. The output's gradient lies like the output, the inputs' gradients
// as the step found the inputs, or as said here.
struct StepLayouts {
  std::vector<Layout> inputs;
  Layout output = Layout::nchw;
  std::vector<Layout> input_gradients = {};  // none: as the inputs
};

struct ForwardArgs {
  std::span<const ConstView> inputs;
  std::span<const ConstView> parameters;  // in the order of parameters()
  View output;
  std::span<const View> saved;  // in the order of saved()
  Workspace workspace;
  std::span<const View> state = {};  // in the order of state(); written in training only
  Phase phase = Phase::inference;
  RandomKey random = {};
  bool relu = false;  // apply a ReLU to the output; only where can_fuse_relu()
};

struct BackwardArgs {
  std::span<const ConstView> inputs;  // without data, but with their shapes, when not read
  std::span<const ConstView> parameters;
  ConstView output;  // likewise when backward_reads().output is false
  ConstView output_gradient;
  std::span<const ConstView> saved;
  std::span<const View> input_gradients;  // an empty view where the gradient is not wanted; overwritten, not added to
  std::span<const View> parameter_gradients;
  Workspace workspace;
  std::span<const View> state = {};  // as forward left it; only read
  RandomKey random = {};             // that of forward
  // Input 0, which is there then, is a ReLU's output, and its gradient passes that ReLU's backward on the way; only where
  // can_fuse_relu_backward().
  bool relu = false;
};

// The same arguments as float64 host truth with tolerances; the callee fills the tolerances of the results.
// `undecided` counts decisions (ReLU sign, arg max) that lie within their tolerance, `decisions` all of them.
struct ForwardToleranceArgs {
  Ops& exact;  // the float64 reference
  std::span<const Uncertain> inputs;
  std::span<const Uncertain> parameters;
  Uncertain& output;
  std::span<Uncertain> saved;
  std::int64_t undecided = 0, decisions = 0;
  std::span<const Uncertain> state = {};  // before the pass
  std::span<Uncertain> new_state = {};    // after it
  Phase phase = Phase::training;
  RandomKey random = {};
  DType dtype = DType::f32;  // of the activations; what rounding the results to it adds is not the layer's concern
};

struct BackwardToleranceArgs {
  Ops& exact;
  std::span<const Uncertain> inputs;
  std::span<const Uncertain> parameters;
  const Uncertain& output;
  const Uncertain& output_gradient;
  std::span<const Uncertain> saved;
  std::span<Uncertain> input_gradients;  // .value empty where not wanted
  std::span<Uncertain> parameter_gradients;
  std::int64_t undecided = 0, decisions = 0;
  std::span<const Uncertain> state = {};
  RandomKey random = {};
};

class Layer {
 public:
  using Shapes = std::span<const Shape>;
  virtual ~Layer() = default;

  static constexpr int any_number = -1;  // of inputs, at least one

  virtual std::string_view type() const = 0;  // as net files name it: "conv2d"
  // The operation it is made of, which decides on the engine: "conv2d" for conv1d too.
  virtual std::string_view op() const { return type(); }
  // Lists the options (core/ops/fields.h), so that nets and checkpoints can be written.
  virtual void describe(FieldVisitor&) const {}
  virtual int input_count() const { return 1; }
  // What input `i` is called in files: "x", or "x0", "x1", ... of several; a loss has "logits" and "labels".
  virtual std::string input_name(int i) const { return input_count() == 1 ? "x" : "x" + std::to_string(i); }
  // f32 stands for the type that the net's activations are stored as.
  virtual DType input_dtype(int) const { return DType::f32; }
  // The output, and its gradient, are f32 in 16-bit nets too: a loss.
  virtual bool wide_output() const { return false; }
  // No gradient flows to labels and targets.
  virtual bool differentiable(int input) const { return input_dtype(input) == DType::f32; }
  // Throws InputError when the inputs do not fit; the graph adds the layer's name. Shapes include the batch.
  virtual Shape output_shape(Shapes inputs) const = 0;
  // What a phase demands of the inputs besides; throws InputError when a pass is planned.
  virtual void check(Phase, Shapes) const {}
  virtual std::vector<ParameterSpec> parameters(Shapes) const { return {}; }
  // Tensors kept from step to step and saved with the weights, but not trained: running statistics.
  virtual std::vector<ParameterSpec> state(Shapes) const { return {}; }
  virtual std::vector<SavedSpec> saved(Shapes) const { return {}; }
  virtual BackwardReads backward_reads() const = 0;
  // True when the output is the input's bytes under another shape; then nothing below is ever called.
  virtual bool is_view(Phase) const { return false; }
  // Multiply-accumulates of one forward pass.
  virtual std::int64_t macs(Shapes) const { return 0; }
  virtual ReceptiveWindow window() const { return {}; }
  virtual std::size_t workspace(Ops&, Direction, Shapes) const { return 0; }

  // What a plan may ask of the layer where the engine can do it (core/ops/layout.h).
  //
  // The layouts it wants where activations are stored as `dtype`, its inputs lying as `given` so far. By default the
  // engine says for the operation, and everything lies alike.
  virtual StepLayouts layouts(Ops&, Phase, DType dtype, Shapes inputs, std::span<const Layout> given) const;
  // workspace() in layouts that layouts() returned.
  virtual std::size_t workspace_in(Ops& ops, Direction direction, DType /*dtype*/, Shapes inputs,
                                   const StepLayouts&) const {
    return workspace(ops, direction, inputs);
  }
  // forward knows ForwardArgs::relu.
  virtual bool can_fuse_relu() const { return false; }
  // backward knows BackwardArgs::relu.
  virtual bool can_fuse_relu_backward() const { return false; }
  // Each output element depends on the same element of the inputs only, and backward reads no input: forward may write
  // over input 0, backward over the output's gradient.
  virtual bool in_place() const { return false; }

  virtual void forward(Ops& ops, const ForwardArgs& args) const = 0;
  virtual void backward(Ops& ops, const BackwardArgs& args) const = 0;

  // The derived error bound of this layer in float32 (docs/numerics.md).
  virtual void forward_tolerance(ForwardToleranceArgs& args) const = 0;
  virtual void backward_tolerance(BackwardToleranceArgs& args) const = 0;
};

}  // namespace fovea
