// SPDX-License-Identifier: Apache-2.0
//
// 9. Sequences: 1-D convolutions slide over time as 2-D ones slide over an image. Oscillations of four forms, at any
//    phase and period: a dense layer, which looks at fixed places, sees little; convolutions find the form anywhere.
#include <cstdio>

#include "core/backend/device_list.h"
#include "core/models/models.h"
#include "core/train/trainer.h"

int main() {
  using namespace fovea;
  const DataSplits data = open_data("waves:128:4");
  const auto device = open_device("auto");

  // The first four test samples.
  std::vector<std::uint8_t> values(128);
  for (std::int64_t i = 0; i < 4; ++i) {
    const std::int32_t label = data.test->read(i, values);
    std::printf("%-9s", data.test->class_names()[static_cast<std::size_t>(label)].c_str());
    for (std::size_t t = 0; t < 32; ++t) std::printf("%c", " .:-=+*#%@"[values[t] * 10 / 256]);
    std::printf("\n");
  }

  for (const char* net : {"softmax", "conv1d-small"}) {
    const Model model = make_classifier(load_net(net, data.train->sample_shape(), data.train->classes()));
    Trainer trainer(model, *device, *data.train, data.spec,
                    {.epochs = 4, .batch = 32, .optimizer = {.learning_rate = 0.02, .momentum = 0.9}, .seed = 1});
    trainer.run([](const Progress&) {});
    const Evaluation test = evaluate(model, *device, trainer.weights(), *data.test, trainer.normalization());
    std::printf("%-12s %5lld parameters: %.3f of %lld test sequences right\n", net,
                static_cast<long long>(ParameterLayout::of(model.graph).parameters), test.accuracy,
                static_cast<long long>(test.images));
  }
}
