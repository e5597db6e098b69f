// SPDX-License-Identifier: Apache-2.0
#include "core/data/loader.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <chrono>
#include <limits>
#include <set>

#include "core/data/augment/passes.h"
#include "core/data/memory_dataset.h"
#include "tests/data/files.h"
#include "tests/data/loader_runs.h"

namespace fovea::test {
namespace {

TEST(Loader, MakesTheSameBatchesOnAnyNumberOfThreads) {
  const Numbered data(30);
  Loader alone(data, plain, options(0));
  EXPECT_EQ(alone.batches_per_epoch(), 8);
  const std::vector<Seen> expected = run(alone, 3);
  EXPECT_EQ(expected[7].labels.size(), 2u);  // the last batch of an epoch is smaller
  EXPECT_NE(expected[0], expected[8]);
  for (const int threads : {1, 2, 5}) {
    for (const std::int64_t ahead : {1, 3, 50}) {
      LoaderOptions o = options(threads);
      o.ahead = ahead;
      Loader loader(data, plain, std::move(o));
      EXPECT_EQ(run(loader, 3), expected) << threads << " threads, " << ahead << " ahead";
    }
  }
}

TEST(Loader, VisitsEpochsInTheirOrderAndNormalises) {
  const Numbered data(10);
  LoaderOptions o = options(2);
  o.augmentation = {};
  Loader loader(data, plain, o);
  const std::vector<std::int64_t> order = epoch_order(10, 9, 1);
  const std::vector<std::int64_t> second(order.begin() + 4, order.begin() + 8);
  EXPECT_EQ(loader.samples(1, 1), second);
  EXPECT_EQ(seen(loader.batch(1, 1)), seen(make_batch(data, second, plain)));
  o.shuffle = false;
  Loader in_order(data, plain, o);
  EXPECT_EQ(in_order.samples(5, 2), (std::vector<std::int64_t>{8, 9}));
}

// For a device to augment: the bytes and the draws of the same samples, on any number of threads, recycled or not.
TEST(Loader, OnlyDrawsForADevice) {
  const Numbered data(30);
  Loader whole(data, plain, options(0));
  const std::vector<Seen> expected = run(whole, 2);
  const PixelTable table(plain, data.sample_shape());
  for (const int threads : {0, 3}) {
    LoaderOptions o = options(threads);
    o.augment_on_device = true;
    const std::vector<Augmentation::Pass> passes = o.augmentation.passes();
    ASSERT_EQ(passes.size(), 6u);  // crop, flip, three of color, noise
    Loader loader(data, plain, o);
    for (std::size_t place = 0; place < expected.size(); ++place) {
      Batch batch = loader.batch(static_cast<std::int64_t>(place) / 8, static_cast<std::int64_t>(place) % 8);
      const auto bytes = batch.images.span<std::uint8_t>();
      const auto samples = static_cast<std::size_t>(batch.images.shape()[0]);
      std::span<const std::int64_t> rows = batch.rows.span<std::int64_t>();
      ASSERT_EQ(rows.size(), samples * static_cast<std::size_t>(o.augmentation.numbers()));
      const std::size_t size = bytes.size() / samples;
      Bytes scratch;
      for (const Augmentation::Pass& pass : passes) {
        const auto numbers = static_cast<std::size_t>(pass.numbers);
        for (std::size_t n = 0; n < samples; ++n) {
          apply_pass(pass.pass, rows.subspan(n * numbers, numbers), {3, 8, 8, bytes.subspan(n * size, size), scratch});
        }
        rows = rows.subspan(samples * numbers);
      }
      Seen made;
      made.images.resize(bytes.size());
      for (std::size_t n = 0; n < samples; ++n) {
        table.apply(bytes.subspan(n * size, size), made.images.data() + n * size);
      }
      const auto labels = batch.labels.span<std::int32_t>();
      made.labels.assign(labels.begin(), labels.end());
      EXPECT_EQ(made, expected[place]) << "batch " << place << " on " << threads << " threads";
      loader.recycle(std::move(batch));
    }
  }
  LoaderOptions o = options(1);
  o.augment_on_device = true;
  o.augmentation = {};
  EXPECT_TRUE(holds(input_error([&] { Loader(data, plain, o); }), {"augmentation on the device", "none to do"}));
}

TEST(Loader, GoesOnFromAnyPlace) {
  const Numbered data(30);
  Loader alone(data, plain, options(0));
  const std::vector<Seen> expected = run(alone, 3);
  Loader loader(data, plain, options(3));
  for (const std::int64_t step : {13, 14, 2, 3, 23, 0, 1, 1, 12}) {
    EXPECT_EQ(seen(loader.batch(step / 8, step % 8)), expected[static_cast<std::size_t>(step)]) << step;
  }
  EXPECT_TRUE(holds(input_error([&] { loader.batch(0, 8); }), {"batch 8 of epoch 0 does not exist", "has 8"}));
  EXPECT_TRUE(holds(input_error([&] { loader.batch(-1, 0); }), {"does not exist"}));
}

TEST(Loader, ThrowsAtThePlaceOfTheError) {
  const Numbered data(30, {17});
  for (const int threads : {0, 2}) {
    Loader loader(data, plain, options(threads));
    int errors = 0;
    for (std::int64_t p = 0; p < 8; ++p) {
      const std::vector<std::int64_t> samples = loader.samples(0, p);
      const bool bad = std::find(samples.begin(), samples.end(), 17) != samples.end();
      if (bad) {
        EXPECT_TRUE(holds(input_error([&] { loader.batch(0, p); }), {"sample 17: broken"}));
        ++errors;
      } else {
        EXPECT_EQ(loader.batch(0, p).labels.shape()[0], static_cast<std::int64_t>(samples.size()));
      }
    }
    EXPECT_EQ(errors, 1);
  }
}

// The next sample that can be read, with its own label; after the last comes the first.
TEST(Loader, ReplacesWhatCannotBeRead) {
  const Numbered data(12, {4, 5, 11});
  for (const int threads : {0, 3}) {
    Loader loader(data, plain, options(threads, Unreadable::skip));
    EXPECT_EQ(loader.replaced(), 0);
    for (std::int64_t epoch = 0; epoch < 2; ++epoch) {
      for (std::int64_t p = 0; p < 3; ++p) {
        const Batch batch = loader.batch(epoch, p);
        const std::vector<std::int64_t> samples = loader.samples(epoch, p);
        for (std::size_t i = 0; i < samples.size(); ++i) {
          const std::int64_t s = samples[i], expected = s == 4 || s == 5 ? 6 : s == 11 ? 0 : s;
          EXPECT_EQ(batch.labels.span<std::int32_t>()[i], expected);
        }
      }
      EXPECT_EQ(loader.replaced(), 3 * (epoch + 1));
    }
    EXPECT_EQ(loader.unreadable().size(), 3u);
    EXPECT_EQ(loader.unreadable().at(11), "sample 11: broken");
  }
  const Numbered nothing(4, {0, 1, 2, 3});
  Loader loader(nothing, plain, options(1, Unreadable::skip));
  EXPECT_TRUE(holds(input_error([&] { loader.batch(0, 0); }), {"none of the 4 images can be read"}));
}

TEST(Loader, UsesMemoryAgain) {
  const Numbered data(30);
  Loader alone(data, plain, options(0));
  const std::vector<Seen> expected = run(alone, 2);
  for (const int threads : {0, 2}) {
    Loader loader(data, plain, options(threads));
    std::set<const float*> places;
    for (std::int64_t step = 0; step < 16; ++step) {
      Batch batch = loader.batch(step / 8, step % 8);
      EXPECT_EQ(seen(batch), expected[static_cast<std::size_t>(step)]);
      const std::span<float> images = batch.images.span<float>();
      places.insert(images.data());
      std::ranges::fill(images, std::numeric_limits<float>::quiet_NaN());
      loader.recycle(std::move(batch));
    }
    if (threads == 0) {
      EXPECT_EQ(places.size(), 2u);  // one for whole batches, one for the last of an epoch
    }
  }
  // What does not fit is dropped.
  alone.recycle({Tensor(Shape{4, 3, 8, 8}, DType::u8), Tensor(Shape{4}, DType::i32)});
  EXPECT_EQ(seen(alone.batch(0, 0)), expected[0]);
}

TEST(Loader, StaysWithinItsBoundsAndEndsAtOnce) {
  const Numbered data(400);
  LoaderOptions o = options(2);
  o.ahead = 3;
  {
    Loader loader(data, plain, o);
    loader.batch(0, 0);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    EXPECT_LE(data.reads, (1 + 3) * 4);  // what was handed out and what waits
  }
  o.epochs = 1;
  o.ahead = 4096;
  {
    const Numbered few(8);
    Loader loader(few, plain, o);
    loader.batch(0, 0);
    loader.batch(0, 1);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_EQ(few.reads, 8);
    EXPECT_EQ(loader.batch(1, 0).labels.shape()[0], 4);  // beyond its epochs, on demand
  }
  for (int i = 0; i < 20; ++i) Loader(data, plain, options(4));  // ends in the midst of work
}

TEST(Loader, RefusesWhatDoesNotFit) {
  const Numbered data(10);
  const auto error = [&](auto change) {
    LoaderOptions o = options(1);
    change(o);
    return input_error([&] { Loader(data, plain, o); });
  };
  EXPECT_TRUE(holds(error([](auto& o) { o.batch = 11; }), {"batch: expected 1 to 10", "got 11"}));
  EXPECT_TRUE(holds(error([](auto& o) { o.batch = 0; }), {"got 0"}));
  EXPECT_TRUE(holds(error([](auto& o) { o.threads = -1; }), {"loader threads", "got -1"}));
  EXPECT_TRUE(holds(error([](auto& o) { o.ahead = 0; }), {"room for 1 to"}));
  EXPECT_TRUE(holds(error([](auto& o) { o.augmentation = Augmentation::parse("crop:8"); }), {"at least 9 x 9"}));
  EXPECT_TRUE(holds(input_error([&] { Loader(data, {{0.5f}, {1.0f}}, options(1)); }), {"1 channels", "[3, 8, 8]"}));
  const DataSplits shapes = open_data("shapes:16x16");
  LoaderOptions o = options(1);
  o.augmentation = Augmentation::parse("flip");
  EXPECT_TRUE(holds(input_error([&] { Loader(*shapes.train, {{0.5f}, {1.0f}}, o); }), {"one label for each image"}));
  o.augmentation = {};
  Loader(*shapes.train, {{0.5f}, {1.0f}}, o).batch(0, 0);
}

TEST(Normalization, DoesNotDependOnUnreadableSamplesOrThreads) {
  const Numbered data(50), broken(51, {50});
  EXPECT_EQ(measure_normalization(broken, Unreadable::skip), measure_normalization(data));
  EXPECT_TRUE(holds(input_error([&] { measure_normalization(broken); }), {"sample 50"}));
  const Numbered nothing(2, {0, 1});
  EXPECT_TRUE(holds(input_error([&] { measure_normalization(nothing, Unreadable::skip); }), {"none of the images"}));
  EXPECT_TRUE(holds(input_error([&] { measure_normalization(nothing); }), {"sample 0"}));
}

// Whether values are computed or looked up, on whatever boundary a channel begins.
TEST(PixelTable, MakesTheFormulasFloats) {
  constexpr std::size_t width = 263;
  Bytes pixels(3 * width);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i % width);
  for (std::uint64_t k = 0; k < 1000; ++k) {
    RandomStream random(11, RandomPurpose::test, k);
    Normalization plain;
    for (int c = 0; c < 3; ++c) {
      // At the end a mean that a value equals, and results beyond float's range.
      plain.mean.push_back(k < 998 ? random.uniform() : 1.0f);
      plain.deviation.push_back(k < 998 ? random.uniform(0.01f, 1.0f) : k == 998 ? 1.0f : 1e-41f);
    }
    std::vector<float> floats(pixels.size());
    PixelTable(plain, {3, 1, width}).apply(pixels, floats.data());
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < pixels.size(); ++i) {
      const double mean{plain.mean[i / width]}, deviation{plain.deviation[i / width]};
      const auto exact = static_cast<float>((static_cast<double>(pixels[i]) / 255.0 - mean) / deviation);
      wrong += std::bit_cast<std::uint32_t>(floats[i]) != std::bit_cast<std::uint32_t>(exact);
    }
    EXPECT_EQ(wrong, 0u) << "normalisation " << k;
  }
}

}  // namespace
}  // namespace fovea::test
