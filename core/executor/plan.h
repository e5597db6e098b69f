// SPDX-License-Identifier: Apache-2.0
//
// A plan: everything that one pass over a graph will do, decided before any memory is allocated. Later passes (layout,
// precision, fusion) rewrite plans; the executor only walks them.
#pragma once
#include <string>
#include <vector>

#include "core/backend/backend.h"
#include "core/executor/parameters.h"
#include "core/graph/graph.h"
#include "core/tensor/precision.h"

namespace fovea {

enum class BufferRole { input, activation, saved, gradient, workspace, weight };

using BufferId = int;
inline constexpr BufferId no_buffer = -1;

struct PlanBuffer {
  std::string name;  // "conv1", "conv1.gradient", "pool1.index", "conv1.nhwc", "conv1.weight"
  BufferRole role = BufferRole::activation;
  Shape shape;
  DType dtype = DType::f32;
  std::size_t bytes = 0;
  int first_step = 0, last_step = 0;  // lifetime, inclusive
  std::size_t offset = 0;             // in the activation arena; buffers whose lifetimes overlap do not share bytes
};

// A buffer seen under a shape and a layout of its own (flatten).
struct BufferUse {
  BufferId buffer = no_buffer;
  Shape shape;
  Layout layout = Layout::nchw;
};

enum class StepKind {
  forward,     // node's layer, forward
  seed,        // d loss / d loss = 1, or Executor::set_loss_scale
  backward,    // node's layer, backward
  accumulate,  // output += inputs[0]: a value that feeds several layers adds up their gradients
  convert,     // output = inputs[0] in another layout, for node
  cast,        // output = node's parameters[0] as 16-bit activations are stored; not with PlanOptions::kept_copies
};

struct PlanStep {
  StepKind kind = StepKind::forward;
  NodeId node = -1;
  // The ReLU whose own step this one makes needless. Forward: it is behind, and its value is the step's output. Backward:
  // it is before, its value is the step's one input, and the gradient that the step leaves is that of the ReLU's input.
  NodeId fused_relu = -1;
  EngineChoice engine{};
  std::vector<BufferUse> inputs{};
  BufferUse output{};
  BufferUse output_gradient{};  // backward
  std::vector<BufferUse> saved{};
  std::vector<BufferUse> input_gradients{};  // backward; no_buffer where not wanted
  std::vector<std::size_t> parameters{};     // indices into ParameterLayout::entries
  std::vector<BufferUse> narrow{};           // by parameter: its 16-bit copy, which is read in its place, or no_buffer
  std::vector<bool> kept{};                  // by parameter: the copy that is read lies beside the weights
  std::vector<std::size_t> state{};          // likewise
  BufferUse workspace{};
};

// Passes that a plan can do without, each by itself.
struct PlanPasses {
  // Each layer's images as its engine asks; false: NCHW, and nothing is converted. An engine may have another kernel for
  // another layout, which adds in another order.
  bool layouts = true;
  // Without PlanOptions::retain: several layers in one step, and work in place, as the engine can. No bit changes.
  bool fuse = true;
  // In training in 16 bits, 16-bit copies of the weights that live as long as these and are written by the update; false:
  // each pass makes its own, by casts. No bit changes.
  bool copies = true;

  // Whether a pass of this kind reads such copies: PlanOptions::kept_copies.
  bool keep_copies(bool training, DType dtype) const { return copies && training && is_16_bit(dtype); }
  bool operator==(const PlanPasses&) const = default;
};

// Throws InputError where a precision needs a pass that is off: fp32x3 has images in NHWC.
void require_passes(Precision precision, PlanPasses passes);

struct PlanOptions {
  std::int64_t batch = 1;
  bool training = false;  // plan backward from `target` too
  NodeId target = -1;     // what to compute: the logits, or the loss
  // Of floating values: f32, f64 on the reference only, or bf16 and f16. With these, losses, what layers save and keep,
  // parameters and their gradients are f32 all the same.
  DType dtype = DType::f32;
  std::vector<NodeId> keep{};  // nodes whose output stays readable after the run, besides inputs and target
  bool retain = false;         // no reuse: every buffer stays readable after the run (compare, debugging)
  PlanPasses passes{};
  // Weights come with 16-bit copies (ParameterArena::copy), and nothing casts them. For whoever sees to it that they are
  // there and up to date, as training does; not by itself from `passes`.
  bool kept_copies = false;
  bool input_gradient = false;  // also the gradient of floating-point inputs (gradient checks, saliency)

  // Whether values may share a buffer, or never exist.
  bool merge_values() const { return passes.fuse && !retain; }
  Phase phase() const { return training ? Phase::training : Phase::inference; }
  // Of what stays wide beside 16-bit values.
  DType wide_dtype() const { return is_16_bit(dtype) ? DType::f32 : dtype; }
};

struct Plan {
  PlanOptions options;
  std::vector<PlanBuffer> buffers;
  std::vector<PlanStep> steps;
  std::size_t forward_steps = 0;     // steps[0, forward_steps) are the forward pass
  std::size_t arena_bytes = 0;       // all buffers
  std::vector<BufferUse> values;     // by node: its output, no_buffer when not computed; after a fused ReLU where that
                                     // is the only reader
  std::vector<BufferUse> gradients;  // by node; no_buffer also where it never exists, before a ReLU's fused backward
};

// Throws InputError: shapes, engines, batch < 1, a target that is no node, training towards anything but one number.
Plan make_plan(const Graph& graph, const ParameterLayout& parameters, Backend& backend, const PlanOptions& options);

// Throws InputError naming the buffer when it would take more than 2^48 bytes.
std::size_t storage_bytes(const std::string& name, const Shape& shape, Layout layout, DType dtype);

// Lengthens the lifetimes of what must survive the plan: inputs for the next run, the target and kept nodes for the caller.
void keep_to_the_end(const Graph& graph, Plan& plan);

// Gives every buffer its offset and the plan its arena_bytes: greedy by size, no two live buffers share bytes.
void assign_offsets(Plan& plan);

}  // namespace fovea
