// SPDX-License-Identifier: Apache-2.0
#include "core/graph/layer_types.h"

#include "core/layers/add.h"
#include "core/layers/avg_pool1d.h"
#include "core/layers/avg_pool2d.h"
#include "core/layers/concat.h"
#include "core/layers/conv1d.h"
#include "core/layers/conv2d.h"
#include "core/layers/conv_transpose2d.h"
#include "core/layers/crop.h"
#include "core/layers/flatten.h"
#include "core/layers/linear.h"
#include "core/layers/max_pool1d.h"
#include "core/layers/max_pool2d.h"
#include "core/layers/one_hot.h"
#include "core/layers/pad.h"
#include "core/layers/relu.h"
#include "core/layers/reshape.h"
#include "core/layers/softmax.h"
#include "core/layers/tanh.h"
#include "core/layers/upsample2d.h"

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
  types.add("avg_pool1d", with_options<AvgPool1d, AvgPool1dOptions>());
  types.add("avg_pool2d", with_options<AvgPool2d, AvgPool2dOptions>());
  types.add("concat", with_options<Concat, ConcatOptions>());
  types.add("conv1d", with_options<Conv1d, Conv1dOptions>());
  types.add("conv2d", with_options<Conv2d, Conv2dOptions>());
  types.add("conv_transpose2d", with_options<ConvTranspose2d, ConvTranspose2dOptions>());
  types.add("crop", with_options<Crop, CropOptions>());
  types.add("flatten", plain<Flatten>());
  types.add("linear", with_options<Linear, LinearOptions>());
  types.add("max_pool1d", with_options<MaxPool1d, MaxPool1dOptions>());
  types.add("max_pool2d", with_options<MaxPool2d, MaxPool2dOptions>());
  types.add("one_hot", with_options<OneHot, OneHotOptions>());
  types.add("pad", with_options<Pad, PadOptions>());
  types.add("relu", plain<Relu>());
  types.add("reshape", with_options<Reshape, ReshapeOptions>());
  types.add("softmax", plain<Softmax>());
  types.add("tanh", plain<Tanh>());
  types.add("upsample2d", with_options<Upsample2d, Upsample2dOptions>());
  return types;
}

}  // namespace fovea
