// SPDX-License-Identifier: Apache-2.0
#include "core/executor/layer_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "core/executor/parameters.h"
#include "core/support/did_you_mean.h"
#include "core/support/error.h"

namespace fovea {
namespace {

const std::string output_name = "y", output_gradient_name = "dy";

class LayerRun {
 public:
  LayerRun(const Layer& layer, Backend& backend, const NamedTensors& tensors, const LayerRunOptions& options)
      : layer_(layer), backend_(backend), given_(tensors), options_(options) {}

  NamedTensors run() {
    require(options_.dtype == DType::f32 || (options_.dtype == DType::f64 && backend_.name() == "reference"), [&] {
      return fmt::format("dtype: expected f32, or f64 on the reference, got {} on {}", name_of(options_.dtype),
                         backend_.name());
    });
    find_inputs();
    allocate();
    refuse_unknown();
    if (options_.backward) check_backward();
    forward();
    if (options_.backward) backward();
    return std::move(results_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw InputError(fmt::format("{}: {}", layer_.type(), what));
  }

  DType actual(DType dtype) const { return dtype == DType::f32 ? options_.dtype : dtype; }

  const Tensor* find(const std::string& name) {
    known_.push_back(name);
    const auto found = given_.find(name);
    return found == given_.end() ? nullptr : &found->second;
  }

  // A copy on the device of a tensor that was given, of the expected dtype and, when one is expected, shape.
  Tensor take(const std::string& name, const Tensor& given, DType dtype, const std::optional<Shape>& shape) const {
    const bool to_f64 = dtype == DType::f64 && given.dtype() == DType::f32;
    const bool to_i32 = dtype == DType::i32 && given.dtype() == DType::i64;
    if (given.empty() || (given.dtype() != dtype && !to_f64 && !to_i32) || (shape && given.shape() != *shape)) {
      const std::string got =
          given.empty() ? "an empty tensor" : fmt::format("{} {}", name_of(given.dtype()), given.shape().to_string());
      fail(fmt::format("tensor '{}': expected {}{}, got {}", name, name_of(dtype),
                       shape ? " " + shape->to_string() : std::string(), got));
    }
    if (!given.on_host()) fail(fmt::format("tensor '{}': expected a host tensor", name));
    if (given.elements() < 1)
      fail(fmt::format("tensor '{}': expected extents of at least 1, got {}", name, given.shape().to_string()));
    return uploaded(to_f64 ? given.converted(DType::f64) : to_i32 ? narrowed(name, given) : given);
  }

  Tensor uploaded(const Tensor& host) const {
    Tensor copy = host.to(backend_.memory());
    backend_.synchronize();  // `host` may be gone when an asynchronous copy would read it
    return copy;
  }

  Tensor narrowed(const std::string& name, const Tensor& given) const {
    Tensor result(given.shape(), DType::i32);
    for (std::size_t i = 0; i < given.span<std::int64_t>().size(); ++i) {
      const std::int64_t value = given.span<std::int64_t>()[i];
      if (!std::in_range<std::int32_t>(value))
        fail(fmt::format("tensor '{}': element {}: expected a number of 32 bits, got {}", name, i, value));
      result.span<std::int32_t>()[i] = static_cast<std::int32_t>(value);
    }
    return result;
  }

  // Filled with NaN (for floating values): what is not written shows.
  Tensor make(const Shape& shape, DType dtype) const {
    Tensor tensor(shape, actual(dtype), backend_.memory());
    backend_.memory()->fill(tensor.view().data, 0xFF, tensor.bytes());
    return tensor;
  }

  void find_inputs() {
    const int count = layer_.input_count();
    for (int i = 0; count == Layer::any_number || i < count; ++i) {
      const std::string name = layer_.input_name(i);
      const Tensor* given = find(name);
      if (given == nullptr) {
        if (count == Layer::any_number && i > 0) break;
        missing(name, fmt::format("{}, an input", name_of(actual(layer_.input_dtype(i)))));
      }
      inputs_.push_back(take(name, *given, actual(layer_.input_dtype(i)), std::nullopt));
      shapes_.push_back(given->shape());
    }
  }

  [[noreturn]] void missing(const std::string& name, const std::string& what) const {
    std::vector<std::string> names;
    for (const auto& entry : given_) {
      if (std::find(known_.begin(), known_.end(), entry.first) == known_.end()) names.push_back(entry.first);
    }
    const std::string match = closest_match(name, names);
    fail(fmt::format("missing tensor '{}': expected {}{}", name, what,
                     match.empty() ? "" : fmt::format(" (got '{}')", match)));
  }

  void allocate() {
    try {
      output_shape_ = layer_.output_shape(shapes_);
      parameter_specs_ = layer_.parameters(shapes_);
      state_specs_ = layer_.state(shapes_);
      saved_specs_ = layer_.saved(shapes_);
    } catch (const InputError& error) {
      fail(error.what());
    }
    for (const ParameterSpec& spec : parameter_specs_) {
      const Tensor* given = find(spec.name);
      if (given == nullptr)
        missing(spec.name, fmt::format("{} {}, a parameter", name_of(options_.dtype), spec.shape.to_string()));
      parameters_.push_back(take(spec.name, *given, options_.dtype, spec.shape));
    }
    for (const ParameterSpec& spec : state_specs_) {
      const Tensor* given = find(spec.name);
      state_.push_back(given != nullptr ? take(spec.name, *given, options_.dtype, spec.shape)
                                        : uploaded(initial_values(spec).converted(options_.dtype)));
    }
    if (const Tensor* given = find(output_gradient_name))
      output_gradient_ = take(output_gradient_name, *given, options_.dtype, output_shape_);
  }

  void refuse_unknown() const {
    for (const auto& entry : given_) {
      if (std::find(known_.begin(), known_.end(), entry.first) != known_.end()) continue;
      fail(fmt::format("unknown tensor '{}'{}: expected {}", entry.first, did_you_mean(entry.first, known_),
                       fmt::join(known_, ", ")));
    }
  }

  void check_backward() {
    if (options_.phase != Phase::training) fail("backward: expected the training phase, got inference");
    bool any = !parameter_specs_.empty();
    for (std::size_t i = 0; i < shapes_.size(); ++i) any = any || layer_.differentiable(static_cast<int>(i));
    if (!any) fail("backward: it has no gradient");
    if (!output_gradient_.empty()) return;
    if (output_shape_.elements() != 1)
      missing(output_gradient_name,
              fmt::format("{} {}, the gradient of the output", name_of(options_.dtype), output_shape_.to_string()));
    Tensor one = Tensor::zeros(output_shape_);
    one.span<float>()[0] = 1;
    output_gradient_ = uploaded(one.converted(options_.dtype));
  }

  // "conv2d: " before what a layer or a device refuses.
  template <class Call>
  void call(Call&& body) const {
    try {
      body();
      backend_.synchronize();
    } catch (const InputError& error) {
      fail(error.what());
    }
  }

  static std::vector<ConstView> const_views(const std::vector<Tensor>& tensors) {
    std::vector<ConstView> views;
    for (const Tensor& tensor : tensors) views.push_back(tensor.view());
    return views;
  }
  static std::vector<View> views(std::vector<Tensor>& tensors) {
    std::vector<View> result;
    for (Tensor& tensor : tensors) result.push_back(tensor.empty() ? View{} : tensor.view());
    return result;
  }

  // As the executor passes what backward does not read.
  static ConstView shape_only(const Shape& shape) {
    ConstView view;
    view.shape = shape;
    return view;
  }

  bool is_view() const { return layer_.is_view(options_.phase); }

  Workspace workspace(Ops& ops, Direction direction, Tensor& storage) const {
    const std::size_t bytes = layer_.workspace(ops, direction, shapes_);
    if (bytes == 0) return {};
    storage = make(Shape{static_cast<std::int64_t>(bytes)}, DType::u8);
    return {storage.view().data, bytes};
  }

  void forward() {
    if (is_view()) {
      results_[output_name] = inputs_[0].to_host().reshaped(output_shape_);
      return;
    }
    call([&] {
      const EngineChoice engine = backend_.choose(layer_.op(), Direction::forward, options_.engine);
      output_ = make(output_shape_, DType::f32);
      for (const SavedSpec& spec : saved_specs_) saved_.push_back(make(spec.shape, spec.dtype));
      const std::vector<ConstView> inputs = const_views(inputs_), parameters = const_views(parameters_);
      const std::vector<View> saved = views(saved_), state = views(state_);
      Tensor storage;
      layer_.forward(*engine.ops, {.inputs = inputs,
                                   .parameters = parameters,
                                   .output = output_.view(),
                                   .saved = saved,
                                   .workspace = workspace(*engine.ops, Direction::forward, storage),
                                   .state = state,
                                   .phase = options_.phase,
                                   .random = options_.random});
      backend_.synchronize();  // before the workspace goes
    });
    results_[output_name] = output_.to_host();
    for (std::size_t i = 0; i < saved_.size(); ++i) results_[saved_specs_[i].name] = saved_[i].to_host();
    if (options_.phase != Phase::training) return;
    for (std::size_t i = 0; i < state_.size(); ++i) results_[state_specs_[i].name] = state_[i].to_host();
  }

  void backward() {
    if (is_view()) {
      results_["d" + layer_.input_name(0)] = output_gradient_.to_host().reshaped(shapes_[0]);
      return;
    }
    const BackwardReads reads = layer_.backward_reads();
    std::vector<Tensor> input_gradients(inputs_.size()), parameter_gradients;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      if (layer_.differentiable(static_cast<int>(i))) input_gradients[i] = make(shapes_[i], DType::f32);
    }
    for (const ParameterSpec& spec : parameter_specs_) parameter_gradients.push_back(make(spec.shape, DType::f32));
    call([&] {
      const EngineChoice engine = backend_.choose(layer_.op(), Direction::backward, options_.engine);
      std::vector<ConstView> inputs = const_views(inputs_);
      for (ConstView& input : inputs) input = reads.inputs ? input : shape_only(input.shape);
      const std::vector<ConstView> parameters = const_views(parameters_), saved = const_views(saved_);
      const std::vector<View> to_inputs = views(input_gradients), to_parameters = views(parameter_gradients);
      const std::vector<View> state = views(state_);
      Tensor storage;
      layer_.backward(*engine.ops, {.inputs = inputs,
                                    .parameters = parameters,
                                    .output = reads.output ? output_.view() : shape_only(output_shape_),
                                    .output_gradient = output_gradient_.view(),
                                    .saved = saved,
                                    .input_gradients = to_inputs,
                                    .parameter_gradients = to_parameters,
                                    .workspace = workspace(*engine.ops, Direction::backward, storage),
                                    .state = state,
                                    .random = options_.random});
      backend_.synchronize();
    });
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      if (!input_gradients[i].empty())
        results_["d" + layer_.input_name(static_cast<int>(i))] = input_gradients[i].to_host();
    }
    for (std::size_t i = 0; i < parameter_specs_.size(); ++i)
      results_["d" + parameter_specs_[i].name] = parameter_gradients[i].to_host();
  }

  const Layer& layer_;
  Backend& backend_;
  const NamedTensors& given_;
  const LayerRunOptions& options_;
  std::vector<std::string> known_;  // names that mean something to the layer
  std::vector<Shape> shapes_;       // of the inputs
  Shape output_shape_;
  std::vector<ParameterSpec> parameter_specs_, state_specs_;
  std::vector<SavedSpec> saved_specs_;
  // On the device.
  std::vector<Tensor> inputs_, parameters_, state_, saved_;
  Tensor output_, output_gradient_;
  NamedTensors results_;
};

}  // namespace

NamedTensors run_layer(const Layer& layer, Backend& backend, const NamedTensors& tensors,
                       const LayerRunOptions& options) {
  return LayerRun(layer, backend, tensors, options).run();
}

}  // namespace fovea
