// SPDX-License-Identifier: Apache-2.0
#include "core/graph/layer_types.h"

#include "core/layers/activation.h"
#include "core/layers/add.h"
#include "core/layers/avg_pool2d.h"
#include "core/layers/conv2d.h"
#include "core/layers/dropout.h"
#include "core/layers/flatten.h"
#include "core/layers/linear.h"
#include "core/layers/max_pool2d.h"
#include "core/layers/multiply.h"
#include "core/layers/prelu.h"
#include "core/layers/relu.h"
#include "core/layers/softmax.h"
#include "core/layers/tanh.h"

namespace fovea {
namespace {

template <class L>
LayerFactory plain() {
  return [](FieldVisitor&) { return std::make_shared<const L>(); };
}

template <class L, class Options>
LayerFactory with_options() {
  return [](FieldVisitor& visitor) {
    Options options;
    fields(visitor, options);
    return std::make_shared<const L>(options);
  };
}

}  // namespace

LayerTypes LayerTypes::builtin() {
  LayerTypes types;
  types.add("add", plain<Add>());
  types.add("avg_pool2d", with_options<AvgPool2d, AvgPool2dOptions>());
  types.add("conv2d", with_options<Conv2d, Conv2dOptions>());
  types.add("dropout", with_options<Dropout, DropoutOptions>());
  types.add("elu", with_options<Elu, EluOptions>());
  types.add("flatten", plain<Flatten>());
  types.add("gelu", plain<Gelu>());
  types.add("leaky_relu", with_options<LeakyRelu, LeakyReluOptions>());
  types.add("linear", with_options<Linear, LinearOptions>());
  types.add("max_pool2d", with_options<MaxPool2d, MaxPool2dOptions>());
  types.add("multiply", plain<Multiply>());
  types.add("prelu", with_options<Prelu, PreluOptions>());
  types.add("relu", plain<Relu>());
  types.add("sigmoid", plain<Sigmoid>());
  types.add("silu", plain<Silu>());
  types.add("softmax", plain<Softmax>());
  types.add("tanh", plain<Tanh>());
  return types;
}

}  // namespace fovea
