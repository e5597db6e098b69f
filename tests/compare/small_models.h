// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

#include "core/compare/compare.h"
#include "core/data/dataset.h"
#include "core/layers/add.h"
#include "core/layers/avg_pool2d.h"
#include "core/layers/conv2d.h"
#include "core/layers/flatten.h"
#include "core/layers/hinge_loss.h"
#include "core/layers/linear.h"
#include "core/layers/max_pool2d.h"
#include "core/layers/relu.h"
#include "core/layers/softmax.h"
#include "core/layers/softmax_cross_entropy.h"
#include "core/layers/tanh.h"
#include "core/models/models.h"
#include "core/support/philox.h"

namespace fovea::test {

// Every layer type, fan-out, a value added to itself and a view, in one small net.
inline Model every_layer() {
  Graph g("every-layer");
  const NodeId x = g.input("image", {2, 8, 8});
  const NodeId a = g.add("conv", Conv2d({.out_channels = 4, .kernel = 3, .padding = 1, .groups = 2}), x);
  const NodeId left = g.add("relu", Relu(), a);
  const NodeId right = g.add("tanh", Tanh(), a);
  const NodeId twice = g.add("twice", Add(), {a, a});
  const NodeId sum = g.add("sum", Add(), {left, right});
  const NodeId all = g.add("all", Add(), {sum, twice});
  const NodeId pool = g.add("maxpool", MaxPool2d({.kernel = 3, .stride = 2, .padding = 1}), all);
  const NodeId average = g.add("avgpool", AvgPool2d({}), pool);
  const NodeId flat = g.add("flat", Flatten(), average);
  const NodeId soft = g.add("softmax", Softmax(), flat);
  g.add("fc", Linear({.out_features = 5}), soft);
  return make_classifier(g);
}

inline std::vector<Tensor> initial_weights(const Model& model, std::uint64_t seed) {
  ParameterArena arena(ParameterLayout::of(model.graph), host_memory());
  initialise(arena, seed);
  std::vector<Tensor> weights;
  for (std::size_t i = 0; i < arena.layout().entries.size(); ++i) weights.push_back(arena.get(i));
  return weights;
}

// Uniform images in [-1, 1) and labels in turn.
inline Batch random_batch(const Model& model, std::int64_t n, std::uint64_t seed) {
  const Shape labels = model.graph.node(model.label).sample_shape;
  Batch batch{Tensor(model.sample_shape().with_batch(n)), Tensor(labels.with_batch(n), DType::i32)};
  RandomStream random(seed, RandomPurpose::test, 1);
  for (float& v : batch.images.span<float>()) v = random.uniform(-1, 1);
  std::int32_t next = 0;
  for (std::int32_t& label : batch.labels.span<std::int32_t>())
    label = next++ % static_cast<std::int32_t>(model.classes());
  return batch;
}

}  // namespace fovea::test
