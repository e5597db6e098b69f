// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <functional>

#include "core/compare/compare.h"
#include "core/compare/tolerances.h"

namespace fovea {
namespace {

constexpr double epsilon = 1e-6;
constexpr double absolute_tolerance = 1e-8, relative_tolerance = 1e-5;
constexpr double kink_distance = 10 * epsilon;

// One scalar of the net as a function argument: reads and writes element i of a tensor.
struct Variable {
  std::string name;
  Tensor values;    // f64
  Tensor gradient;  // f64, from the backward pass
  std::function<void(const Tensor&)> store;
};

class Checker {
 public:
  Checker(const Model& model, Backend& truth, const std::vector<Tensor>& weights, const Batch& batch)
      : model_(model), run_(model, truth, weights, batch, DType::f64, true) {
    ToleranceFollower tolerances(run_);
    for (std::size_t s = 0; s < run_.plan().forward_steps; ++s) {
      run_.run(s);
      const std::int64_t before = tolerances.decisions;
      tolerances.after(run_.step(s), {});
      if (tolerances.decisions > before) deciding_.push_back(s);
    }
    run_.executor().backward();
    signature_ = decisions();
  }

  std::vector<Variable> variables() {
    std::vector<Variable> list;
    for (std::size_t p = 0; p < run_.weights().layout().entries.size(); ++p) {
      const ParameterLayout::Entry& entry = run_.weights().layout().entries[p];
      if (!entry.trained) continue;
      list.push_back({entry.name, run_.weights().get(p), run_.executor().gradients()->get(p),
                      [this, p](const Tensor& t) { run_.weights().set(p, t); }});
    }
    const BufferUse image_gradient = run_.plan().gradients[static_cast<std::size_t>(model_.image)];
    if (image_gradient.buffer != no_buffer)
      list.push_back({model_.graph.node(model_.image).name, run_.executor().read(model_.image),
                      run_.executor().read(image_gradient),
                      [this](const Tensor& t) { run_.executor().set_input(model_.image, t); }});
    return list;
  }

  GradcheckTensor check(Variable& v, std::int64_t samples) {
    GradcheckTensor result;
    result.name = v.name;
    const std::int64_t count = v.values.elements();
    const std::int64_t picked = samples <= 0 ? count : std::min(samples, count);
    for (std::int64_t k = 0; k < picked; ++k) {
      const std::int64_t i = k * count / picked;
      const double analytic = v.gradient.span<double>()[static_cast<std::size_t>(i)];
      const double numeric = (loss_at(v, i, epsilon) - loss_at(v, i, -epsilon)) / (2 * epsilon);
      const double error = std::abs(numeric - analytic) / (absolute_tolerance + relative_tolerance * std::abs(numeric));
      if (!(error <= 1) && near_a_kink(v, i)) {
        ++result.skipped;
        continue;
      }
      ++result.checked;
      if (!(error <= result.worst_error)) {
        result.worst_error = error;
        result.worst_index = i;
      }
    }
    result.ok = result.worst_error <= 1 && result.checked > 0;
    return result;
  }

 private:
  double loss_at(Variable& v, std::int64_t i, double shift) {
    double& element = v.values.span<double>()[static_cast<std::size_t>(i)];
    const double original = element;
    element = original + shift;
    v.store(v.values);
    run_.executor().forward();
    const Tensor loss = run_.executor().read(model_.loss);
    element = original;
    v.store(v.values);
    return loss.span<double>()[0];
  }

  // A difference quotient across a kink says nothing: does a decision change nearby?
  bool near_a_kink(Variable& v, std::int64_t i) {
    for (const double shift : {kink_distance, -kink_distance}) {
      loss_at(v, i, shift);
      if (decisions() != signature_) return true;
    }
    return false;
  }

  // The piece of the piecewise smooth loss that the net is on: of the layers that make decisions, which outputs are 0
  // (ReLU) and the saved indices (pools).
  std::vector<std::int64_t> decisions() {
    std::vector<std::int64_t> all;
    for (const std::size_t s : deciding_) {
      const PlanStep& step = run_.step(s);
      const Tensor output = run_.executor().read(step.output);
      for (const double y : output.span<double>()) all.push_back(y == 0);
      for (const BufferUse& use : step.saved) {
        const Tensor saved = run_.executor().read(use);
        if (saved.dtype() != DType::u8 && saved.dtype() != DType::u16) continue;
        const Tensor wide = saved.converted(DType::i64);
        const auto indices = wide.span<std::int64_t>();
        all.insert(all.end(), indices.begin(), indices.end());
      }
    }
    return all;
  }

  const Model& model_;
  NetRun run_;
  std::vector<std::size_t> deciding_;  // forward steps whose layers make decisions
  std::vector<std::int64_t> signature_;
};

}  // namespace

Gradcheck gradcheck(const Model& model, Backend& truth, const std::vector<Tensor>& weights, const Batch& batch,
                    std::int64_t samples) {
  Checker checker(model, truth, weights, batch);
  Gradcheck result;
  for (Variable& v : checker.variables()) {
    result.tensors.push_back(checker.check(v, samples));
    result.ok = result.ok && result.tensors.back().ok;
  }
  return result;
}

}  // namespace fovea
