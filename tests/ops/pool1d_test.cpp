// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/ops/pool1d_cases.h"
#include "tests/ops/worked_layer.h"
#include "tests/support/fused_relu.h"

namespace fovea::test {
namespace {

const std::vector<WorkedLayer>& worked() {
  static const std::vector<WorkedLayer> cases{
      {"Max",
       "windows [1, 5, 2] and [2, 5, 3], whose fives are two",
       std::make_shared<MaxPool1d>(MaxPool1dOptions{.kernel = 3, .stride = 2}),
       {Tensor::from({1, 1, 5}, {1, 5, 2, 5, 3})},
       Tensor::from({1, 1, 2}, {5, 5}),
       Tensor::from({1, 1, 2}, {7, 9}),
       {Tensor::from({1, 1, 5}, {0, 7, 0, 9, 0})}},
      {"Average",
       "the padding on the left counts",
       std::make_shared<AvgPool1d>(AvgPool1dOptions{.kernel = 2, .stride = 2, .padding = {1, 0}}),
       {Tensor::from({1, 1, 3}, {4, 6, 8})},
       Tensor::from({1, 1, 2}, {2, 7}),
       Tensor::from({1, 1, 2}, {2, 6}),
       {Tensor::from({1, 1, 3}, {1, 3, 3})}},
  };
  return cases;
}

class Pool1dTest : public WorkedLayerTest {};
TEST_P(Pool1dTest, Worked) { check(); }
INSTANTIATE_TEST_SUITE_P(All, Pool1dTest, devices_and_cases(FOVEA_TEST_DEVICES, worked()), case_name<WorkedLayer>);

const bool registered =
    register_layer_tests("MaxPool1dLayer", FOVEA_TEST_DEVICES, max_pool1d_cases(), random_max_pool1d_case) &&
    register_layer_tests("AvgPool1dLayer", FOVEA_TEST_DEVICES, avg_pool1d_cases(), random_avg_pool1d_case) &&
    register_fused_relu_backward_tests("MaxPool1dLayer", FOVEA_TEST_DEVICES, max_pool1d_cases(),
                                       random_max_pool1d_case) &&
    register_fused_relu_backward_tests("AvgPool1dLayer", FOVEA_TEST_DEVICES, avg_pool1d_cases(),
                                       random_avg_pool1d_case);

}  // namespace
}  // namespace fovea::test
