// SPDX-License-Identifier: Apache-2.0
//
// 2. One convolution, step by step: a 3x3 filter slides over a 5x5 image, and each position gives one dot product.
#include <iostream>
#include <span>

#include "core/backend/device_list.h"

int main() {
  using namespace fovea;
  const Tensor image = Tensor::from(Shape{1, 1, 5, 5}, {1, 1, 1, 0, 0,  //
                                                        0, 1, 1, 1, 0,  //
                                                        0, 0, 1, 1, 1,  //
                                                        0, 0, 1, 1, 0,  //
                                                        0, 1, 1, 0, 0});
  const Tensor filter = Tensor::from(Shape{1, 1, 3, 3}, {1, 0, 1,  //
                                                         0, 1, 0,  //
                                                         1, 0, 1});

  // Output size: (W - F + 2P) / S + 1 = (5 - 3 + 0) / 1 + 1 = 3.
  const Conv2dOptions options{.out_channels = 1, .kernel = 3};
  Tensor output(conv2d_output_shape(options, image.shape()));

  const auto device = open_device("reference");
  Ops& ops = *device->choose("conv2d", Direction::forward, "").ops;
  ops.conv2d_forward(options, image.view(), filter.view(), {}, output.view(), {});

  const std::span<const float> x = image.span<float>(), w = filter.span<float>(), y = output.span<float>();
  for (std::size_t p = 0; p < 3; ++p) {
    for (std::size_t q = 0; q < 3; ++q) {
      std::cout << "y[" << p << "," << q << "] =";
      for (std::size_t r = 0; r < 3; ++r)
        for (std::size_t s = 0; s < 3; ++s)
          std::cout << (r + s ? " + " : " ") << x[(p + r) * 5 + q + s] << "*" << w[r * 3 + s];
      std::cout << " = " << y[p * 3 + q] << "\n";
    }
  }
  for (std::size_t p = 0; p < 3; ++p) std::cout << y[p * 3] << " " << y[p * 3 + 1] << " " << y[p * 3 + 2] << "\n";
}
