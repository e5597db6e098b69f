// SPDX-License-Identifier: Apache-2.0
//
// The filters of image editors are convolutions: blur, sharpen, emboss, edges, Laplacian of Gaussian.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <string>

#include "tests/reference/reference_ops.h"

namespace fovea::reference_test {
namespace {

using Values = std::vector<double>;

struct ClassicalFilter {
  std::string name;
  std::int64_t size;
  double sum;  // what a flat image of ones becomes
  Values values;
};
void PrintTo(const ClassicalFilter& filter, std::ostream* out) { *out << filter.name; }

const ClassicalFilter filters[] = {
    {"Blur", 3, 9, {1, 1, 1, 1, 1, 1, 1, 1, 1}},
    {"Sharpen", 3, 1, {0, -1, 0, -1, 5, -1, 0, -1, 0}},
    {"Emboss", 3, 1, {-2, -1, 0, -1, 1, 1, 0, 1, 2}},
    {"Edges", 3, 0, {-1, -1, -1, -1, 8, -1, -1, -1, -1}},
    {"LaplacianOfGaussian7", 7, 0, {0, 0, 1,  1,   1,  0, 0,  //
                                    0, 1, 3,  3,   3,  1, 0,  //
                                    1, 3, 0,  -7,  0,  3, 1,  //
                                    1, 3, -7, -24, -7, 3, 1,  //
                                    1, 3, 0,  -7,  0,  3, 1,  //
                                    0, 1, 3,  3,   3,  1, 0,  //
                                    0, 0, 1,  1,   1,  0, 0}},
    {"LaplacianOfGaussian9", 9, 4, {0, 0, 3, 2,   2,   2,   3, 0, 0,  //
                                    0, 2, 3, 5,   5,   5,   3, 2, 0,  //
                                    3, 3, 5, 3,   0,   3,   5, 3, 3,  //
                                    2, 5, 3, -12, -23, -12, 3, 5, 2,  //
                                    2, 5, 0, -23, -40, -23, 0, 5, 2,  //
                                    2, 5, 3, -12, -23, -12, 3, 5, 2,  //
                                    3, 3, 5, 3,   0,   3,   5, 3, 3,  //
                                    0, 2, 3, 5,   5,   5,   3, 2, 0,  //
                                    0, 0, 3, 2,   2,   2,   3, 0, 0}},
};

class ClassicalFilters : public testing::TestWithParam<ClassicalFilter> {
 protected:
  const ClassicalFilter& filter = GetParam();
  std::int64_t F = filter.size;
  // Applied to each colour on its own, the size kept: a depthwise convolution.
  Conv2dOptions options{.out_channels = 3, .kernel = F, .padding = F / 2, .groups = 3};
  Tensor w = [this] {
    Values three;
    for (int colour = 0; colour < 3; ++colour) three.insert(three.end(), filter.values.begin(), filter.values.end());
    return doubles({3, 1, F, F}, three);
  }();
};

TEST_P(ClassicalFilters, FlatImageIsMultipliedByTheSum) {
  EXPECT_EQ(std::accumulate(filter.values.begin(), filter.values.end(), 0.0), filter.sum);
  const Tensor image = constant({1, 3, 2 * F, 2 * F}, 7);
  const Values y = elements(conv2d({.out_channels = 3, .kernel = F, .groups = 3}, image, w));
  EXPECT_EQ(y, Values(y.size(), 7 * filter.sum));
}

// One white pixel in the middle draws the filter, turned by 180 degrees.
TEST_P(ClassicalFilters, APointDrawsTheFilterTurned) {
  Tensor image = constant({1, 3, F, F}, 0);
  for (std::int64_t colour = 0; colour < 3; ++colour)
    image.span<double>()[static_cast<std::size_t>(colour * F * F + F * F / 2)] = 1;
  Values turned(filter.values.rbegin(), filter.values.rend()), expected;
  for (int colour = 0; colour < 3; ++colour) expected.insert(expected.end(), turned.begin(), turned.end());
  EXPECT_EQ(elements(conv2d(options, image, w)), expected);
}

INSTANTIATE_TEST_SUITE_P(Notes, ClassicalFilters, testing::ValuesIn(filters),
                         [](const auto& test) { return test.param.name; });

TEST(ClassicalFilterResponses, AnEdgeInTheImage) {
  const Tensor step = doubles({1, 1, 3, 6}, {0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1});
  const auto apply = [&](const ClassicalFilter& filter) {
    return elements(conv2d({.out_channels = 1, .kernel = 3}, step, doubles({1, 1, 3, 3}, filter.values)));
  };
  EXPECT_EQ(apply(filters[0]), (Values{0, 3, 6, 9}));
  EXPECT_EQ(apply(filters[1]), (Values{0, -1, 2, 1}));
  EXPECT_EQ(apply(filters[2]), (Values{0, 3, 4, 1}));
  EXPECT_EQ(apply(filters[3]), (Values{0, -3, 3, 0}));
}

}  // namespace
}  // namespace fovea::reference_test
