// SPDX-License-Identifier: Apache-2.0
//
// What an engine can do beyond the contracts of the operations: work on images in other layouts than nchw, finish an
// operation with a ReLU or a ReLU's gradient, write over an input; and what it lacks of them: tensors in 16 bits. Asked for while a plan is
// made; an engine that knows nothing of this inherits the defaults, and its plans stay plain.
#pragma once
#include <string_view>

#include "core/support/error.h"
#include "core/tensor/tensor.h"

namespace fovea {

class LayoutOps {
 public:
  virtual ~LayoutOps() = default;
  // The layout in which operation `op` ("relu", "max_pool2d", ...) wants its images, whose T is `dtype` and which lie as
  // `given` so far: all of a call's images, their gradients and saved images alike.
  virtual Layout layout_for(std::string_view /*op*/, DType /*dtype*/, Layout /*given*/) const { return Layout::nchw; }
  // True when `op` with T = `dtype` has a form that applies a ReLU to its output on the way (conv2d_forward_relu, ...),
  // which leaves the bits that the two operations would leave one after the other.
  virtual bool fuses_relu(std::string_view /*op*/, DType /*dtype*/) const { return false; }
  // True when `op` has a form whose x is a ReLU's output and whose dx has passed that ReLU's backward on the way
  // (conv2d_backward_data_relu, ...): the bits that the operation and then relu_backward would leave. x lies like dx.
  virtual bool fuses_relu_backward(std::string_view /*op*/) const { return false; }
  // True when `op` may be given one buffer as input and as output, forward (its first input), and one as dy and as dx.
  virtual bool works_in_place(std::string_view /*op*/) const { return false; }
  // False where this engine computes `op` with T = f32 only: plans in 16 bits are refused.
  virtual bool stores_16_bits(std::string_view /*op*/) const { return true; }
  // y = x in y's layout; [N, C, H, W] of one type T, in f32 at least.
  virtual void convert_layout(ConstView /*x*/, View /*y*/) {
    throw Error("convert_layout: this engine has one layout, nchw");
  }
};

}  // namespace fovea
