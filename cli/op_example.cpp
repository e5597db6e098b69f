// SPDX-License-Identifier: Apache-2.0
#include "cli/op_example.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/executor/parameters.h"
#include "core/support/error.h"
#include "core/support/philox.h"

namespace fovea::cli {
namespace {

// Two decimals, so that the tensors can be read and typed.
float rounded(float value) { return std::round(value * 100) / 100; }

Tensor reals(const Shape& shape, RandomStream random, float low, float high) {
  Tensor tensor(shape);
  for (float& value : tensor.span<float>()) value = rounded(random.uniform(low, high));
  return tensor;
}

Tensor labels(const Shape& shape, RandomStream random, std::int64_t classes) {
  Tensor tensor(shape, DType::i32);
  for (std::int32_t& value : tensor.span<std::int32_t>())
    value = static_cast<std::int32_t>(random.below(static_cast<std::uint32_t>(classes)));
  return tensor;
}

// Whole hundredths of at least 0 whose sums over the classes are 1, which any loss takes as targets.
Tensor targets(const Shape& shape, RandomStream random) {
  Tensor tensor = Tensor::zeros(shape);
  const std::int64_t classes = shape[1], positions = shape.without_batch().without_batch().elements();
  for (std::int64_t n = 0; n < shape[0]; ++n)
    for (std::int64_t i = 0; i < positions; ++i) {
      std::vector<int> hundredths(static_cast<std::size_t>(classes));
      for (int left = 100; left > 0;) {
        const int part = std::min(left, 1 + static_cast<int>(random.below(60)));
        hundredths[random.below(static_cast<std::uint32_t>(classes))] += part;
        left -= part;
      }
      for (std::int64_t c = 0; c < classes; ++c)
        tensor.span<float>()[static_cast<std::size_t>((n * classes + c) * positions + i)] =
            static_cast<float>(hundredths[static_cast<std::size_t>(c)]) / 100;
    }
  return tensor;
}

}  // namespace

NamedTensors example_tensors(const Layer& layer, const std::vector<Shape>& inputs, std::uint64_t seed) {
  NamedTensors tensors;
  std::uint64_t number = 0;
  const auto random = [&] { return RandomStream(seed, RandomPurpose::synthetic_data, number++); };
  const auto call = [&](auto&& body) {
    try {
      return body();
    } catch (const InputError& error) {
      std::string shapes;
      for (const Shape& shape : inputs) shapes += (shapes.empty() ? "" : ", ") + shape.to_string();
      throw InputError(fmt::format("{}: {}; the example's inputs are {}", layer.type(), error.what(), shapes));
    }
  };
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const int input = static_cast<int>(i);
    const bool classes = layer.input_dtype(input) == DType::i32;
    const bool target = !classes && !layer.differentiable(input);
    tensors[layer.input_name(input)] = classes  ? labels(inputs[i], random(), inputs[0].rank() > 1 ? inputs[0][1] : 2)
                                       : target ? targets(inputs[i], random())
                                                : reals(inputs[i], random(), -1, 1);
  }
  const Shape output = call([&] { return layer.output_shape(inputs); });
  for (const ParameterSpec& spec : call([&] { return layer.parameters(inputs); }))
    tensors[spec.name] = reals(spec.shape, random(), -1, 1);
  bool gradient = !layer.parameters(inputs).empty();
  for (std::size_t i = 0; i < inputs.size(); ++i) gradient = gradient || layer.differentiable(static_cast<int>(i));
  for (const ParameterSpec& spec : layer.state(inputs)) tensors[spec.name] = initial_values(spec);
  if (gradient) tensors["dy"] = reals(output, random(), -1, 1);
  return tensors;
}

}  // namespace fovea::cli
