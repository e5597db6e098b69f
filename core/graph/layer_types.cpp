// SPDX-License-Identifier: Apache-2.0
#include "core/graph/layer_types.h"

#include "core/layers/add.h"
#include "core/layers/avg_pool2d.h"
#include "core/layers/binary_cross_entropy.h"
#include "core/layers/conv2d.h"
#include "core/layers/flatten.h"
#include "core/layers/hinge_loss.h"
#include "core/layers/linear.h"
#include "core/layers/log_softmax.h"
#include "core/layers/max_pool2d.h"
#include "core/layers/mean_squared_error.h"
#include "core/layers/relu.h"
#include "core/layers/softmax.h"
#include "core/layers/softmax_cross_entropy.h"
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
  types.add("flatten", plain<Flatten>());
  types.add("linear", with_options<Linear, LinearOptions>());
  types.add("log_softmax", plain<LogSoftmax>());
  types.add("max_pool2d", with_options<MaxPool2d, MaxPool2dOptions>());
  types.add("relu", plain<Relu>());
  types.add("softmax", plain<Softmax>());
  types.add("tanh", plain<Tanh>());
  return types;
}

LayerTypes LayerTypes::losses() {
  LayerTypes types;
  types.add("binary_cross_entropy", plain<BinaryCrossEntropy>());
  types.add("hinge_loss", with_options<HingeLoss, HingeLossOptions>());
  types.add("mean_squared_error", plain<MeanSquaredError>());
  types.add("softmax_cross_entropy", with_options<SoftmaxCrossEntropy, SoftmaxCrossEntropyOptions>());
  return types;
}

}  // namespace fovea
