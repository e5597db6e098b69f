// SPDX-License-Identifier: Apache-2.0
#include "core/compare/compare.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/compare/decisions.h"
#include "core/compare/measure.h"
#include "core/compare/net_run.h"
#include "core/compare/tolerances.h"
#include "core/support/error.h"
#include "core/tolerance/bound.h"

namespace fovea {
namespace {

// Copies what a step reads from one run to another, so that both compute from the same inputs.
void give_inputs(NetRun& from, NetRun& to, std::size_t step) {
  const std::vector<BufferUse> source = reads_of(from.step(step)), target = reads_of(to.step(step));
  for (std::size_t i = 0; i < source.size(); ++i) to.executor().write(target[i], from.executor().read(source[i]));
}

// Moves one element of a layer's output, in the middle of the tensor, by far more than rounding could: 16 bounds, and
// at least 2^-10 of the tensor's largest value.
void perturb(NetRun& run, const BufferUse& output, const Uncertain& truth) {
  const Tensor stored = run.executor().read(output);
  Tensor values = stored.converted(DType::f32);
  const auto v = values.span<float>();
  const std::size_t at = v.size() / 2;
  if (!std::isfinite(v[at])) v[at] = 0;
  float largest = 0;
  for (const float x : v) largest = std::max(largest, std::abs(x));
  const double tolerance =
      stored_truth(stored.dtype(), static_cast<double>(v[at]), tolerance_at(truth, static_cast<std::int64_t>(at)))
          .tolerance;
  const double least = std::isfinite(tolerance) ? 16 * tolerance : 0;
  v[at] += static_cast<float>(std::max({least, 0x1p-10 * static_cast<double>(largest), 0x1p-20}));
  run.executor().write(output, values);
}

// The weights that layers compute with: of those that are copied to 16 bits, the copies.
std::vector<Tensor> as_stored(const Graph& graph, std::vector<Tensor> weights, DType dtype) {
  if (!is_16_bit(dtype)) return weights;
  const ParameterLayout layout = ParameterLayout::of(graph);
  for (std::size_t i = 0; i < std::min(weights.size(), layout.entries.size()); ++i)
    if (layout.entries[i].spec.narrow) weights[i] = weights[i].converted(dtype).converted(weights[i].dtype());
  return weights;
}

class Comparer {
 public:
  Comparer(const Model& model, Backend& a, Backend& b, Backend& truth, const std::vector<Tensor>& weights,
           const Batch& batch, const CompareOptions& options)
      : model_(model),
        options_(options),
        backend_a_(a),
        backend_b_(b),
        a_(model, a, weights, batch, options.dtype, false, options.layouts),
        b_(model, b, weights, batch, options.dtype, false, options.layouts),
        truth_(model, truth, as_stored(model.graph, weights, options.dtype), batch, DType::f64),
        tolerances_(truth_, options.dtype) {
    require(!is_16_bit(options.dtype) || options.mode == CompareMode::isolated,
            [] { return std::string("compare: 16-bit values are compared in isolated mode only"); });
    require(&a != &b && &a != &truth && &b != &truth,
            [] { return std::string("compare: the two devices and the truth must be backends of their own"); });
    for (const NetRun* run : {&a_, &b_}) require_same_steps(*run);
    if (options.inject.empty()) return;
    inject_ = injected_into_ = model.graph.find(options.inject);
    for (const Node* node = &model.graph.node(*inject_); node->layer && node->layer->is_view(Phase::training);
         node = &model.graph.node(injected_into_))
      injected_into_ = node->inputs[0];
    const auto& steps = truth_.plan().steps;
    require(
        std::ranges::any_of(steps,
                            [&](const PlanStep& s) { return s.kind == StepKind::forward && s.node == injected_into_; }),
        [&] { return "inject: '" + options.inject + "' is the net's input or a view of it: expected another layer"; });
  }

  Comparison run() {
    result_.device_a = backend_a_.name();
    result_.device_b = backend_b_.name();
    result_.mode = options_.mode;
    const std::uint64_t before_a = backend_a_.executed(), before_b = backend_b_.executed();
    for (std::size_t i = 0; i < truth_.steps(); ++i) run_step(i);
    result_.executed_a = backend_a_.executed() - before_a;
    result_.executed_b = backend_b_.executed() - before_b;
    result_.undecided = tolerances_.undecided;
    result_.decisions = tolerances_.decisions;
    if (static_cast<double>(result_.undecided) > options_.max_undecided * static_cast<double>(result_.decisions))
      result_.ok = false;
    return std::move(result_);
  }

 private:
  // A device may convert layouts where it likes; what the layers do is the same everywhere.
  void require_same_steps(const NetRun& run) const {
    bool same = run.steps() == truth_.steps();
    for (std::size_t i = 0; same && i < run.steps(); ++i)
      same = run.step(i).kind == truth_.step(i).kind && run.step(i).node == truth_.step(i).node;
    require(same, [] { return std::string("compare: the devices' plans differ in their steps"); });
  }

  void run_step(std::size_t i) {
    const PlanStep& step = truth_.step(i);
    for (NetRun* run : {&a_, &b_, &truth_}) run->prepare(i);
    if (options_.mode == CompareMode::isolated) {
      give_inputs(a_, b_, i);
      give_inputs(a_, truth_, i);
      tolerances_.forget();
    }
    Uncertain accumulated;
    if (step.kind == StepKind::accumulate) accumulated = tolerances_.value(step.output);
    for (NetRun* run : {&a_, &b_, &truth_}) run->run(i);
    if (step.kind == StepKind::seed) return;

    const std::vector<Uncertain> truths = tolerances_.after(step, accumulated);
    const bool here = inject_ && step.kind == StepKind::forward && step.node == injected_into_;
    if (here && *inject_ == injected_into_) perturb(b_, b_.step(i).output, truths[0]);
    const std::vector<StepResult> results_a = results_of(a_, a_.step(i)), results_b = results_of(b_, b_.step(i));
    for (std::size_t k = 0; k < results_a.size(); ++k)
      add(step, step.node, results_a[k].tensor, read(a_, results_a[k]), read(b_, results_b[k]), truths[k]);
    if (options_.mode == CompareMode::chained && step.kind == StepKind::forward) {
      follow(a_, results_a, truths);
      follow(b_, results_b, truths);
    }
    if (here && *inject_ != injected_into_) {
      // A view has no step of its own: its output is this one, damaged after this layer was found right.
      perturb(b_, b_.step(i).output, truths[0]);
      add(step, *inject_, "output", read(a_, results_a[0]), read(b_, results_b[0]), truths[0]);
    }
  }

  // After the check: the decisions that this step's output and saved integers hold become the truth's.
  static void follow(NetRun& run, const std::vector<StepResult>& results, const std::vector<Uncertain>& truths) {
    for (std::size_t k = 0; k < results.size(); ++k) {
      if (results[k].use.buffer == no_buffer) continue;
      Tensor values = read(run, results[k]);
      const bool decides = results[k].tensor == "output" || values.dtype() != DType::f32;
      if (decides && follow_decisions(values, truths[k])) run.executor().write(results[k].use, values);
    }
  }

  void add(const PlanStep& step, NodeId layer, const std::string& tensor, const Tensor& a, const Tensor& b,
           const Uncertain& truth) {
    TensorComparison c;
    c.layer = model_.graph.node(layer).name;
    c.tensor = tensor;
    c.direction = step.kind == StepKind::forward ? "forward" : "backward";
    c.shape = a.shape();
    const Difference between = difference(a, b);
    c.max_abs = between.max_abs;
    c.max_rel = between.max_rel;
    for (const Tensor* device : {&a, &b}) {
      const Deviation deviation = measure(*device, truth);
      if (c.worst_index < 0 || deviation.worst_ratio > c.worst_ratio) {
        c.worst_ratio = deviation.worst_ratio;
        c.worst_index = deviation.worst_index;
      }
    }
    c.ok = c.worst_ratio <= 1;
    result_.worst_ratio = std::max(result_.worst_ratio, c.worst_ratio);
    if (!c.ok && result_.ok) result_.first_divergent = c.layer;
    result_.ok = result_.ok && c.ok;
    result_.tensors.push_back(std::move(c));
  }

  const Model& model_;
  const CompareOptions& options_;
  Backend &backend_a_, &backend_b_;
  NetRun a_, b_, truth_;
  ToleranceFollower tolerances_;
  std::optional<NodeId> inject_;
  NodeId injected_into_{};  // the layer that computes inject_'s output: itself, or what it is a view of
  Comparison result_;
};

}  // namespace

Comparison compare(const Model& model, Backend& a, Backend& b, Backend& truth, const std::vector<Tensor>& weights,
                   const Batch& batch, const CompareOptions& options) {
  return Comparer(model, a, b, truth, weights, batch, options).run();
}

}  // namespace fovea
