// SPDX-License-Identifier: Apache-2.0
//
// Convolutions (core/ops/conv2d.h) by oneDNN, in the layouts it chooses. Filters are plain outside and oneDNN's own way
// inside: each call brings them into that form, and filter gradients back, in scratch memory, which costs two passes over
// the filters and nothing over the images. Primitives are made once for each geometry and kept.
#pragma once
#include <string>

#include "core/ops/conv2d.h"
#include "cpu/onednn.h"

namespace fovea::cpu {

class Conv2dOnednn {
 public:
  // The first of oneDNN's own choice, nhwc and nchw for which it has fast implementations of every pass that is needed.
  Conv2dLayouts layouts(const Conv2dOptions& options, const Shape& x, Layout given, bool training);
  std::size_t workspace(Conv2dPass pass, const Conv2dOptions& options, const Shape& x, Conv2dLayouts layouts);

  // oneDNN's name of what runs a pass: "jit:avx512_core", "brgconv:avx2", "ref:any", ...
  std::string implementation(Conv2dPass pass, const Conv2dOptions& options, const Shape& x, Conv2dLayouts layouts);

  // `first` and `second` are x and w, dy and w, or x and dy; `result` is y, dx or dw.
  void run(Conv2dPass pass, const Conv2dOptions& options, const Shape& x, Conv2dLayouts layouts, const float* first,
           const float* second, const float* bias, float* result, Workspace workspace);

 private:
  struct Primitive {
    dnnl::primitive convolution, reorder;  // reorder: filters into oneDNN's form, or their gradient out of it
    dnnl::memory x, y, filters, bias, plain_filters, scratchpad;
    bool reorders = false, with_bias = false;
    std::size_t filter_bytes = 0, scratchpad_bytes = 0;  // of the workspace, in this order
  };
  Primitive& primitive(Conv2dPass pass, const Conv2dOptions& options, const Shape& x, Conv2dLayouts layouts,
                       bool with_bias);

  PrimitiveCache<Primitive> primitives_;
};

}  // namespace fovea::cpu
