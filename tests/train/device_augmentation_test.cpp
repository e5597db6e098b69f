// SPDX-License-Identifier: Apache-2.0
//
// Chains of augmentations on a device against the loader that does all of it, and a training with either.
#include "core/train/device_augmentation.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/data/files.h"
#include "tests/support/devices.h"
#include "tests/train/small_runs.h"

namespace fovea::test {
namespace {

// Samples of any shape, for what a net does not matter to.
class Noisy final : public Dataset {
 public:
  explicit Noisy(Shape shape) : shape_(shape) {}
  std::int64_t size() const override { return 11; }
  Shape sample_shape() const override { return shape_; }
  const std::vector<std::string>& class_names() const override { return names_; }
  std::int32_t read(std::int64_t index, std::span<std::uint8_t> pixels) const override {
    RandomStream random(4, RandomPurpose::test, static_cast<std::uint64_t>(index));
    for (std::uint8_t& pixel : pixels) pixel = static_cast<std::uint8_t>(random.below(256));
    return 0;
  }

 private:
  Shape shape_;
  std::vector<std::string> names_{"only"};
};

class DeviceAugmentationTest : public testing::TestWithParam<TestDevice> {
 protected:
  void SetUp() override {
    std::string reason;
    device_ = open_test_device(GetParam(), reason);
    if (!device_) GTEST_SKIP() << reason;
  }
  void expect_same_training(const Model& model, const std::string& augment, Precision precision = Precision::fp32);
  Backend* device_ = nullptr;
};

TEST_P(DeviceAugmentationTest, ChainsEqualTheLoader) {
  const struct {
    Shape shape;
    const char* text;
  } cases[] = {
      {{1, 9, 7}, "crop:2,flip"},
      {{1, 1, 13}, "flip,noise:0.2,blur:1"},
      {{3, 8, 8}, "resized-crop,flip,color:0.4:0.1"},
      {{3, 11, 6}, "rotate:20,shear:10,perspective:0.3"},  // an odd number of warps
      {{3, 7, 10}, "pca,blur:1.5,noise:0.1,cutout:4,shift:2"},
      {{2, 6, 5}, "contrast:0.5,brightness:0.3,cutout:3"},
      {{1, 9, 7}, "mixup:0.5"},
      {{3, 8, 8}, "resized-crop,flip,color:0.4:0.1,cutmix:1"},
      {{2, 6, 5}, "shift:1,noise:0.1,blur:1,mixup:1,cutmix:1"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.text);
    const Noisy data(c.shape);
    const Normalization normalization = measure_normalization(data);
    LoaderOptions o;
    o.batch = 4;
    o.seed = 5;
    o.augmentation = Augmentation::parse(c.text);
    o.threads = 0;
    Loader host(data, normalization, o);
    o.augment_on_device = true;
    Loader bytes(data, normalization, o);
    DeviceAugmentation device(o.augmentation, normalization, c.shape, *device_);
    const std::uint64_t before = device_->executed();
    for (std::int64_t place = 0; place < 6; ++place) {  // two epochs of 4, 4 and 3 samples
      const Batch wanted = host.batch(place / 3, place % 3), given = bytes.batch(place / 3, place % 3);
      const std::int64_t samples = wanted.images.shape()[0];
      const Tensor made = device.images(given, 0, samples).to_host();
      ASSERT_EQ(made.shape(), wanted.images.shape());
      EXPECT_TRUE(std::ranges::equal(made.span<float>(), wanted.images.span<float>())) << "batch " << place;
      const Tensor rest = device.images(given, 1, samples - 1).to_host();  // a piece of it
      EXPECT_TRUE(std::ranges::equal(rest.span<float>(),
                                     wanted.images.span<float>().last(static_cast<std::size_t>(rest.elements()))))
          << "batch " << place;
    }
    const std::size_t each = o.augmentation.passes().size() + (o.augmentation.mixes() ? 1 : 0) + 1;
    EXPECT_GE(device_->executed() - before, 12 * each);
  }
}

// The whole of a run: weights, metrics, a smaller last batch, batches that are added up, and what a failed step leaves.
TEST_P(DeviceAugmentationTest, ATrainingEndsInTheSameBytes) {
  expect_same_training(margin_net(), "crop:1,flip,noise:0.1,cutout:3");
}
TEST_P(DeviceAugmentationTest, AMixedTrainingEndsInTheSameBytes) {
  expect_same_training(linear_net(), "crop:1,noise:0.1,mixup:0.4,cutmix:1");
  expect_same_training(linear_net(), "cutmix:1");  // no other numbers than those of the mix
}
TEST_P(DeviceAugmentationTest, ATrainingInSixteenBitsEndsInTheSameBytes) {
  if (device_->name().starts_with("cpu")) GTEST_SKIP() << "f32 only";
  for (const Precision precision : {Precision::bf16, Precision::fp16})
    expect_same_training(linear_net(), "crop:1,noise:0.1,mixup:0.4", precision);
}

void DeviceAugmentationTest::expect_same_training(const Model& model, const std::string& augment, Precision precision) {
  SCOPED_TRACE(augment);
  const Pairs data(20);
  TrainOptions options{.epochs = 2, .batch = 6, .seed = 3, .accumulate = 2, .augment = augment};
  options.precision = precision;
  TemporaryDirectory directory;
  const auto bytes_after = [&](const TrainOptions& o) {
    Trainer trainer(model, *device_, data, "pairs", o);
    while (trainer.step()) continue;
    write_checkpoint(directory / "last.safetensors", trainer.checkpoint());
    Bytes bytes = read_bytes(directory / "last.safetensors");
    bytes.insert(bytes.end(), trainer.metrics().begin(), trainer.metrics().end());
    return bytes;
  };
  const Bytes host = bytes_after(options);
  TrainOptions on_device = options;
  on_device.augment_on_device = true;
  EXPECT_EQ(bytes_after(on_device), host);
  TrainOptions pieces = options, pieces_on_device = on_device;
  pieces.micro_batch = pieces_on_device.micro_batch = 4;
  EXPECT_EQ(bytes_after(pieces_on_device), bytes_after(pieces));
  TrainOptions plain = options;
  plain.augment = "";
  EXPECT_NE(bytes_after(plain), host);
  Trainer one(model, *device_, data, "pairs", options), other(model, *device_, data, "pairs", on_device);
  const Replay wanted = one.replay(), made = other.replay();
  EXPECT_TRUE(std::ranges::equal(made.batch.images.span<float>(), wanted.batch.images.span<float>()));
  EXPECT_EQ(made.batch.labels.dtype(), Augmentation::parse(augment).mixes() ? DType::f32 : DType::i32);
  EXPECT_GT(other.planned_bytes(), one.planned_bytes());
}

INSTANTIATE_TEST_SUITE_P(All, DeviceAugmentationTest, testing::ValuesIn(test_devices(FOVEA_TEST_DEVICES)),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace fovea::test
