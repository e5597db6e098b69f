// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/upsample2d.h"

#include <limits>

#include "tests/ops/upsample2d_cases.h"
#include "tests/ops/worked_layer.h"

namespace fovea::test {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();

std::shared_ptr<const Layer> upsample(Upsample2dOptions options) { return std::make_shared<Upsample2d>(options); }

const std::vector<WorkedLayer>& worked() {
  static const std::vector<WorkedLayer> cases{
      {"Nearest",
       "each pixel four times",
       upsample({}),
       {Tensor::from({1, 1, 2, 2}, {1, 2, 3, 4})},
       Tensor::from({1, 1, 4, 4}, {1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4}),
       Tensor::from({1, 1, 4, 4}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}),
       {Tensor::from({1, 1, 2, 2}, {14, 22, 46, 54})}},
      {"NearestFiveOfThree",
       "floor(q * 3 / 5) = 0 0 1 1 2",
       upsample({.size = {1, 5}}),
       {Tensor::from({1, 1, 1, 3}, {1, 2, 3})},
       Tensor::from({1, 1, 1, 5}, {1, 1, 2, 2, 3}),
       Tensor::from({1, 1, 1, 5}, {1, 2, 4, 8, 16}),
       {Tensor::from({1, 1, 1, 3}, {3, 12, 16})}},
      // Source coordinates 0, 1/4, 3/4, 5/4, of which the last is the edge.
      {"HalfPixel",
       "PyTorch's example: 1, 2 becomes 1, 1.25, 1.75, 2",
       upsample({.scale = {1, 2}, .mode = UpsampleMode::bilinear}),
       {Tensor::from({1, 1, 1, 2}, {1, 2})},
       Tensor::from({1, 1, 1, 4}, {1, 1.25f, 1.75f, 2}),
       Tensor::from({1, 1, 1, 4}, {1, 4, 8, 16}),
       {Tensor::from({1, 1, 1, 2}, {1 + 3 + 2, 1 + 6 + 16})}},
      {"Aligned",
       "corners on corners: halves between",
       upsample({.size = 3, .mode = UpsampleMode::bilinear, .align_corners = true}),
       {Tensor::from({1, 1, 2, 2}, {1, 3, 5, 11})},
       Tensor::from({1, 1, 3, 3}, {1, 2, 3, 3, 5, 7, 5, 8, 11}),
       Tensor::from({1, 1, 3, 3}, {0, 0, 0, 0, 4, 0, 0, 2, 0}),
       {Tensor::from({1, 1, 2, 2}, {1, 1, 2, 2})}},
      {"NotANumber",
       "a NaN reaches every pixel that is mixed from it, and no other",
       upsample({.scale = {1, 2}, .mode = UpsampleMode::bilinear}),
       {Tensor::from({1, 1, 1, 4}, {1, nan, 3, 4})},
       Tensor::from({1, 1, 1, 8}, {1, nan, nan, nan, nan, 3.25f, 3.75f, 4}),
       Tensor::from({1, 1, 1, 8}, {nan, 0, 0, 0, 0, 0, 0, 4}),
       {Tensor::from({1, 1, 1, 4}, {nan, 0, 0, 4})}},
      {"Infinity",
       "a pixel of weight 0 is not read: infinity times 0 would be a NaN",
       upsample({.scale = 1, .mode = UpsampleMode::bilinear, .align_corners = true}),
       {Tensor::from({1, 1, 1, 3}, {1, 2, infinity})},
       Tensor::from({1, 1, 1, 3}, {1, 2, infinity}),
       Tensor::from({1, 1, 1, 3}, {1, infinity, -infinity}),
       {Tensor::from({1, 1, 1, 3}, {1, infinity, -infinity})}},
      {"NearestInfinity",
       "copies",
       upsample({.scale = {1, 2}}),
       {Tensor::from({1, 1, 1, 3}, {nan, infinity, -infinity})},
       Tensor::from({1, 1, 1, 6}, {nan, nan, infinity, infinity, -infinity, -infinity}),
       Tensor::from({1, 1, 1, 6}, {1, nan, infinity, 1, infinity, -infinity}),
       {Tensor::from({1, 1, 1, 3}, {nan, infinity, nan})}},
  };
  return cases;
}

class Upsample2dTest : public WorkedLayerTest {};
TEST_P(Upsample2dTest, Worked) { check(); }
INSTANTIATE_TEST_SUITE_P(All, Upsample2dTest, devices_and_cases(FOVEA_TEST_DEVICES, worked()), case_name<WorkedLayer>);

class Upsample2dCallTest : public OpTest<OneCase> {};
TEST_P(Upsample2dCallTest, RefusesWhatDoesNotFit) {
  Ops& ops = *device().choose("upsample2d", Direction::forward, {}).ops;
  Tensor x({1, 2, 3, 4}, DType::f32, device().memory()), y({1, 2, 6, 9}, DType::f32, device().memory());
  const auto forward = [&](const Upsample2dOptions& o) {
    return refusal([&] { ops.upsample2d_forward(o, x.view(), y.view()); });
  };
  EXPECT_NE(forward({}).find("y: expected"), std::string::npos) << forward({});
  EXPECT_NE(forward({.align_corners = true}).find("align_corners: expected false"), std::string::npos);
  EXPECT_NE(forward({.scale = {0, 2}}).find("scale: expected at least 1, got 0"), std::string::npos);
  EXPECT_NE(forward({.size = {-1, 2}}).find("size: expected a height of at least 1, got -1"), std::string::npos);
  EXPECT_NE(refusal([&] { ops.upsample2d_backward({}, y.view(), x.view()); }).find("dy: expected"), std::string::npos);
}
INSTANTIATE_TEST_SUITE_P(All, Upsample2dCallTest, devices_and_cases(FOVEA_TEST_DEVICES, std::vector<OneCase>(1)),
                         case_name<OneCase>);

const bool registered =
    register_layer_tests("Upsample2dLayer", FOVEA_TEST_DEVICES, upsample2d_cases(), random_upsample2d_case);

}  // namespace
}  // namespace fovea::test
