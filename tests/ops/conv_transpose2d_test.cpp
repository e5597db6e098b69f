// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/conv_transpose2d.h"

#include "tests/ops/conv_transpose2d_cases.h"
#include "tests/ops/worked_layer.h"

namespace fovea::test {
namespace {

const std::vector<WorkedLayer>& worked() {
  static const std::vector<WorkedLayer> cases{
      {"Overlap",
       "two pixels, two apart, with a filter of three: the middle adds up",
       std::make_shared<ConvTranspose2d>(ConvTranspose2dOptions{.out_channels = 1, .kernel = {1, 3}, .stride = {1, 2}}),
       {Tensor::from({1, 1, 1, 2}, {1, 10})},
       Tensor::from({1, 1, 1, 5}, {2 + 100, 3 + 100, 5 + 20 + 100, 30 + 100, 50 + 100}),
       Tensor::from({1, 1, 1, 5}, {1, 2, 3, 4, 5}),
       // dx = [1*2 + 2*3 + 3*5, 3*2 + 4*3 + 5*5]; dw[s] = sum of x[w] dy[2w + s]
       {Tensor::from({1, 1, 1, 2}, {23, 43}), Tensor::from({1, 1, 1, 3}, {1 + 30, 2 + 40, 3 + 50}),
        Tensor::from({1}, {15})},
       {Tensor::from({1, 1, 1, 3}, {2, 3, 5}), Tensor::from({1}, {100})}},
      {"OutputPadding",
       "one more column, which no pixel reaches; one less on the left",
       std::make_shared<ConvTranspose2d>(ConvTranspose2dOptions{.out_channels = 1,
                                                                .kernel = {1, 2},
                                                                .stride = {1, 2},
                                                                .padding = {0, 1, 0, 0},
                                                                .output_padding = {0, 1},
                                                                .bias = false}),
       {Tensor::from({1, 1, 1, 2}, {1, 10})},
       Tensor::from({1, 1, 1, 4}, {3, 20, 30, 0}),
       Tensor::from({1, 1, 1, 4}, {1, 2, 3, 4}),
       {Tensor::from({1, 1, 1, 2}, {3, 4 + 9}), Tensor::from({1, 1, 1, 2}, {20, 1 + 30})},
       {Tensor::from({1, 1, 1, 2}, {2, 3})}},
  };
  return cases;
}

class ConvTranspose2dTest : public WorkedLayerTest {};
TEST_P(ConvTranspose2dTest, Worked) { check(); }
INSTANTIATE_TEST_SUITE_P(All, ConvTranspose2dTest, devices_and_cases(FOVEA_TEST_DEVICES, worked()),
                         case_name<WorkedLayer>);

const bool registered = register_layer_tests("ConvTranspose2dLayer", FOVEA_TEST_DEVICES, conv_transpose2d_cases(),
                                             random_conv_transpose2d_case);

}  // namespace
}  // namespace fovea::test
