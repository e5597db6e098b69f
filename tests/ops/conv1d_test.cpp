// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/ops/conv1d_cases.h"
#include "tests/ops/worked_layer.h"
#include "tests/support/fused_relu.h"

namespace fovea::test {
namespace {

const std::vector<WorkedLayer>& worked() {
  static const std::vector<WorkedLayer> cases{
      {"MovingDifference",
       "w = [-1, 1] with a zero on the left: what changed, and the first value",
       std::make_shared<Conv1d>(Conv1dOptions{.out_channels = 1, .kernel = 2, .padding = {1, 0}}),
       {Tensor::from({1, 1, 4}, {3, 5, 4, 4})},
       Tensor::from({1, 1, 4}, {13, 12, 9, 10}),
       Tensor::from({1, 1, 4}, {1, 2, 3, 4}),
       // dx[i] = dy[i] - dy[i+1]; dw = [0*1+3*2+5*3+4*4, 3*1+5*2+4*3+4*4]; dbias = 10
       {Tensor::from({1, 1, 4}, {-1, -1, -1, 4}), Tensor::from({1, 1, 2}, {37, 41}), Tensor::from({1}, {10})},
       {Tensor::from({1, 1, 2}, {-1, 1}), Tensor::from({1}, {10})}},
      {"DilatedStride",
       "positions 0 and 2, then 2 and 4",
       std::make_shared<Conv1d>(
           Conv1dOptions{.out_channels = 1, .kernel = 2, .stride = 2, .dilation = 2, .bias = false}),
       {Tensor::from({1, 1, 5}, {1, 2, 3, 4, 5})},
       Tensor::from({1, 1, 2}, {1 + 30, 3 + 50}),
       Tensor::from({1, 1, 2}, {1, 2}),
       {Tensor::from({1, 1, 5}, {1, 0, 12, 0, 20}), Tensor::from({1, 1, 2}, {7, 13})},
       {Tensor::from({1, 1, 2}, {1, 10})}},
  };
  return cases;
}

class Conv1dTest : public WorkedLayerTest {};
TEST_P(Conv1dTest, Worked) { check(); }
INSTANTIATE_TEST_SUITE_P(All, Conv1dTest, devices_and_cases(FOVEA_TEST_DEVICES, worked()), case_name<WorkedLayer>);

const bool registered =
    register_layer_tests("Conv1dLayer", FOVEA_TEST_DEVICES, conv1d_cases(), random_conv1d_case) &&
    register_fused_relu_tests("Conv1dLayer", FOVEA_TEST_DEVICES, conv1d_cases(), random_conv1d_case) &&
    register_fused_relu_backward_tests("Conv1dLayer", FOVEA_TEST_DEVICES, conv1d_cases(), random_conv1d_case);

}  // namespace
}  // namespace fovea::test
