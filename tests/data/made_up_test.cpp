// SPDX-License-Identifier: Apache-2.0
//
// Shapes (segmentation) and waves (sequences).
#include <algorithm>
#include <set>

#include "core/data/dataset.h"
#include "core/data/shapes.h"
#include "core/data/waves.h"
#include "tests/data/files.h"

namespace fovea {
namespace {

using test::Bytes;
using test::holds;
using test::input_error;

TEST(MadeUpData, RejectsBadSpecs) {
  for (const auto& [spec, what] :
       std::vector<std::pair<std::string, std::string>>{{"shapes", "H is ''"},
                                                        {"shapes:32", "nothing follows H"},
                                                        {"shapes:32x", "W is ''"},
                                                        {"shapes:32x32:4", "W is '32:4'"},
                                                        {"shapes:7x32", "H is 7, outside 8 to 1024"},
                                                        {"shapes:32x1025", "W is 1025, outside 8 to 1024"}})
    EXPECT_TRUE(holds(input_error([&spec = spec] { open_data(spec); }), {what, "shapes:HxW, e.g. shapes:32x32"}))
        << spec;
  for (const auto& [spec, what] :
       std::vector<std::pair<std::string, std::string>>{{"waves", "L is ''"},
                                                        {"waves:128", "nothing follows L"},
                                                        {"waves:15:4", "L is 15, outside 16 to 1048576"},
                                                        {"waves:128:1", "CLASSES is 1, outside 2 to 6"},
                                                        {"waves:128:7", "CLASSES is 7, outside 2 to 6"}})
    EXPECT_TRUE(holds(input_error([&spec = spec] { open_data(spec); }), {what, "waves:L:CLASSES, e.g. waves:128:4"}))
        << spec;
}

TEST(Shapes, HaveALabelForEveryPixel) {
  const DataSplits splits = open_data("shapes:24x32");
  EXPECT_EQ(splits.spec, "shapes:24x32");
  EXPECT_EQ(splits.train->size(), shapes_train_samples);
  EXPECT_EQ(splits.test->size(), shapes_test_samples);
  EXPECT_EQ(splits.train->sample_shape(), (Shape{1, 24, 32}));
  EXPECT_EQ(splits.train->label_shape(), (Shape{24, 32}));
  EXPECT_EQ(splits.train->class_names(), (std::vector<std::string>{"background", "circle", "square", "triangle"}));
  std::vector<std::int64_t> count(4);
  Bytes pixels(24 * 32);
  std::vector<std::int32_t> labels(pixels.size());
  // A figure differs from the background behind it: some contrast, more than the noise's.
  int visible = 0, images = 0;
  for (std::int64_t i = 0; i < splits.test->size(); ++i) {
    splits.test->read_labels(i, pixels, labels);
    std::vector<double> sum(4), number(4);
    for (std::size_t p = 0; p < labels.size(); ++p) {
      ASSERT_GE(labels[p], 0);
      ASSERT_LT(labels[p], 4);
      ++count[static_cast<std::size_t>(labels[p])];
      sum[static_cast<std::size_t>(labels[p])] += pixels[p];
      number[static_cast<std::size_t>(labels[p])] += 1;
    }
    for (std::size_t c = 1; c < 4; ++c) {
      if (number[c] < 9 || number[0] < 9) continue;
      ++images;
      visible += std::abs(sum[c] / number[c] - sum[0] / number[0]) > 20;
    }
  }
  for (std::size_t c = 1; c < 4; ++c) EXPECT_GT(count[c], 24 * 32 * 512 / 50) << c;
  EXPECT_GT(count[0], count[1] + count[2] + count[3]);
  EXPECT_GT(visible, images * 9 / 10);
}

TEST(Shapes, RepeatAndDifferBetweenSplits) {
  const DataSplits a = open_data("shapes:16x16"), b = open_data("shapes:16x16");
  Bytes x(256), y(256), other(256);
  std::vector<std::int32_t> x_labels(256), y_labels(256);
  for (const std::int64_t i : {0, 1, 2047}) {
    a.train->read_labels(i, x, x_labels);
    b.train->read_labels(i, y, y_labels);
    EXPECT_EQ(x, y);
    EXPECT_EQ(x_labels, y_labels);
    EXPECT_EQ(a.train->read(i, y), 0);
    EXPECT_EQ(x, y);
  }
  a.train->read(0, x);
  a.test->read(0, other);
  EXPECT_NE(x, other);
  input_error([&] { a.train->read(2048, x); });
  Bytes small(255);
  input_error([&] { a.train->read(0, small); });
}

TEST(Shapes, BecomeABatchWithLabelsOfEveryPixel) {
  const DataSplits splits = open_data("shapes:8x12");
  const std::vector<std::int64_t> indices{3, 0};
  const Batch batch = make_batch(*splits.test, indices, measure_normalization(*splits.test));
  EXPECT_EQ(batch.images.shape(), (Shape{2, 1, 8, 12}));
  EXPECT_EQ(batch.labels.shape(), (Shape{2, 8, 12}));
  Bytes pixels(96);
  std::vector<std::int32_t> labels(96);
  splits.test->read_labels(3, pixels, labels);
  EXPECT_TRUE(std::equal(labels.begin(), labels.end(), batch.labels.span<std::int32_t>().begin()));
}

TEST(Waves, AreSequencesOfTheirClasses) {
  const DataSplits splits = open_data("waves:48:6");
  EXPECT_EQ(splits.spec, "waves:48:6");
  EXPECT_EQ(splits.train->size(), waves_train_samples);
  EXPECT_EQ(splits.test->size(), waves_test_samples);
  EXPECT_EQ(splits.train->sample_shape(), (Shape{1, 48}));
  EXPECT_EQ(splits.train->label_shape(), Shape{});
  EXPECT_EQ(splits.train->class_names(),
            (std::vector<std::string>{"rising", "falling", "square", "triangle", "pulse", "chirp"}));
  Bytes x(48), y(48);
  std::set<Bytes> different;
  for (std::int64_t i = 0; i < 48; ++i) {
    EXPECT_EQ(splits.test->read(i, x), i % 6);
    EXPECT_GT(*std::max_element(x.begin(), x.end()) - *std::min_element(x.begin(), x.end()), 60);
    EXPECT_EQ(open_data("waves:48:6").test->read(i, y), i % 6);
    EXPECT_EQ(x, y);
    different.insert(x);
  }
  EXPECT_EQ(different.size(), 48u);
  input_error([&] { splits.test->read(512, x); });
  const std::vector<std::int64_t> indices{0, 1, 2};
  EXPECT_EQ(make_batch(*splits.test, indices, measure_normalization(*splits.test)).images.shape(), (Shape{3, 1, 48}));
}

// A rising saw mostly rises, a falling one mostly falls.
TEST(Waves, HaveTheFormOfTheirName) {
  const DataSplits splits = open_data("waves:256:2");
  Bytes x(256);
  for (std::int64_t i = 0; i < 20; ++i) {
    const std::int32_t label = splits.test->read(i, x);
    int rises = 0;
    for (std::size_t t = 2; t < x.size(); ++t) rises += x[t] > x[t - 2] ? 1 : -1;
    EXPECT_EQ(rises > 0, label == 0) << i;
  }
}

}  // namespace
}  // namespace fovea
