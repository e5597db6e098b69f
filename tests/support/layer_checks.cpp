// SPDX-License-Identifier: Apache-2.0
#include "tests/support/layer_checks.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/graph/toml_fields.h"
#include "core/support/error.h"
#include "tests/support/devices.h"
#include "tests/support/fill.h"

namespace fovea::test {
namespace {

using testing::AssertionFailure;
using testing::AssertionResult;
using testing::AssertionSuccess;

constexpr int integer_range = 8;

// Which tensor of a case a random stream fills; the kinds are apart so that an added input changes no parameter.
constexpr std::uint64_t inputs_at = 0, parameters_at = 100, state_at = 200, gradient_at = 300, integers_at = 1000;

// All values on a grid that leaves out 0, shuffled, each moved a little off the grid.
Tensor distinct_reals(const Shape& shape, RandomStream random, const InputFill& fill) {
  Tensor result(shape);
  const auto out = result.span<float>();
  const auto count = static_cast<double>(out.size());
  const double step = std::max(0.0125, (static_cast<double>(fill.high) - fill.low) / std::max(count, 1.0));
  const double first = std::round((static_cast<double>(fill.low) + fill.high) / (2 * step) - count / 2);
  std::vector<std::int64_t> order(out.size());
  std::iota(order.begin(), order.end(), 0);
  for (std::size_t i = order.size(); i > 1; --i)
    std::swap(order[i - 1], order[random.below(static_cast<std::uint32_t>(i))]);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double jitter = 0.2 * (random.next_u32() * 0x1p-32) - 0.1;
    out[i] = static_cast<float>((first + static_cast<double>(order[i]) + 0.5 + jitter) * step);
  }
  return result;
}

Tensor labels(const Shape& shape, RandomStream random, std::int64_t classes) {
  Tensor result(shape, DType::i32);
  const auto out = result.span<std::int32_t>();
  for (std::int32_t& label : out)
    label = static_cast<std::int32_t>(random.below(static_cast<std::uint32_t>(classes > 0 ? classes : 2)));
  if (classes > 0 && !out.empty()) out.back() = static_cast<std::int32_t>(classes - 1);  // the last class too
  return result;
}

Tensor probabilities(const Shape& shape, RandomStream random) {
  Tensor result = Tensor::zeros(shape);
  const std::int64_t classes = shape[1], positions = shape.without_batch().without_batch().elements();
  std::vector<double> drawn(static_cast<std::size_t>(classes));
  for (std::int64_t i = 0; i < shape[0] * positions; ++i) {
    double sum = 0;
    for (double& v : drawn) sum += v = random.below(4) == 0 ? 0 : double{random.uniform()};
    if (sum == 0) sum = drawn[0] = 1;
    for (std::int64_t c = 0; c < classes; ++c)
      result.span<float>()[static_cast<std::size_t>((i / positions * classes + c) * positions + i % positions)] =
          static_cast<float>(drawn[static_cast<std::size_t>(c)] / sum);
  }
  return result;
}

// The fill of tensor i, or the default where the case lists none.
InputFill fill_of(const std::vector<InputFill>& fills, std::size_t i, std::size_t count, InputFill otherwise) {
  require(fills.empty() || fills.size() == count, [&] {
    return "a layer case lists " + std::to_string(fills.size()) + " fills for " + std::to_string(count) + " tensors";
  });
  return fills.empty() ? otherwise : fills[i];
}

Tensor filled(const Shape& shape, RandomStream random, const InputFill& fill) {
  return fill.distinct ? distinct_reals(shape, random, fill) : reals(shape, random, fill.low, fill.high);
}

// A fill that promises no negative number keeps its promise.
Tensor small_integers(const Shape& shape, RandomStream random, const InputFill& fill) {
  Tensor result = integers(shape, random, integer_range);
  if (fill.low >= 0)
    for (float& v : result.span<float>()) v = std::abs(v);
  return result;
}

std::vector<Shape> shapes_of(const std::vector<ParameterSpec>& specs) {
  std::vector<Shape> shapes;
  for (const ParameterSpec& spec : specs) shapes.push_back(spec.shape);
  return shapes;
}

// Rounded to what the case stores.
LayerData in_dtype(const LayerCase& c, LayerData data) {
  if (!is_16_bit(c.dtype)) return data;
  const auto narrow = [&](Tensor& t) {
    if (t.dtype() == DType::f32) t = t.converted(c.dtype);
  };
  std::ranges::for_each(data.inputs, narrow);
  const std::vector<ParameterSpec> parameters = c.layer->parameters(c.inputs);
  for (std::size_t i = 0; i < parameters.size(); ++i)
    if (parameters[i].narrow) narrow(data.parameters[i]);
  if (!c.layer->wide_output()) narrow(data.output_gradient);
  return data;
}

LayerData make_data(const LayerCase& c, bool whole) {
  using Filler = Tensor (*)(const Shape&, RandomStream, const InputFill&);
  const Filler numbers = whole ? small_integers : filled;
  const auto stream = [&](std::uint64_t tensor) {
    return stream_for(c.name, tensor + (whole ? integers_at : std::uint64_t{0}));
  };
  LayerData data;
  for (std::size_t i = 0; i < c.inputs.size(); ++i) {
    const InputFill fill = fill_of(c.fills, i, c.inputs.size(), {});
    const bool label = c.layer->input_dtype(static_cast<int>(i)) == DType::i32;
    data.inputs.push_back(label                ? labels(c.inputs[i], stream(inputs_at + i), fill.classes)
                          : fill.probabilities ? probabilities(c.inputs[i], stream(inputs_at + i))
                                               : numbers(c.inputs[i], stream(inputs_at + i), fill));
  }
  const std::vector<Shape> parameters = parameter_shapes(c), state = shapes_of(c.layer->state(c.inputs));
  for (std::size_t i = 0; i < parameters.size(); ++i)
    data.parameters.push_back(
        numbers(parameters[i], stream(parameters_at + i), fill_of(c.parameter_fills, i, parameters.size(), {})));
  for (std::size_t i = 0; i < state.size(); ++i)
    data.state.push_back(
        filled(state[i], stream(state_at + i), fill_of(c.state_fills, i, state.size(), {.low = 0.5f, .high = 1.5f})));
  const Shape y = c.layer->output_shape(c.inputs);
  // The one gradient of a loss should not happen to be near 0.
  const InputFill dy{.low = y.elements() == 1 ? 0.5f : -1.0f, .high = 1};
  data.output_gradient = numbers(y, stream(gradient_at), dy);
  return in_dtype(c, std::move(data));
}

Tensor in_f64(const Tensor& t) { return t.dtype() == DType::f32 || is_16_bit(t.dtype()) ? t.converted(DType::f64) : t; }
Tensor in_f32(const Tensor& t) { return t.dtype() == DType::f64 ? t.converted(DType::f32) : t; }

DType output_dtype(const LayerCase& c) { return c.layer->wide_output() ? DType::f32 : c.dtype; }

std::vector<Uncertain> exactly(const std::vector<Tensor>& tensors) {
  std::vector<Uncertain> result;
  for (const Tensor& t : tensors) result.push_back({in_f64(t), {}});
  return result;
}

Tensor anything_goes(const Tensor& value) {
  Tensor result(value.shape(), DType::f64);
  for (double& t : result.span<double>()) t = std::numeric_limits<double>::infinity();
  return result;
}

View writable(const ConstView& v) { return {const_cast<void*>(v.data), v.shape, v.dtype, v.layout, v.memory}; }

template <class T>
std::span<const T> next(std::span<const T>& rest, std::size_t count) {
  const auto taken = rest.first(count);
  rest = rest.subspan(count);
  return taken;
}

// Images are the inputs, the output, what is saved for each of its elements, and their gradients.
std::function<std::size_t(Ops&, Layout)> workspace_of(const LayerCase& c, Direction direction) {
  return [c, direction](Ops& ops, Layout layout) {
    const bool images = std::ranges::all_of(c.inputs, [](const Shape& shape) { return shape.rank() == 4; });
    const Layout each = images ? layout : Layout::nchw;
    const std::vector<Layout> alike(c.inputs.size(), each);
    return c.layer->workspace_in(ops, direction, c.dtype, c.inputs, {alike, each, alike});
  };
}

}  // namespace

LayerData real_data(const LayerCase& c) { return make_data(c, false); }
LayerData integer_data(const LayerCase& c) { return make_data(c, true); }

std::vector<Shape> parameter_shapes(const LayerCase& c) { return shapes_of(c.layer->parameters(c.inputs)); }

std::vector<int> differentiable_inputs(const LayerCase& c) {
  std::vector<int> result;
  for (int i = 0; i < static_cast<int>(c.inputs.size()); ++i)
    if (c.layer->differentiable(i)) result.push_back(i);
  return result;
}

bool has_gradients(const LayerCase& c) { return !differentiable_inputs(c).empty() || !parameter_shapes(c).empty(); }

LayerResult split_result(const LayerCase& c, const std::vector<Tensor>& outputs) {
  const auto state = outputs.end() - static_cast<std::ptrdiff_t>(c.layer->state(c.inputs).size());
  return {.output = outputs[0], .saved = {outputs.begin() + 1, state}, .state = {state, outputs.end()}};
}

LayerResult forward_truth(const LayerCase& c, const LayerData& data) {
  return split_result(c, execute(truth_backend(), in_float64(forward_call(c, data))).outputs);
}

LayerResult rounded(const LayerCase& c, const LayerResult& result) {
  LayerResult narrow;
  narrow.output = result.output.converted(output_dtype(c));
  for (const Tensor& t : result.saved) narrow.saved.push_back(in_f32(t));
  for (const Tensor& t : result.state) narrow.state.push_back(in_f32(t));
  return narrow;
}

OpCall forward_call(const LayerCase& c, const LayerData& data, bool relu) {
  OpCall call;
  call.op = c.layer->op();
  call.inputs = data.inputs;
  for (const Tensor& parameter : data.parameters) {
    call.plain_inputs.insert(call.inputs.size());
    call.inputs.push_back(parameter);
  }
  call.outputs.push_back({c.layer->output_shape(c.inputs), output_dtype(c)});
  for (const SavedSpec& saved : c.layer->saved(c.inputs)) {
    if (!saved.like_output) call.plain_outputs.insert(call.outputs.size());
    call.outputs.push_back({saved.shape, saved.dtype});
    // Inference need not leave anything for backward.
    if (c.phase == Phase::inference) call.outputs.back().initial = Tensor::zeros(saved.shape, saved.dtype);
  }
  const std::size_t saved = call.outputs.size() - 1;
  for (const Tensor& state : data.state) call.outputs.push_back({state.shape(), state.dtype(), state});
  call.run = [c, saved, relu](Ops& ops, std::span<const ConstView> in, std::span<const View> out, Workspace workspace) {
    c.layer->forward(ops, {.inputs = in.first(c.inputs.size()),
                           .parameters = in.subspan(c.inputs.size()),
                           .output = out[0],
                           .saved = out.subspan(1, saved),
                           .workspace = workspace,
                           .state = out.subspan(1 + saved),
                           .phase = c.phase,
                           .random = c.random,
                           .relu = relu});
  };
  call.workspace = workspace_of(c, Direction::forward);
  return call;
}

ForwardBounds forward_bounds(const LayerCase& c, const LayerData& data, const std::vector<Tensor>& truth) {
  std::vector<Uncertain> results = exactly(truth);
  const std::vector<Uncertain> inputs = exactly(data.inputs), parameters = exactly(data.parameters),
                               state = exactly(data.state);
  const std::span all(results);
  ForwardToleranceArgs args{truth_ops(), inputs, parameters, results[0],
                            all.subspan(1, results.size() - 1 - state.size())};
  args.state = state;
  args.new_state = all.last(state.size());
  args.phase = c.phase;
  args.random = c.random;
  args.dtype = c.dtype;
  c.layer->forward_tolerance(args);
  if (c.phase == Phase::inference)
    for (Uncertain& saved : args.saved) saved.tolerance = anything_goes(saved.value);
  ForwardBounds bounds{.tolerances = {}, .decisions = args.decisions};
  for (const Uncertain& u : results) bounds.tolerances.push_back(u.tolerance);
  return bounds;
}

Tolerances forward_tolerances(const LayerCase& c, const LayerData& data) {
  return [c, data](const std::vector<Tensor>& truth) { return forward_bounds(c, data, truth).tolerances; };
}

OpCall backward_call(const LayerCase& c, const LayerData& data, const LayerResult& forward,
                     const std::vector<int>& wanted, bool relu) {
  const BackwardReads reads = c.layer->backward_reads();
  OpCall call;
  call.op = c.layer->op();
  call.direction = Direction::backward;
  for (const Tensor& x : data.inputs) call.inputs.push_back(reads.inputs || relu ? x : Tensor{});
  const std::vector<SavedSpec> saved_specs = c.layer->saved(c.inputs);
  const std::size_t first_saved = data.inputs.size() + data.parameters.size();
  for (std::size_t i = 0; i < data.parameters.size(); ++i) call.plain_inputs.insert(data.inputs.size() + i);
  for (std::size_t i = 0; i < saved_specs.size(); ++i)
    if (!saved_specs[i].like_output) call.plain_inputs.insert(first_saved + i);
  for (const auto* list : {&data.parameters, &forward.saved, &forward.state})
    call.inputs.insert(call.inputs.end(), list->begin(), list->end());
  call.inputs.push_back(reads.output ? forward.output : Tensor{});
  call.inputs.push_back(data.output_gradient);
  for (const int i : wanted) call.outputs.push_back({c.inputs[static_cast<std::size_t>(i)], c.dtype});
  for (const Tensor& p : data.parameters) {
    call.plain_outputs.insert(call.outputs.size());
    call.outputs.push_back({p.shape()});
  }
  call.run = [c, wanted, relu, parameters = data.parameters.size(), saved = forward.saved.size(),
              states = forward.state.size()](Ops& ops, std::span<const ConstView> in, std::span<const View> out,
                                             Workspace workspace) {
    BackwardArgs args;
    args.workspace = workspace;
    args.random = c.random;
    args.relu = relu;
    std::vector<ConstView> inputs(c.inputs.size());
    std::ranges::copy(next(in, c.inputs.size()), inputs.begin());
    for (std::size_t i = 0; i < inputs.size(); ++i) inputs[i].shape = c.inputs[i];  // also of those it does not read
    args.inputs = inputs;
    args.parameters = next(in, parameters);
    args.saved = next(in, saved);
    std::vector<View> state;  // only read: execute() would notice a change
    for (const ConstView& v : next(in, states)) state.push_back(writable(v));
    args.state = state;
    args.output = in[0];
    args.output_gradient = in[1];
    std::vector<View> input_gradients(c.inputs.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) input_gradients[static_cast<std::size_t>(wanted[i])] = out[i];
    args.input_gradients = input_gradients;
    args.parameter_gradients = out.subspan(wanted.size());
    c.layer->backward(ops, args);
  };
  call.workspace = workspace_of(c, Direction::backward);
  return call;
}

Tolerances backward_tolerances(const LayerCase& c, const LayerData& data, const LayerResult& forward,
                               const std::vector<int>& wanted, const std::vector<Tensor>& of_forward) {
  return [=](const std::vector<Tensor>& truth) {
    const std::vector<Uncertain> inputs = exactly(data.inputs), parameters = exactly(data.parameters);
    std::vector<Uncertain> saved = exactly(forward.saved), state = exactly(forward.state);
    Uncertain output{in_f64(forward.output), {}};
    const Uncertain gradient{in_f64(data.output_gradient), {}};
    if (!of_forward.empty()) {
      output.tolerance = of_forward[0];
      for (std::size_t i = 0; i < saved.size(); ++i) saved[i].tolerance = of_forward[1 + i];
      for (std::size_t i = 0; i < state.size(); ++i) state[i].tolerance = of_forward[1 + saved.size() + i];
    }
    std::vector<Uncertain> input_gradients(c.inputs.size()), parameter_gradients;
    for (std::size_t i = 0; i < truth.size(); ++i) {
      if (i < wanted.size())
        input_gradients[static_cast<std::size_t>(wanted[i])].value = truth[i];
      else
        parameter_gradients.push_back({truth[i], {}});
    }
    BackwardToleranceArgs args{truth_ops(), inputs, parameters,      output,
                               gradient,    saved,  input_gradients, parameter_gradients};
    args.state = state;
    args.random = c.random;
    c.layer->backward_tolerance(args);
    std::vector<Tensor> result;
    for (const int i : wanted) result.push_back(input_gradients[static_cast<std::size_t>(i)].tolerance);
    for (const Uncertain& u : parameter_gradients) result.push_back(u.tolerance);
    return result;
  };
}

AssertionResult check_forward(Backend& device, const LayerCase& c) {
  if (c.layer->is_view(c.phase)) return AssertionFailure() << "a view: no forward would ever be called";
  const LayerData real = real_data(c);
  if (c.phase == Phase::inference) {
    const LayerResult truth = rounded(c, forward_truth(c, real));
    for (std::size_t i = 0; i < real.state.size(); ++i)
      if (AssertionResult r = same_bits(truth.state[i], real.state[i]); !r)
        return AssertionFailure() << "inference changed state " << i;
  }
  if (AssertionResult r = check_bound(device, forward_call(c, real), forward_tolerances(c, real), c.forward_trust); !r)
    return r;
  const bool rounded_twice = is_16_bit(c.dtype) && c.rounds_twice;
  if (c.exact_forward && !rounded_twice) return check_exact(device, forward_call(c, integer_data(c)), c.forward_trust);
  if (c.exact_forward) return equal_to_reference(device, forward_call(c, integer_data(c)));
  return AssertionSuccess();
}

AssertionResult check_backward(Backend& device, const LayerCase& c) {
  if (c.layer->is_view(c.phase)) return AssertionFailure() << "a view: no backward would ever be called";
  const std::vector<int> all = differentiable_inputs(c);
  const LayerData real = real_data(c);
  const LayerResult forward = rounded(c, forward_truth(c, real));
  const OpCall call = backward_call(c, real, forward, all);
  if (AssertionResult r = check_bound(device, call, backward_tolerances(c, real, forward, all), c.backward_trust); !r)
    return r;
  if (c.exact_backward) {
    const LayerData whole = integer_data(c);
    const OpCall exact = backward_call(c, whole, rounded(c, forward_truth(c, whole)), all);
    if (AssertionResult r = check_exact(device, exact, c.backward_trust); !r) return r;
  }
  // A gradient that is not wanted must not change the others, nor be written.
  const std::size_t gradients = all.size() + real.parameters.size();
  if (gradients < 2 || all.empty()) return AssertionSuccess();
  const std::vector<Tensor> together = execute(device, call).outputs;
  for (std::size_t without = 0; without < all.size(); ++without) {
    std::vector<int> wanted = all;
    wanted.erase(wanted.begin() + static_cast<std::ptrdiff_t>(without));
    const Execution fewer = execute(device, backward_call(c, real, forward, wanted));
    const std::string what = "without the gradient of " + c.layer->input_name(all[without]) + ": ";
    if (!fewer.fault.empty()) return AssertionFailure() << what << fewer.fault;
    for (std::size_t i = 0; i < fewer.outputs.size(); ++i)
      if (AssertionResult r = same_bits(fewer.outputs[i], together[i < without ? i : i + 1]); !r)
        return AssertionFailure() << what << r.message();
  }
  return AssertionSuccess();
}

std::string describe(const LayerCase& c) {
  TomlWriter options;
  c.layer->describe(options);
  std::string text = "type = \"" + std::string(c.layer->type()) + "\"\n" + options.text();
  for (std::size_t i = 0; i < c.inputs.size(); ++i)
    text += "# " + c.layer->input_name(static_cast<int>(i)) + ": " + c.inputs[i].to_string() + "\n";
  if (is_16_bit(c.dtype)) text += "# stored as " + std::string(name_of(c.dtype)) + "\n";
  return text + "# phase: " + (c.phase == Phase::training ? "training" : "inference") + "\n";
}

}  // namespace fovea::test
