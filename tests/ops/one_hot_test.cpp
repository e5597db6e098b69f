// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/one_hot.h"

#include <cmath>
#include <limits>

#include "tests/ops/one_hot_cases.h"
#include "tests/ops/worked_layer.h"

namespace fovea::test {
namespace {

Tensor labels(std::initializer_list<std::int32_t> values) {
  return Tensor::from<std::int32_t>({static_cast<std::int64_t>(values.size())},
                                    std::span(values.begin(), values.size()));
}

const std::vector<WorkedLayer>& worked() {
  static const std::vector<WorkedLayer> cases{
      {"Digits",
       "three labels of four classes",
       std::make_shared<OneHot>(OneHotOptions{.classes = 4}),
       {labels({2, 0, 3})},
       Tensor::from({3, 4}, {0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 1})},
      {"Adaline",
       "1 and -1",
       std::make_shared<OneHot>(OneHotOptions{.classes = 2, .on = 1, .off = -1}),
       {labels({1, 0})},
       Tensor::from({2, 2}, {-1, 1, 1, -1})},
  };
  return cases;
}

class OneHotTest : public WorkedLayerTest {};
TEST_P(OneHotTest, Worked) { check(); }
INSTANTIATE_TEST_SUITE_P(All, OneHotTest, devices_and_cases(FOVEA_TEST_DEVICES, worked()), case_name<WorkedLayer>);

class OneHotCallTest : public OpTest<OneCase> {};

// The host says which label; a device, which answers later, marks the row and no other.
TEST_P(OneHotCallTest, LabelOutOfRange) {
  for (const std::int32_t wrong :
       {-1, 3, std::numeric_limits<std::int32_t>::max(), std::numeric_limits<std::int32_t>::min()}) {
    const OpCall call{
        .op = "one_hot",
        .inputs = {labels({1, wrong, 2})},
        .outputs = {{{3, 3}}},
        .run = [](Ops& ops, auto in, auto out, Workspace) { ops.one_hot_forward({.classes = 3}, in[0], out[0]); }};
    if (device().memory() == host_memory()) {
      const std::string message = refusal([&] { execute(device(), call); });
      EXPECT_NE(message.find("labels[1]: expected 0 to 2, got " + std::to_string(wrong)), std::string::npos) << message;
      continue;
    }
    const Execution got = execute(device(), call);
    const float nan = std::numeric_limits<float>::quiet_NaN();
    EXPECT_EQ(got.fault, "");
    EXPECT_TRUE(
        equal_to_truth(got.outputs[0], Tensor::from({3, 3}, {0, 1, 0, nan, nan, nan, 0, 0, 1}).converted(DType::f64)))
        << "label " << wrong;
  }
}

TEST_P(OneHotCallTest, RefusesWhatDoesNotFit) {
  Ops& ops = *device().choose("one_hot", Direction::forward, {}).ops;
  Tensor three = labels({0, 1, 2}).to(device().memory()), y({3, 4}, DType::f32, device().memory());
  const auto forward = [&](std::int64_t classes, Tensor& in) {
    return refusal([&] { ops.one_hot_forward({.classes = classes}, in.view(), y.view()); });
  };
  EXPECT_EQ(forward(4, three), "");
  EXPECT_NE(forward(5, three).find("y: expected"), std::string::npos) << forward(5, three);
  EXPECT_NE(forward(4, y).find("labels: expected"), std::string::npos) << forward(4, y);
  device().synchronize();
}
INSTANTIATE_TEST_SUITE_P(All, OneHotCallTest, devices_and_cases(FOVEA_TEST_DEVICES, std::vector<OneCase>(1)),
                         case_name<OneCase>);

const bool registered = register_layer_tests("OneHotLayer", FOVEA_TEST_DEVICES, one_hot_cases(), random_one_hot_case);

}  // namespace
}  // namespace fovea::test
