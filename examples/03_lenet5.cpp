// SPDX-License-Identifier: Apache-2.0
//
// 3. LeNet-5 in C++, layer by layer, learning handwritten digits.
#include <cstdio>

#include "core/backend/device_list.h"
#include "core/layers/conv2d.h"
#include "core/layers/flatten.h"
#include "core/layers/linear.h"
#include "core/layers/max_pool2d.h"
#include "core/layers/relu.h"
#include "core/train/trainer.h"

int main() {
  using namespace fovea;
  Graph graph("my-lenet5");
  NodeId x = graph.input("image", Shape{1, 28, 28});
  x = graph.add("conv1", Conv2d({.out_channels = 6, .kernel = 5, .padding = 2}), x);  // 6 maps of 28x28
  x = graph.add("relu1", Relu(), x);
  x = graph.add("pool1", MaxPool2d({.kernel = 2, .stride = 2}), x);      // 14x14
  x = graph.add("conv2", Conv2d({.out_channels = 16, .kernel = 5}), x);  // 16 maps of 10x10
  x = graph.add("relu2", Relu(), x);
  x = graph.add("pool2", MaxPool2d({.kernel = 2, .stride = 2}), x);  // 5x5
  x = graph.add("flatten", Flatten(), x);                            // 400 numbers
  x = graph.add("fc1", Linear({.out_features = 120}), x);
  x = graph.add("relu3", Relu(), x);
  x = graph.add("fc2", Linear({.out_features = 84}), x);
  x = graph.add("relu4", Relu(), x);
  x = graph.add("fc3", Linear({.out_features = 10}), x);  // one score per digit
  const Model model = make_classifier(std::move(graph));  // adds softmax and cross-entropy

  const DataSplits data = open_data("digits");
  const auto device = open_device("auto");
  Trainer trainer(model, *device, *data.train, data.spec, {.batch = 64, .seed = 1, .max_steps = 200});
  trainer.run([](const Progress& progress) {
    if (progress.step % 50 == 0)
      std::printf("step %3lld: loss %.3f, accuracy %.3f\n", static_cast<long long>(progress.step), progress.loss,
                  progress.accuracy);
  });

  const Evaluation test = evaluate(model, *device, trainer.weights(), *data.test, trainer.normalization());
  std::printf("%lld test images: accuracy %.3f\n", static_cast<long long>(test.images), test.accuracy);
}
