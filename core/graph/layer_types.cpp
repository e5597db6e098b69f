// SPDX-License-Identifier: Apache-2.0
#include "core/graph/layer_types.h"

#include "core/layers/activation.h"
#include "core/layers/adaptive_pool2d.h"
#include "core/layers/add.h"
#include "core/layers/avg_pool1d.h"
#include "core/layers/avg_pool2d.h"
#include "core/layers/batch_norm.h"
#include "core/layers/binary_cross_entropy.h"
#include "core/layers/concat.h"
#include "core/layers/conv1d.h"
#include "core/layers/conv2d.h"
#include "core/layers/conv_transpose2d.h"
#include "core/layers/crop.h"
#include "core/layers/dropout.h"
#include "core/layers/flatten.h"
#include "core/layers/hinge_loss.h"
#include "core/layers/linear.h"
#include "core/layers/log_softmax.h"
#include "core/layers/lrn.h"
#include "core/layers/max_pool1d.h"
#include "core/layers/max_pool2d.h"
#include "core/layers/mean_squared_error.h"
#include "core/layers/min_pool2d.h"
#include "core/layers/multiply.h"
#include "core/layers/one_hot.h"
#include "core/layers/pad.h"
#include "core/layers/prelu.h"
#include "core/layers/relu.h"
#include "core/layers/reshape.h"
#include "core/layers/soft_cross_entropy.h"
#include "core/layers/softmax.h"
#include "core/layers/softmax_cross_entropy.h"
#include "core/layers/sum_pool2d.h"
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

void LayerTypes::add(const LayerTypes& more) {
  for (const auto& [type, factory] : more.factories_) add(type, factory, more.examples_.at(type));
}

LayerTypes LayerTypes::builtin() {
  LayerTypes types;
  types.add("adaptive_avg_pool2d", with_options<AdaptiveAvgPool2d, AdaptivePool2dOptions>(),
            {.summary = "The mean of each window; the windows follow from the output's size",
             .params = R"({"output_size": [2, 3]})",
             .inputs = {{1, 2, 5, 4}}});
  types.add("adaptive_max_pool2d", with_options<AdaptiveMaxPool2d, AdaptivePool2dOptions>(),
            {.summary = "The largest element of each window; the windows follow from the output's size",
             .params = R"({"output_size": [2, 3]})",
             .inputs = {{1, 2, 5, 4}}});
  types.add("add", plain<Add>(), {.summary = "The sum of two inputs of one shape", .inputs = {{2, 3, 4}, {2, 3, 4}}});
  types.add("avg_pool1d", with_options<AvgPool1d, AvgPool1dOptions>(),
            {.summary = "The mean of each window of a sequence",
             .params = R"({"kernel": 3, "stride": 2, "padding": 1})",
             .inputs = {{2, 2, 7}}});
  types.add("avg_pool2d", with_options<AvgPool2d, AvgPool2dOptions>(),
            {.summary = "The mean of each window",
             .params = R"({"kernel": 3, "stride": 2, "padding": 1})",
             .inputs = {{1, 2, 5, 5}}});
  types.add("batch_norm", with_options<BatchNorm, BatchNormOptions>(),
            {.summary = "Each channel with mean 0 and variance 1, then scaled and shifted; running statistics",
             .params = R"({"momentum": 0.25})",
             .inputs = {{3, 2, 2, 2}}});
  types.add("concat", with_options<Concat, ConcatOptions>(),
            {.summary = "Inputs side by side along one axis",
             .params = R"({"axis": 1})",
             .inputs = {{2, 1, 3}, {2, 2, 3}, {2, 3, 3}}});
  types.add("conv1d", with_options<Conv1d, Conv1dOptions>(),
            {.summary = "Convolution over sequences",
             .params = R"({"out_channels": 3, "kernel": 3, "padding": [2, 0], "dilation": 2})",
             .inputs = {{2, 2, 7}}});
  types.add("conv2d", with_options<Conv2d, Conv2dOptions>(),
            {.summary = "Convolution with strides, padding, dilation and groups",
             .params = R"({"out_channels": 4, "kernel": [3, 2], "stride": [1, 2], "padding": 1, "groups": 2})",
             .inputs = {{2, 4, 5, 5}}});
  types.add("conv_transpose2d", with_options<ConvTranspose2d, ConvTranspose2dOptions>(),
            {.summary = "Transposed convolution: every input paints a filter",
             .params = R"({"out_channels": 3, "kernel": 3, "stride": 2, "padding": 1, "output_padding": 1})",
             .inputs = {{1, 2, 3, 4}}});
  types.add("crop", with_options<Crop, CropOptions>(),
            {.summary = "The middle of an image, without a margin",
             .params = R"({"cut": [1, 0, 0, 2], "channels": [0, 1]})",
             .inputs = {{1, 3, 4, 5}}});
  types.add(
      "dropout", with_options<Dropout, DropoutOptions>(),
      {.summary = "Each element set to 0 at random in training", .params = R"({"rate": 0.4})", .inputs = {{2, 6}}});
  types.add("elu", with_options<Elu, EluOptions>(),
            {.summary = "Exponential linear unit", .params = R"({"alpha": 0.5})", .inputs = {{2, 5}}});
  types.add("flatten", plain<Flatten>(), {.summary = "Each sample as one row of numbers", .inputs = {{2, 3, 2, 2}}});
  types.add("gelu", plain<Gelu>(), {.summary = "Gaussian error linear unit, the exact one", .inputs = {{2, 5}}});
  types.add("global_avg_pool2d", plain<GlobalAvgPool2d>(),
            {.summary = "The mean of each channel", .inputs = {{2, 2, 3, 4}}});
  types.add("global_max_pool2d", plain<GlobalMaxPool2d>(),
            {.summary = "The largest element of each channel", .inputs = {{2, 2, 3, 4}}});
  types.add("leaky_relu", with_options<LeakyRelu, LeakyReluOptions>(),
            {.summary = "ReLU with a small fixed slope for negative inputs",
             .params = R"({"slope": 0.1})",
             .inputs = {{2, 5}}});
  types.add("linear", with_options<Linear, LinearOptions>(),
            {.summary = "A dense layer: every output reads every input",
             .params = R"({"out_features": 3})",
             .inputs = {{2, 4}}});
  types.add("log_softmax", plain<LogSoftmax>(), {.summary = "The logarithm of softmax", .inputs = {{2, 4}}});
  types.add("lrn", with_options<Lrn, LrnOptions>(),
            {.summary = "Local response normalisation, across channels or within one",
             .params = R"({"size": 3, "alpha": 0.5, "k": 2})",
             .inputs = {{1, 5, 2, 3}}});
  types.add("max_pool1d", with_options<MaxPool1d, MaxPool1dOptions>(),
            {.summary = "The largest element of each window of a sequence",
             .params = R"({"kernel": 3, "stride": 2, "padding": 1})",
             .inputs = {{2, 2, 7}}});
  types.add("max_pool2d", with_options<MaxPool2d, MaxPool2dOptions>(),
            {.summary = "The largest element of each window",
             .params = R"({"kernel": 3, "stride": 2, "padding": 1})",
             .inputs = {{1, 2, 5, 5}}});
  types.add("min_pool2d", with_options<MinPool2d, MaxPool2dOptions>(),
            {.summary = "The smallest element of each window",
             .params = R"({"kernel": 3, "stride": 2, "padding": 1})",
             .inputs = {{1, 2, 5, 5}}});
  types.add(
      "multiply", plain<Multiply>(),
      {.summary = "The product of two inputs of one shape, element by element", .inputs = {{2, 3, 4}, {2, 3, 4}}});
  types.add("one_hot", with_options<OneHot, OneHotOptions>(),
            {.summary = "Labels as target vectors", .params = R"({"classes": 3, "off": -1})", .inputs = {{4}}});
  types.add("pad", with_options<Pad, PadOptions>(),
            {.summary = "A frame of one value around an image",
             .params = R"({"padding": [1, 0, 0, 2], "channels": [0, 1], "value": 0.5})",
             .inputs = {{1, 2, 2, 3}}});
  types.add("prelu", with_options<Prelu, PreluOptions>(),
            {.summary = "ReLU with a trained slope for negative inputs", .inputs = {{2, 3, 2}}});
  types.add("relu", plain<Relu>(),
            {.summary = "Rectified linear unit: what is negative becomes 0", .inputs = {{2, 5}}});
  types.add(
      "reshape", with_options<Reshape, ReshapeOptions>(),
      {.summary = "The same numbers under another shape", .params = R"({"shape": [2, -1]})", .inputs = {{2, 3, 4}}});
  types.add("sigmoid", plain<Sigmoid>(), {.summary = "Logistic function", .inputs = {{2, 5}}});
  types.add("silu", plain<Silu>(), {.summary = "Sigmoid linear unit, also called swish", .inputs = {{2, 5}}});
  types.add("softmax", plain<Softmax>(), {.summary = "Each row as probabilities", .inputs = {{2, 4}}});
  types.add("sum_pool2d", with_options<SumPool2d, SumPool2dOptions>(),
            {.summary = "The sum of each window",
             .params = R"({"kernel": 3, "stride": 2, "padding": 1})",
             .inputs = {{1, 2, 5, 5}}});
  types.add("tanh", plain<Tanh>(), {.summary = "Hyperbolic tangent", .inputs = {{2, 5}}});
  types.add("upsample2d", with_options<Upsample2d, Upsample2dOptions>(),
            {.summary = "Another image size, nearest or bilinear",
             .params = R"({"scale": 2, "mode": "bilinear"})",
             .inputs = {{1, 2, 2, 3}}});
  return types;
}

LayerTypes LayerTypes::losses() {
  LayerTypes types;
  types.add("binary_cross_entropy", plain<BinaryCrossEntropy>(),
            {.summary = "Independent yes-or-no decisions, from logits", .inputs = {{3, 4}, {3, 4}}});
  types.add("hinge_loss", with_options<HingeLoss, HingeLossOptions>(),
            {.summary = "Multi-class hinge loss, of a linear support vector machine",
             .params = R"({"squared": true})",
             .inputs = {{3, 4}, {3}}});
  types.add("mean_squared_error", plain<MeanSquaredError>(),
            {.summary = "Mean squared error against targets", .inputs = {{3, 4}, {3, 4}}});
  types.add("soft_cross_entropy", with_options<SoftCrossEntropy, SoftmaxCrossEntropyOptions>(),
            {.summary = "Softmax and cross-entropy against probabilities in the place of labels",
             .params = R"({"label_smoothing": 0.1, "class_weights": [1, 2, 0.5, 1]})",
             .inputs = {{3, 4}, {3, 4}}});
  types.add("softmax_cross_entropy", with_options<SoftmaxCrossEntropy, SoftmaxCrossEntropyOptions>(),
            {.summary = "Softmax and cross-entropy in one, of a classifier",
             .params = R"({"label_smoothing": 0.1, "class_weights": [1, 2, 0.5, 1]})",
             .inputs = {{3, 4}, {3}}});
  return types;
}

}  // namespace fovea
