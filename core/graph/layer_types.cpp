// SPDX-License-Identifier: Apache-2.0
#include "core/graph/layer_types.h"

#include "core/layers/adaptive_pool2d.h"
#include "core/layers/add.h"
#include "core/layers/avg_pool2d.h"
#include "core/layers/batch_norm.h"
#include "core/layers/conv2d.h"
#include "core/layers/flatten.h"
#include "core/layers/linear.h"
#include "core/layers/lrn.h"
#include "core/layers/max_pool2d.h"
#include "core/layers/min_pool2d.h"
#include "core/layers/relu.h"
#include "core/layers/softmax.h"
#include "core/layers/sum_pool2d.h"
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
  types.add("adaptive_avg_pool2d", with_options<AdaptiveAvgPool2d, AdaptivePool2dOptions>());
  types.add("adaptive_max_pool2d", with_options<AdaptiveMaxPool2d, AdaptivePool2dOptions>());
  types.add("add", plain<Add>());
  types.add("avg_pool2d", with_options<AvgPool2d, AvgPool2dOptions>());
  types.add("batch_norm", with_options<BatchNorm, BatchNormOptions>());
  types.add("conv2d", with_options<Conv2d, Conv2dOptions>());
  types.add("flatten", plain<Flatten>());
  types.add("global_avg_pool2d", plain<GlobalAvgPool2d>());
  types.add("global_max_pool2d", plain<GlobalMaxPool2d>());
  types.add("linear", with_options<Linear, LinearOptions>());
  types.add("lrn", with_options<Lrn, LrnOptions>());
  types.add("max_pool2d", with_options<MaxPool2d, MaxPool2dOptions>());
  types.add("min_pool2d", with_options<MinPool2d, MaxPool2dOptions>());
  types.add("relu", plain<Relu>());
  types.add("softmax", plain<Softmax>());
  types.add("sum_pool2d", with_options<SumPool2d, SumPool2dOptions>());
  types.add("tanh", plain<Tanh>());
  return types;
}

}  // namespace fovea
