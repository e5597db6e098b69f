// SPDX-License-Identifier: Apache-2.0
//
// The first steps of nets that people train, on the emulator with augmentation there: every layer of every step within its
// bound of the reference, and the step made of just those layers.
#include <gtest/gtest.h>

#include <algorithm>
#include <tuple>

#include "core/backend/device_list.h"
#include "core/compare/compare.h"
#include "core/data/synthetic.h"
#include "core/models/models.h"
#include "tests/support/checks.h"
#include "tests/train/trained_step.h"

namespace fovea::test {
namespace {

class NetSteps : public testing::TestWithParam<std::tuple<const char*, Precision>> {};

TEST_P(NetSteps, AreTheirLayersWithinTheirBounds) {
  const auto& [name, precision] = GetParam();
  const DType dtype = storage_of(precision);
  const DataSplits data = open_synthetic("3x32x32:10");
  const Model model = make_classifier(load_net(name, data.train->sample_shape(), 10));
  const auto emu = open_device("emu"), reference = open_device("reference"), truth = open_device("reference");
  TrainOptions options{.batch = 2, .optimizer = {.learning_rate = 0.01}, .seed = 3};  // no momentum
  options.augment = "crop:4,flip,color:0.2,cutout:8";
  options.augment_on_device = true;
  options.precision = precision;
  TrainOptions on_host = options;
  on_host.augment_on_device = false;
  Trainer trainer(model, *emu, *data.train, "synthetic", options);
  const Replay first = trainer.replay();
  const Batch loaded = Trainer(model, *emu, *data.train, "synthetic", on_host).replay().batch;
  EXPECT_TRUE(same_bits(first.batch.images, loaded.images));
  for (int step = 0; step < 3; ++step) {
    const Replay replay = trainer.replay();
    const Comparison c = compare(model, *emu, *reference, *truth, weights_of(replay), replay.batch, {.dtype = dtype});
    EXPECT_TRUE(c.ok) << "step " << step << ": " << c.first_divergent << ": " << c.worst_ratio;
    const Step wanted = computed(model, *emu, replay, options, dtype);
    ASSERT_TRUE(trainer.step());
    const Replay next = expect_left(trainer, wanted);
    EXPECT_FALSE(same_bits(next.batch.images, replay.batch.images));
  }
}

std::string case_name(const testing::TestParamInfo<NetSteps::ParamType>& instance) {
  const auto& [name, precision] = instance.param;
  std::string words = std::string(name) + "_" + std::string(name_of(precision));
  std::ranges::replace(words, '-', '_');
  return words;
}
INSTANTIATE_TEST_SUITE_P(All, NetSteps,
                         testing::Combine(testing::Values("resnet20", "alexnet-cifar"),
                                          testing::Values(Precision::fp32, Precision::bf16)),
                         case_name);

}  // namespace
}  // namespace fovea::test
