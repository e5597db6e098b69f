// SPDX-License-Identifier: Apache-2.0
//
// Data and nets on which a training takes milliseconds.
#pragma once
#include <string>
#include <vector>

#include "core/layers/batch_norm.h"
#include "core/layers/conv2d.h"
#include "core/layers/dropout.h"
#include "core/layers/hinge_loss.h"
#include "core/layers/linear.h"
#include "core/layers/max_pool2d.h"
#include "core/layers/relu.h"
#include "core/support/philox.h"
#include "core/train/trainer.h"

namespace fovea::test {

// Of each two neighbouring pixels one is black and one white, so that mean and deviation are exactly 0.5 and every
// normalised pixel is -1 or 1. The label decides half of the image, chance the rest.
class Pairs final : public Dataset {
 public:
  explicit Pairs(std::int64_t size) : size_(size) {}
  std::int64_t size() const override { return size_; }
  Shape sample_shape() const override { return {1, 8, 8}; }
  const std::vector<std::string>& class_names() const override { return names_; }
  std::int32_t read(std::int64_t index, std::span<std::uint8_t> pixels) const override {
    RandomStream random(6, RandomPurpose::test, static_cast<std::uint64_t>(index));
    const auto label = static_cast<std::int32_t>(random.below(3));
    for (std::size_t pair = 0; pair < 32; ++pair) {
      const bool drawn = random.below(2) != 0;
      const bool left = pair % 2 == 0 ? (pair / 2 + static_cast<std::size_t>(label)) % 3 == 0 : drawn;
      pixels[2 * pair] = left ? 255 : 0;
      pixels[2 * pair + 1] = left ? 0 : 255;
    }
    return label;
  }

 private:
  std::int64_t size_;
  std::vector<std::string> names_{"one", "two", "three"};
};

// A linear machine whose gradients are sums of whole numbers divided by the batch.
inline Model margin_net() {
  Graph g("margin");
  g.add("fc", Linear({.out_features = 3}), g.input("image", {1, 8, 8}));
  g.set_loss(std::make_shared<const HingeLoss>(HingeLossOptions{}));
  return make_classifier(g);
}

// The same with any loss; null: softmax and cross-entropy.
inline Model linear_net(std::shared_ptr<const Layer> loss = nullptr) {
  Graph g("linear");
  g.add("fc", Linear({.out_features = 3}), g.input("image", {1, 8, 8}));
  g.set_loss(std::move(loss));
  return make_classifier(g);
}

// Everything with a memory: weights, running statistics, masks.
inline Model whole_net() {
  Graph g("whole");
  NodeId x = g.input("image", {1, 8, 8});
  x = g.add("conv", Conv2d({.out_channels = 4, .kernel = 3, .padding = 1}), x);
  x = g.add("norm", BatchNorm({}), x);
  x = g.add("relu", Relu(), x);
  x = g.add("pool", MaxPool2d({}), x);
  x = g.add("drop", Dropout({.rate = 0.2}), x);
  g.add("fc", Linear({.out_features = 3}), x);
  return make_classifier(g);
}

inline Model plain_net() {
  Graph g("plain");
  NodeId x = g.input("image", {1, 8, 8});
  x = g.add("conv", Conv2d({.out_channels = 4, .kernel = 3, .padding = 1}), x);
  x = g.add("relu", Relu(), x);
  x = g.add("pool", MaxPool2d({}), x);
  g.add("fc", Linear({.out_features = 3}), x);
  return make_classifier(g);
}

inline std::vector<float> values_of(const Checkpoint::Tensors& tensors, std::string_view name = {}) {
  std::vector<float> all;
  for (const auto& [key, tensor] : tensors)
    if (name.empty() || key == name) all.insert(all.end(), tensor.span<float>().begin(), tensor.span<float>().end());
  return all;
}

}  // namespace fovea::test
