// SPDX-License-Identifier: Apache-2.0
//
// The convolutions to measure: those of a net's graph, or of a table.
#pragma once
#include <string>
#include <vector>

#include "core/graph/graph.h"
#include "core/ops/conv2d.h"

namespace fovea::cli {

// One shape, of one or several layers. Without bias.
struct ConvShape {
  std::vector<std::string> layers;  // that have it, at least one
  Shape x;                          // [N, C, H, W]
  Conv2dOptions options;
  bool data_gradient = true;  // false: it is the gradient of images only, which no training computes

  Conv2dGeometry geometry() const { return conv2d_geometry(options, x); }
};

// Each shape once, in the order of the net. Throws InputError for a net without a convolution.
std::vector<ConvShape> conv_shapes_of(const Graph& graph, std::int64_t batch);

// A CSV file whose first line names its columns: name, C, H, W (input), K, R, S (filters) and, where they are not 1, 0, 1
// and 1, stride, padding, dilation and groups. Throws InputError that names file, line and column.
std::vector<ConvShape> read_conv_shapes(const std::string& path, std::int64_t batch);

// Of a built-in net, a net file or a table (.csv). Throws InputError, too, where a kernel cannot index a tensor.
std::vector<ConvShape> load_conv_shapes(const std::string& spec, std::int64_t batch);

}  // namespace fovea::cli
