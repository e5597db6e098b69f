// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/concat.h"

#include <limits>

#include "tests/ops/concat_cases.h"
#include "tests/ops/worked_layer.h"

namespace fovea::test {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();

const std::vector<WorkedLayer>& worked() {
  static const std::vector<WorkedLayer> cases{
      {"Channels",
       "two samples, of which each keeps its own channels",
       std::make_shared<Concat>(),
       {Tensor::from({2, 1, 2}, {1, 2, 3, 4}), Tensor::from({2, 2, 2}, {5, 6, 7, 8, 9, 10, 11, 12})},
       Tensor::from({2, 3, 2}, {1, 2, 5, 6, 7, 8, 3, 4, 9, 10, 11, 12}),
       Tensor::from({2, 3, 2}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}),
       {Tensor::from({2, 1, 2}, {1, 2, 7, 8}), Tensor::from({2, 2, 2}, {3, 4, 5, 6, 9, 10, 11, 12})}},
      {"NotANumber",
       "NaN and the infinities are copied like any number, and touch no neighbour",
       std::make_shared<Concat>(ConcatOptions{.axis = 1}),
       {Tensor::from({1, 2}, {nan, 1}), Tensor::from({1, 3}, {infinity, -infinity, 2})},
       Tensor::from({1, 5}, {nan, 1, infinity, -infinity, 2}),
       Tensor::from({1, 5}, {1, nan, 2, -infinity, infinity}),
       {Tensor::from({1, 2}, {1, nan}), Tensor::from({1, 3}, {2, -infinity, infinity})}},
  };
  return cases;
}

class ConcatTest : public WorkedLayerTest {};
TEST_P(ConcatTest, Worked) { check(); }
INSTANTIATE_TEST_SUITE_P(All, ConcatTest, devices_and_cases(FOVEA_TEST_DEVICES, worked()), case_name<WorkedLayer>);

class ConcatCallTest : public OpTest<OneCase> {};
TEST_P(ConcatCallTest, RefusesWhatDoesNotFit) {
  Ops& ops = *device().choose("concat", Direction::forward, {}).ops;
  Tensor x({2, 3, 4}, DType::f32, device().memory()), y({2, 5, 4}, DType::f32, device().memory());
  const auto forward = [&](std::int64_t axis, std::int64_t first) {
    return refusal([&] { ops.concat_forward({.axis = axis}, x.view(), first, y.view()); });
  };
  EXPECT_EQ(forward(1, 2), "");
  EXPECT_NE(forward(1, 3).find("first: expected 0 to 2"), std::string::npos) << forward(1, 3);
  EXPECT_NE(forward(1, -1).find("got -1"), std::string::npos) << forward(1, -1);
  EXPECT_NE(forward(2, 0).find("differ along axis 2 only, got [2, 3, 4] and [2, 5, 4]"), std::string::npos);
  EXPECT_NE(forward(0, 0).find("axis"), std::string::npos);
  EXPECT_NE(refusal([&] { ops.concat_backward({}, y.view(), 4, x.view()); }).find("first: expected 0 to 2"),
            std::string::npos);
  device().synchronize();
}
INSTANTIATE_TEST_SUITE_P(All, ConcatCallTest, devices_and_cases(FOVEA_TEST_DEVICES, std::vector<OneCase>(1)),
                         case_name<OneCase>);

const bool registered = register_layer_tests("ConcatLayer", FOVEA_TEST_DEVICES, concat_cases(), random_concat_case);

}  // namespace
}  // namespace fovea::test
