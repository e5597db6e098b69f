// SPDX-License-Identifier: Apache-2.0
#include "core/layers/sequence_layer.h"

#include <fmt/core.h>

#include "core/support/error.h"

namespace fovea {
namespace {

Shape image_shape(const Shape& s) { return s.rank() == 3 ? Shape{s[0], s[1], 1, s[2]} : s; }
Shape sequence_shape(const Shape& s) { return s.rank() == 4 ? Shape{s[0], s[1], s[3]} : s; }

Shape input_image(Layer::Shapes inputs) {
  require(inputs[0].rank() == 3,
          [&] { return fmt::format("expected an input [N, C, L], got {}", inputs[0].to_string()); });
  return image_shape(inputs[0]);
}

// An absent view stays absent, an empty tensor empty.
template <class V>
V image_view(const V& view) {
  return view.reshaped(image_shape(view.shape));
}
Tensor image_tensor(const Tensor& t) { return t.empty() ? t : t.reshaped(image_shape(t.shape())); }

template <class V>
std::vector<V> image_views(std::span<const V> views) {
  std::vector<V> images;
  for (const V& view : views) images.push_back(image_view(view));
  return images;
}

Uncertain image_of(const Uncertain& u) { return {image_tensor(u.value), image_tensor(u.tolerance)}; }

template <class U>
std::vector<Uncertain> images_of(std::span<U> all) {
  std::vector<Uncertain> images;
  for (const Uncertain& u : all) images.push_back(image_of(u));
  return images;
}

// The image's tolerance becomes the sequence's.
void take(Uncertain& sequence, const Uncertain& image) {
  sequence.tolerance = image.tolerance.empty() ? Tensor{} : image.tolerance.reshaped(sequence.value.shape());
}

void take(std::span<Uncertain> sequences, const std::vector<Uncertain>& images) {
  for (std::size_t i = 0; i < images.size(); ++i) take(sequences[i], images[i]);
}

}  // namespace

Shape SequenceLayer::output_shape(Shapes inputs) const {
  const Shape image = input_image(inputs);
  return sequence_shape(image_->output_shape({&image, 1}));
}

std::vector<ParameterSpec> SequenceLayer::parameters(Shapes inputs) const {
  const Shape image = input_image(inputs);
  std::vector<ParameterSpec> specs = image_->parameters({&image, 1});
  for (ParameterSpec& spec : specs) spec.shape = sequence_shape(spec.shape);
  return specs;
}

std::vector<SavedSpec> SequenceLayer::saved(Shapes inputs) const {
  const Shape image = input_image(inputs);
  std::vector<SavedSpec> specs = image_->saved({&image, 1});
  for (SavedSpec& spec : specs) spec.shape = sequence_shape(spec.shape);
  return specs;
}

std::int64_t SequenceLayer::macs(Shapes inputs) const {
  const Shape image = input_image(inputs);
  return image_->macs({&image, 1});
}

std::size_t SequenceLayer::workspace(Ops& ops, Direction direction, Shapes inputs) const {
  const Shape image = input_image(inputs);
  return image_->workspace(ops, direction, {&image, 1});
}

// The image is plain, as sequences are.
std::size_t SequenceLayer::workspace_in(Ops& ops, Direction direction, DType dtype, Shapes inputs,
                                        const StepLayouts&) const {
  const Shape image = input_image(inputs);
  return image_->workspace_in(ops, direction, dtype, {&image, 1}, {{Layout::nchw}, Layout::nchw, {Layout::nchw}});
}

void SequenceLayer::forward(Ops& ops, const ForwardArgs& args) const {
  const auto inputs = image_views(args.inputs), parameters = image_views(args.parameters);
  const auto saved = image_views(args.saved);
  ForwardArgs image = args;
  image.inputs = inputs, image.parameters = parameters, image.saved = saved;
  image.output = image_view(args.output);
  image_->forward(ops, image);
}

void SequenceLayer::backward(Ops& ops, const BackwardArgs& args) const {
  const auto inputs = image_views(args.inputs), parameters = image_views(args.parameters);
  const auto saved = image_views(args.saved);
  const auto input_gradients = image_views(args.input_gradients);
  const auto parameter_gradients = image_views(args.parameter_gradients);
  BackwardArgs image = args;
  image.inputs = inputs, image.parameters = parameters, image.saved = saved;
  image.output = image_view(args.output), image.output_gradient = image_view(args.output_gradient);
  image.input_gradients = input_gradients, image.parameter_gradients = parameter_gradients;
  image_->backward(ops, image);
}

void SequenceLayer::forward_tolerance(ForwardToleranceArgs& args) const {
  const auto inputs = images_of(args.inputs), parameters = images_of(args.parameters);
  auto saved = images_of(args.saved);
  Uncertain output = image_of(args.output);
  ForwardToleranceArgs image{args.exact, inputs, parameters, output, saved};
  image.phase = args.phase, image.random = args.random, image.dtype = args.dtype;
  image_->forward_tolerance(image);
  take(args.output, output);
  take(args.saved, saved);
  args.undecided += image.undecided, args.decisions += image.decisions;
}

void SequenceLayer::backward_tolerance(BackwardToleranceArgs& args) const {
  const auto inputs = images_of(args.inputs), parameters = images_of(args.parameters), saved = images_of(args.saved);
  auto input_gradients = images_of(args.input_gradients), parameter_gradients = images_of(args.parameter_gradients);
  const Uncertain output = image_of(args.output), output_gradient = image_of(args.output_gradient);
  BackwardToleranceArgs image{args.exact,      inputs, parameters,      output,
                              output_gradient, saved,  input_gradients, parameter_gradients};
  image.random = args.random;
  image_->backward_tolerance(image);
  take(args.input_gradients, input_gradients);
  take(args.parameter_gradients, parameter_gradients);
  args.undecided += image.undecided, args.decisions += image.decisions;
}

}  // namespace fovea
