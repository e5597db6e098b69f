// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/pad.h"

#include <limits>

#include "tests/ops/pad_cases.h"
#include "tests/ops/worked_layer.h"

namespace fovea::test {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();

const std::vector<WorkedLayer>& worked() {
  static const std::vector<WorkedLayer> cases{
      {"TopAndRight",
       "a row above and a column to the right",
       std::make_shared<Pad>(PadOptions{.padding = {1, 0, 0, 1}, .value = 9}),
       {Tensor::from({1, 1, 2, 2}, {1, 2, 3, 4})},
       Tensor::from({1, 1, 3, 3}, {9, 9, 9, 1, 2, 9, 3, 4, 9}),
       Tensor::from({1, 1, 3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9}),
       {Tensor::from({1, 1, 2, 2}, {4, 5, 7, 8})}},
      {"Channels",
       "one channel in front, two behind, in each of two samples",
       std::make_shared<Pad>(PadOptions{.front = 1, .back = 2}),
       {Tensor::from({2, 1, 1, 1}, {5, 7})},
       Tensor::from({2, 4, 1, 1}, {0, 5, 0, 0, 0, 7, 0, 0}),
       Tensor::from({2, 4, 1, 1}, {1, 2, 3, 4, 5, 6, 7, 8}),
       {Tensor::from({2, 1, 1, 1}, {2, 6})}},
      {"NotANumber",
       "NaN and the infinities stay where they are; what the frame's gradient holds is lost",
       std::make_shared<Pad>(PadOptions{.padding = {0, 1}}),
       {Tensor::from({1, 1, 1, 3}, {nan, infinity, -infinity})},
       Tensor::from({1, 1, 1, 5}, {0, nan, infinity, -infinity, 0}),
       Tensor::from({1, 1, 1, 5}, {nan, 1, nan, infinity, infinity}),
       {Tensor::from({1, 1, 1, 3}, {1, nan, infinity})}},
      {"Cut",
       "the left column and the bottom row go",
       std::make_shared<Crop>(CropOptions{.cut = {0, 1, 1, 0}}),
       {Tensor::from({1, 1, 2, 3}, {1, 2, 3, 4, 5, 6})},
       Tensor::from({1, 1, 1, 2}, {2, 3}),
       Tensor::from({1, 1, 1, 2}, {7, nan}),
       {Tensor::from({1, 1, 2, 3}, {0, 7, nan, 0, 0, 0})}},
  };
  return cases;
}

class PadTest : public WorkedLayerTest {};
TEST_P(PadTest, Worked) { check(); }
INSTANTIATE_TEST_SUITE_P(All, PadTest, devices_and_cases(FOVEA_TEST_DEVICES, worked()), case_name<WorkedLayer>);

class PadCallTest : public OpTest<OneCase> {};

// The operation takes frames that add on one side and cut on the other, which no layer asks for.
TEST_P(PadCallTest, AddsAndCuts) {
  const PadOptions o{.padding = {-1, 2, 3, -2}, .front = 1, .back = -1, .value = 8};
  const Shape x{2, 3, 4, 5}, y = pad_output_shape(o, x);
  EXPECT_EQ(y, (Shape{2, 3, 6, 5}));
  EXPECT_TRUE(check_exact(device(),
                          {.op = "pad",
                           .inputs = {integers(x, random(0), 99)},
                           .outputs = {{y}},
                           .run = [o](Ops& ops, auto in, auto out, Workspace) { ops.pad_forward(o, in[0], out[0]); }}));
  EXPECT_TRUE(check_exact(device(),
                          {.op = "pad",
                           .direction = Direction::backward,
                           .inputs = {integers(y, random(1), 99)},
                           .outputs = {{x}},
                           .run = [o](Ops& ops, auto in, auto out, Workspace) { ops.pad_backward(o, in[0], out[0]); }},
                          ZeroTrust::off));  // most of x is cut off
}

TEST_P(PadCallTest, RefusesWhatDoesNotFit) {
  Ops& ops = *device().choose("pad", Direction::forward, {}).ops;
  Tensor x({1, 2, 3, 4}, DType::f32, device().memory()), y({1, 2, 5, 6}, DType::f32, device().memory());
  const auto forward = [&](const PadOptions& o) { return refusal([&] { ops.pad_forward(o, x.view(), y.view()); }); };
  EXPECT_NE(forward({.padding = 2}).find("y: expected"), std::string::npos) << forward({.padding = 2});
  EXPECT_NE(forward({.padding = -2}).find("expected something of [1, 2, 3, 4] to be left"), std::string::npos);
  EXPECT_NE(forward({.front = -2, .back = 5}).find("to be left"), std::string::npos);
  EXPECT_NE(forward({.padding = std::int64_t{1} << 40}).find("padding: expected"), std::string::npos);
  EXPECT_NE(refusal([&] { ops.pad_backward({.padding = 2}, y.view(), x.view()); }).find("dy: expected"),
            std::string::npos);
}
INSTANTIATE_TEST_SUITE_P(All, PadCallTest, devices_and_cases(FOVEA_TEST_DEVICES, std::vector<OneCase>(1)),
                         case_name<OneCase>);

const bool registered = register_layer_tests("PadLayer", FOVEA_TEST_DEVICES, pad_cases(), random_pad_case) &&
                        register_layer_tests("CropLayer", FOVEA_TEST_DEVICES, crop_cases(), random_crop_case);

}  // namespace
}  // namespace fovea::test
