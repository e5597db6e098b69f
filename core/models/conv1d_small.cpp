// SPDX-License-Identifier: Apache-2.0
//
// A small net for sequences [channels, length]: 1-D convolutions slide over time as 2-D ones slide over an image. The
// sizes are ours.
//
//   signal 1x128                   parameters  multiply-accumulates
//   conv1 8 filters of 7     8x128         64               7,168
//   pool1 max 4/4            8x32
//   conv2 16 filters of 5   16x32         656              20,480
//   pool2 max 4/4           16x8
//   conv3 32 filters of 3   32x8        1,568              12,288
//   fc                           4      1,028               1,024
//                                       3,316              40,960
#include "core/layers/conv1d.h"
#include "core/layers/linear.h"
#include "core/layers/max_pool1d.h"
#include "core/layers/relu.h"
#include "core/models/models.h"

namespace fovea {

Graph conv1d_small(Shape sample_shape, std::int64_t classes) {
  Graph g("conv1d-small");
  NodeId x = g.input("signal", sample_shape);
  x = g.add("conv1", Conv1d({.out_channels = 8, .kernel = 7, .padding = 3}), x);
  x = g.add("relu1", Relu(), x);
  x = g.add("pool1", MaxPool1d({.kernel = 4, .stride = 4}), x);
  x = g.add("conv2", Conv1d({.out_channels = 16, .kernel = 5, .padding = 2}), x);
  x = g.add("relu2", Relu(), x);
  x = g.add("pool2", MaxPool1d({.kernel = 4, .stride = 4}), x);
  x = g.add("conv3", Conv1d({.out_channels = 32, .kernel = 3, .padding = 1}), x);
  x = g.add("relu3", Relu(), x);
  g.add("fc", Linear({.out_features = classes}), x);
  return g;
}

}  // namespace fovea
