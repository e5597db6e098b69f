// SPDX-License-Identifier: Apache-2.0
//
// 8. Segmentation: a class for every pixel. A small fully convolutional net finds circles, squares and triangles in
//    noise. The labels are an image, the logits [N, classes, H, W], and everything else is as in classification.
//    Usage: 08_segmentation [TEST_IMAGE]
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "core/backend/device_list.h"
#include "core/models/models.h"
#include "core/train/trainer.h"

namespace {
using namespace fovea;

// How many of the test split's pixels are background: what a net reaches that never sees anything.
double share_of_background(const Dataset& data) {
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(data.sample_shape().elements()));
  std::vector<std::int32_t> labels(static_cast<std::size_t>(data.label_shape().elements()));
  std::int64_t background = 0;
  for (std::int64_t i = 0; i < data.size(); ++i) {
    data.read_labels(i, pixels, labels);
    background += std::count(labels.begin(), labels.end(), 0);
  }
  return static_cast<double>(background) / static_cast<double>(data.size() * data.label_shape().elements());
}

}  // namespace

int main(int argc, char** argv) {
  const DataSplits data = open_data("shapes:24x24");
  const auto device = open_device("auto");
  const Model model = make_classifier(load_net("fcn-small", data.train->sample_shape(), data.train->classes()));
  Trainer trainer(model, *device, *data.train, data.spec,
                  {.epochs = 3, .batch = 16, .optimizer = {.learning_rate = 0.2, .momentum = 0.9}, .seed = 1});
  trainer.run([](const Progress& progress) {
    if (progress.epoch_finished)
      std::printf("epoch %lld: loss %.3f, %.3f of the pixels right\n", static_cast<long long>(progress.epoch),
                  progress.loss, progress.accuracy);
  });
  const Evaluation test = evaluate(model, *device, trainer.weights(), *data.test, trainer.normalization(), 64);
  std::printf("%lld test images: %.3f of the pixels right; all background: %.3f\n", static_cast<long long>(test.images),
              test.accuracy, share_of_background(*data.test));

  // One test image: the image, its labels, and what the net says. . background, o circle, # square, ^ triangle
  const std::int64_t sample = argc > 1 ? std::atoll(argv[1]) : 13;
  const Batch batch = make_batch(*data.test, {&sample, 1}, trainer.normalization());
  Executor executor(model.graph, *device, trainer.weights(), {.batch = 1, .target = model.logits});
  executor.set_input(model.image, batch.images);
  executor.forward();
  const Tensor logits = executor.read(model.logits);
  const std::span<const float> scores = logits.span<float>(), image = batch.images.span<float>();
  const std::size_t H = 24, W = 24, classes = 4;
  for (std::size_t h = 0; h < H; ++h) {
    std::string pixels, truth, found;
    for (std::size_t i = h * W; i < (h + 1) * W; ++i) {
      std::size_t best = 0;
      for (std::size_t c = 1; c < classes; ++c)
        if (scores[c * H * W + i] > scores[best * H * W + i]) best = c;
      pixels += image[i] < -1 ? ' ' : image[i] < 0 ? ':' : image[i] < 1 ? 'x' : 'X';
      truth += ".o#^"[batch.labels.span<std::int32_t>()[i]];
      found += ".o#^"[best];
    }
    std::printf("%s  %s  %s\n", pixels.c_str(), truth.c_str(), found.c_str());
  }
}
