// SPDX-License-Identifier: Apache-2.0
//
// Normalisation.
#include "cpu_reference/reference_ops.h"

#include "cpu_reference/batch_norm.h"
#include "cpu_reference/dispatch.h"
#include "cpu_reference/lrn.h"

namespace fovea {

using reference::Arguments;
using reference::data_or_null;
using reference::Wide;
using reference::with_storage;

void ReferenceOps::lrn_forward(const LrnOptions& options, ConstView x, View y, View scale) {
  const Arguments arguments("lrn_forward", "x", x);
  const LrnGeometry g = arguments.geometry([&] { return lrn_geometry(options, x.shape); });
  arguments.check("y", y, x.shape);
  arguments.check_wide("scale", scale, x.shape);
  with_storage(x.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::lrn_forward<T>(g, data_as<T>(x), data_as<T>(y), data_as<Wide<T>>(scale));
  });
  ++executed_;
}

void ReferenceOps::lrn_backward(const LrnOptions& options, ConstView x, ConstView y, ConstView scale, ConstView dy,
                                View dx) {
  const Arguments arguments("lrn_backward", "x", x);
  const LrnGeometry g = arguments.geometry([&] { return lrn_geometry(options, x.shape); });
  arguments.check("y", y, x.shape);
  arguments.check_wide("scale", scale, x.shape);
  arguments.check("dy", dy, x.shape);
  arguments.check("dx", dx, x.shape);
  with_storage(x.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::lrn_backward<T>(g, data_as<T>(x), data_as<T>(y), data_as<Wide<T>>(scale), data_as<T>(dy),
                               data_as<T>(dx));
  });
  ++executed_;
}

void ReferenceOps::batch_norm_forward(const BatchNormOptions& options, ConstView x, ConstView weight, ConstView bias,
                                      View running_mean, View running_variance, View y, View mean,
                                      View inverse_deviation, Workspace) {
  const Arguments arguments("batch_norm_forward", "x", x);
  const BatchNormGeometry g = arguments.geometry([&] {
    const BatchNormGeometry geometry = batch_norm_geometry(options, x.shape);
    require_batch_statistics(geometry);
    return geometry;
  });
  arguments.check_wide("weight", weight, {g.C});
  arguments.check_wide("bias", bias, {g.C});
  arguments.check_wide("running_mean", running_mean, {g.C});
  arguments.check_wide("running_variance", running_variance, {g.C});
  arguments.check("y", y, x.shape);
  arguments.check_wide("mean", mean, {g.C});
  arguments.check_wide("inverse_deviation", inverse_deviation, {g.C});
  with_storage(x.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::batch_norm_forward<T>(g, data_as<T>(x), data_as<Wide<T>>(weight), data_as<Wide<T>>(bias),
                                     data_as<Wide<T>>(running_mean), data_as<Wide<T>>(running_variance), data_as<T>(y),
                                     data_as<Wide<T>>(mean), data_as<Wide<T>>(inverse_deviation));
  });
  ++executed_;
}

void ReferenceOps::batch_norm_backward(const BatchNormOptions& options, ConstView x, ConstView weight, ConstView mean,
                                       ConstView inverse_deviation, ConstView dy, View dx, View dweight, View dbias,
                                       Workspace) {
  const Arguments arguments("batch_norm_backward", "x", x);
  const BatchNormGeometry g = arguments.geometry([&] { return batch_norm_geometry(options, x.shape); });
  arguments.check_wide("weight", weight, {g.C});
  arguments.check_wide("mean", mean, {g.C});
  arguments.check_wide("inverse_deviation", inverse_deviation, {g.C});
  arguments.check("dy", dy, x.shape);
  if (dx) arguments.check("dx", dx, x.shape);
  arguments.check_wide("dweight", dweight, {g.C});
  arguments.check_wide("dbias", dbias, {g.C});
  with_storage(x.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::batch_norm_backward<T>(g, data_as<T>(x), data_as<Wide<T>>(weight), data_as<Wide<T>>(mean),
                                      data_as<Wide<T>>(inverse_deviation), data_as<T>(dy), data_or_null<T>(dx),
                                      data_as<Wide<T>>(dweight), data_as<Wide<T>>(dbias));
  });
  ++executed_;
}

void ReferenceOps::batch_norm_inference(const BatchNormOptions& options, ConstView x, ConstView weight, ConstView bias,
                                        ConstView running_mean, ConstView running_variance, View y) {
  const Arguments arguments("batch_norm_inference", "x", x);
  const BatchNormGeometry g = arguments.geometry([&] { return batch_norm_geometry(options, x.shape); });
  arguments.check_wide("weight", weight, {g.C});
  arguments.check_wide("bias", bias, {g.C});
  arguments.check_wide("running_mean", running_mean, {g.C});
  arguments.check_wide("running_variance", running_variance, {g.C});
  arguments.check("y", y, x.shape);
  with_storage(x.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::batch_norm_inference<T>(g, data_as<T>(x), data_as<Wide<T>>(weight), data_as<Wide<T>>(bias),
                                       data_as<Wide<T>>(running_mean), data_as<Wide<T>>(running_variance),
                                       data_as<T>(y));
  });
  ++executed_;
}

void ReferenceOps::batch_norm_inference_backward(const BatchNormOptions& options, ConstView x, ConstView weight,
                                                 ConstView running_mean, ConstView running_variance, ConstView dy,
                                                 View dx, View dweight, View dbias, Workspace) {
  const Arguments arguments("batch_norm_inference_backward", "x", x);
  const BatchNormGeometry g = arguments.geometry([&] { return batch_norm_geometry(options, x.shape); });
  arguments.check_wide("weight", weight, {g.C});
  arguments.check_wide("running_mean", running_mean, {g.C});
  arguments.check_wide("running_variance", running_variance, {g.C});
  arguments.check("dy", dy, x.shape);
  if (dx) arguments.check("dx", dx, x.shape);
  arguments.check_wide("dweight", dweight, {g.C});
  arguments.check_wide("dbias", dbias, {g.C});
  with_storage(x.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::batch_norm_inference_backward<T>(
        g, data_as<T>(x), data_as<Wide<T>>(weight), data_as<Wide<T>>(running_mean), data_as<Wide<T>>(running_variance),
        data_as<T>(dy), data_or_null<T>(dx), data_as<Wide<T>>(dweight), data_as<Wide<T>>(dbias));
  });
  ++executed_;
}

}  // namespace fovea
