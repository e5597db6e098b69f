// SPDX-License-Identifier: Apache-2.0
//
// A program that uses an installed Fovea: its own data set, its own operation, proved by finite differences, then
// trained. Prints what it did; exits 0 when all of it worked.
#include <cmath>
#include <iostream>
#include <string>

#include "core/backend/device_list.h"
#include "core/compare/compare.h"
#include "core/layers/flatten.h"
#include "core/layers/linear.h"
#include "core/train/trainer.h"

namespace {

// Is the left half of the image brighter, or the right one?
class Halves final : public fovea::Dataset {
 public:
  std::int64_t size() const override { return 128; }
  fovea::Shape sample_shape() const override { return {1, 4, 4}; }
  const std::vector<std::string>& class_names() const override { return names_; }
  std::int32_t read(std::int64_t index, std::span<std::uint8_t> pixels) const override {
    const auto label = static_cast<std::int32_t>(index % 2);
    for (std::size_t i = 0; i < pixels.size(); ++i) {
      const bool bright = (i % 4 >= 2) == (label == 1);
      pixels[i] = static_cast<std::uint8_t>((bright ? 150 : 30) + (index * 7 + static_cast<std::int64_t>(i) * 13) % 60);
    }
    return label;
  }

 private:
  std::vector<std::string> names_{"left", "right"};
};

// y = x^2, dx = 2 x dy: an operation that Fovea does not have, on host memory, f32 or f64.
class Square final : public fovea::Layer {
 public:
  std::string_view type() const override { return "square"; }
  fovea::Shape output_shape(Shapes inputs) const override { return inputs[0]; }
  fovea::BackwardReads backward_reads() const override { return {.inputs = true}; }
  void forward(fovea::Ops&, const fovea::ForwardArgs& args) const override {
    args.output.dtype == fovea::DType::f64 ? forward_as<double>(args) : forward_as<float>(args);
  }
  void backward(fovea::Ops&, const fovea::BackwardArgs& args) const override {
    if (!args.input_gradients[0]) return;
    args.output_gradient.dtype == fovea::DType::f64 ? backward_as<double>(args) : backward_as<float>(args);
  }
  // One rounding of the result: half an ulp, and what the input's own uncertainty adds.
  void forward_tolerance(fovea::ForwardToleranceArgs& args) const override {
    fill(args.output, [&](std::size_t i) { return std::abs(args.output.value.span<double>()[i]) * 0x1p-23; });
  }
  void backward_tolerance(fovea::BackwardToleranceArgs& args) const override {
    fovea::Uncertain& dx = args.input_gradients[0];
    if (!dx.value.empty()) fill(dx, [&](std::size_t i) { return std::abs(dx.value.span<double>()[i]) * 0x1p-22; });
  }

 private:
  template <class T>
  static void forward_as(const fovea::ForwardArgs& args) {
    const T* x = fovea::data_as<T>(args.inputs[0]);
    T* y = fovea::data_as<T>(args.output);
    for (std::int64_t i = 0; i < args.output.elements(); ++i) y[i] = x[i] * x[i];
  }
  template <class T>
  static void backward_as(const fovea::BackwardArgs& args) {
    const T *x = fovea::data_as<T>(args.inputs[0]), *dy = fovea::data_as<T>(args.output_gradient);
    T* dx = fovea::data_as<T>(args.input_gradients[0]);
    for (std::int64_t i = 0; i < args.output_gradient.elements(); ++i) dx[i] = 2 * x[i] * dy[i];
  }
  template <class Bound>
  static void fill(fovea::Uncertain& u, Bound bound) {
    u.tolerance = fovea::Tensor::zeros(u.value.shape(), fovea::DType::f64);
    const auto out = u.tolerance.span<double>();
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = bound(i);
  }
};

}  // namespace

int main() {
  fovea::Graph graph("halves");
  fovea::NodeId x = graph.input("image", {1, 4, 4});
  x = graph.add("flatten", fovea::Flatten(), x);
  x = graph.add("fc1", fovea::Linear({.out_features = 8}), x);
  x = graph.add("square", Square(), x);
  graph.add("fc2", fovea::Linear({.out_features = 2}), x);
  const fovea::Model model = fovea::make_classifier(std::move(graph));
  const Halves data;
  const auto device = fovea::open_device("reference");

  fovea::Trainer trainer(model, *device, data, "halves",
                         {.epochs = 20, .batch = 16, .optimizer = {.learning_rate = 0.05}});
  std::vector<fovea::Tensor> weights;
  for (std::size_t i = 0; i < trainer.weights()->layout().entries.size(); ++i)
    weights.push_back(trainer.weights()->get(i));
  const std::int64_t samples[] = {0, 1, 2};
  const fovea::Batch batch = fovea::make_batch(data, samples, trainer.normalization());
  const bool gradients = fovea::gradcheck(model, *device, weights, batch, 0).ok;
  std::cout << "gradients " << (gradients ? "right" : "WRONG") << "\n";

  while (trainer.step()) {
  }
  const double accuracy = fovea::evaluate(model, *device, trainer.weights(), data, trainer.normalization()).accuracy;
  std::cout << "accuracy " << accuracy << "\n";
  return gradients && accuracy > 0.9 ? 0 : 1;
}
