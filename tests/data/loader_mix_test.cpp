// SPDX-License-Identifier: Apache-2.0
//
// Batches of mixed samples (core/data/augment/mix.h).
#include <algorithm>
#include <limits>
#include <set>

#include "core/data/augment/passes.h"
#include "core/data/subset.h"
#include "tests/data/files.h"
#include "tests/data/loader_runs.h"

namespace fovea::test {
namespace {

// Targets in the place of labels, and images mixed with other samples of the data, each as its own epoch augments it.
Seen mixed_by_hand(const Dataset& data, const LoaderOptions& o, std::int64_t epoch, std::int64_t sample,
                   std::int64_t classes) {
  const Shape shape = data.sample_shape();
  const PixelTable table(plain, shape);
  Bytes own(192), partner(192), scratch;
  const std::int32_t label = data.read(sample, own);
  const Augmentation::Mix mix = o.augmentation.draw_mix(o.seed, epoch, sample, shape, data.size());
  const std::int32_t other = data.read(mix.partner, partner);
  o.augmentation.apply(o.seed, epoch, sample, shape, own, scratch);
  o.augmentation.apply(o.seed, epoch, mix.partner, shape, partner, scratch);
  std::int64_t from_partner = 0;
  for (std::int64_t i = 0; i < 192; ++i) {
    const std::int64_t h = i / 8 % 8, w = i % 8;
    if (h < mix.row[1] || h >= mix.row[2] || w < mix.row[3] || w >= mix.row[4]) continue;
    std::uint8_t& pixel = own[static_cast<std::size_t>(i)];
    pixel = static_cast<std::uint8_t>(
        (mix.row[0] * pixel + (256 - mix.row[0]) * partner[static_cast<std::size_t>(i)] + 128) / 256);
    if (i < 64) from_partner += 256 - mix.row[0];
  }
  Seen made;
  made.images.resize(192);
  table.apply(own, made.images.data());
  made.targets.assign(static_cast<std::size_t>(classes), 0.0f);
  const auto share = [](std::int64_t part) { return static_cast<float>(static_cast<double>(part) / (256 * 64)); };
  made.targets[static_cast<std::size_t>(other)] = share(from_partner);
  made.targets[static_cast<std::size_t>(label)] = label == other ? 1 : share(256 * 64 - from_partner);
  return made;
}

TEST(LoaderMix, MixesSamplesAndTheirLabels) {
  const Numbered data(30);
  for (const std::string text : {"crop:2,flip,noise:0.05,mixup:0.4", "cutmix:1", "flip,mixup:1,cutmix:1"}) {
    LoaderOptions o = options(0);
    o.augmentation = Augmentation::parse(text);
    Loader alone(data, plain, o);
    const std::vector<Seen> expected = run(alone, 2);
    for (std::int64_t place = 0; place < 16; ++place) {
      const std::vector<std::int64_t> samples = alone.samples(place / 8, place % 8);
      Seen by_hand;
      for (const std::int64_t sample : samples) {
        const Seen one = mixed_by_hand(data, o, place / 8, sample, 100);
        by_hand.images.insert(by_hand.images.end(), one.images.begin(), one.images.end());
        by_hand.targets.insert(by_hand.targets.end(), one.targets.begin(), one.targets.end());
      }
      EXPECT_EQ(expected[static_cast<std::size_t>(place)], by_hand) << text << ", batch " << place;
    }
    for (const int threads : {1, 3}) {
      o.threads = threads;
      Loader loader(data, plain, o);
      EXPECT_EQ(run(loader, 2), expected) << threads << " threads";
    }
    // Another batch size: the same samples, one after the other.
    o.batch = 7;
    o.threads = 2;
    Loader larger(data, plain, o);
    Seen all, again;
    for (std::size_t i = 0; i < 8; ++i) {
      all.images.insert(all.images.end(), expected[i].images.begin(), expected[i].images.end());
      all.targets.insert(all.targets.end(), expected[i].targets.begin(), expected[i].targets.end());
    }
    for (const Seen& batch : run(larger, 1)) {
      again.images.insert(again.images.end(), batch.images.begin(), batch.images.end());
      again.targets.insert(again.targets.end(), batch.targets.begin(), batch.targets.end());
    }
    EXPECT_EQ(again, all);
  }
}

TEST(LoaderMix, MixedBatchesUseMemoryAgainAndHaveTheNetsClasses) {
  const Numbered data(30);
  LoaderOptions o = options(0);
  o.augmentation = Augmentation::parse("flip,cutmix:1");
  o.classes = 130;
  for (const bool on_device : {false, true}) {
    o.augment_on_device = on_device;
    Loader fresh(data, plain, o), again(data, plain, o);
    std::set<const void*> places;
    for (std::int64_t step = 0; step < 16; ++step) {
      const Batch wanted = fresh.batch(step / 8, step % 8);
      Batch batch = again.batch(step / 8, step % 8);
      EXPECT_EQ(batch.labels.shape(), (Shape{batch.labels.shape()[0], 130}));
      EXPECT_TRUE(std::ranges::equal(batch.labels.span<float>(), wanted.labels.span<float>()));
      EXPECT_EQ(batch.images.shape()[0], batch.labels.shape()[0] * (on_device ? 2 : 1));
      EXPECT_EQ(batch.mixes.empty(), !on_device);
      places.insert(batch.images.view().data);
      std::ranges::fill(batch.labels.span<float>(), 2.0f);
      again.recycle(std::move(batch));
    }
    EXPECT_EQ(places.size(), 2u);
    again.recycle({Tensor(Shape{4, 3, 8, 8}, on_device ? DType::u8 : DType::f32), Tensor(Shape{4}, DType::i32)});
    EXPECT_EQ(again.batch(0, 0).labels.dtype(), DType::f32) << "labels are no targets";
  }
  o.classes = 99;
  EXPECT_TRUE(holds(input_error([&] { Loader(data, plain, o); }), {"targets of 99 classes: the data have 100"}));
}

// A partner that cannot be read is replaced like a sample, with the other one's label; partners stay within the data.
TEST(LoaderMix, ReplacesPartnersThatCannotBeRead) {
  const Numbered data(6, {2});
  LoaderOptions o = options(0, Unreadable::skip);
  o.batch = 1;
  o.shuffle = false;
  o.augmentation = Augmentation::parse("mixup:2");
  Loader loader(data, plain, o);
  std::int64_t replaced = 0;
  for (std::int64_t epoch = 0; epoch < 20; ++epoch)
    for (std::int64_t sample = 0; sample < 6; ++sample) {
      const Augmentation::Mix mix = o.augmentation.draw_mix(o.seed, epoch, sample, {3, 8, 8}, 6);
      ASSERT_LT(mix.partner, 6);
      replaced += (sample == 2) + (mix.partner == 2);
      const Batch batch = loader.batch(epoch, sample);
      const auto real = [](std::int64_t i) { return static_cast<std::size_t>(i == 2 ? 3 : i); };
      const float own = batch.labels.span<float>()[real(sample)];
      const float whole = real(sample) == real(mix.partner) ? 1 : static_cast<float>(mix.row[0]) / 256;
      EXPECT_EQ(own, whole) << epoch << ", " << sample;
      EXPECT_EQ(batch.labels.span<float>()[2], 0) << "what cannot be read has no part";
    }
  EXPECT_EQ(loader.replaced(), replaced);
  EXPECT_GT(replaced, 20);
}

// Partners come from the view that the loader is given, here what a validation split leaves.
TEST(LoaderMix, PartnersStayWithinTheView) {
  const ValidationSplit split = split_validation(std::make_shared<Numbered>(40), 25, 3);
  std::set<std::size_t> kept, seen;
  for (std::int64_t i = 0; i < split.train->size(); ++i) kept.insert(static_cast<std::size_t>(split.train->label(i)));
  LoaderOptions o = options(0);
  o.augmentation = Augmentation::parse("mixup:1");
  Loader loader(*split.train, plain, o);
  for (std::int64_t epoch = 0; epoch < 5; ++epoch)
    for (std::int64_t p = 0; p < loader.batches_per_epoch(); ++p) {
      const Batch batch = loader.batch(epoch, p);
      const auto targets = batch.labels.span<float>();
      for (std::size_t i = 0; i < targets.size(); ++i)
        if (targets[i] > 0) seen.insert(i % 100);
    }
  EXPECT_EQ(kept.size(), 15u);
  EXPECT_EQ(seen, kept);
}

}  // namespace
}  // namespace fovea::test
