// SPDX-License-Identifier: Apache-2.0
//
// Softmax, its logarithm and the losses.
#include "cpu_reference/reference_ops.h"

#include <fmt/core.h>

#include <cmath>

#include "cpu_reference/binary_cross_entropy.h"
#include "cpu_reference/dispatch.h"
#include "cpu_reference/hinge_loss.h"
#include "cpu_reference/log_softmax.h"
#include "cpu_reference/mean_squared_error.h"
#include "cpu_reference/soft_cross_entropy.h"
#include "cpu_reference/softmax.h"
#include "cpu_reference/softmax_cross_entropy.h"

namespace fovea {

using reference::Arguments;
using reference::check_labels;
using reference::data_or_null;
using reference::Wide;
using reference::with_storage;

void ReferenceOps::softmax_forward(ConstView x, View y) {
  const Arguments arguments("softmax_forward", "x", x);
  arguments.demand(x.shape.rank() == 2 && x.shape[1] >= 1, "x", "scores [N, C]", x);
  arguments.check("y", y, x.shape);
  with_storage(x.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::softmax_forward<T>(x.shape[0], x.shape[1], data_as<T>(x), data_as<T>(y));
  });
  ++executed_;
}

void ReferenceOps::softmax_backward(ConstView y, ConstView dy, View dx) {
  const Arguments arguments("softmax_backward", "y", y);
  arguments.demand(y.shape.rank() == 2, "y", "probabilities [N, C]", y);
  arguments.check("dy", dy, y.shape);
  arguments.check("dx", dx, y.shape);
  with_storage(y.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::softmax_backward<T>(y.shape[0], y.shape[1], data_as<T>(y), data_as<T>(dy), data_as<T>(dx));
  });
  ++executed_;
}

void ReferenceOps::log_softmax_forward(ConstView x, View y) {
  const Arguments arguments("log_softmax_forward", "x", x);
  arguments.demand(x.shape.rank() == 2 && x.shape[1] >= 1, "x", "scores [N, C]", x);
  arguments.check("y", y, x.shape);
  with_storage(x.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::log_softmax_forward<T>(x.shape[0], x.shape[1], data_as<T>(x), data_as<T>(y));
  });
  ++executed_;
}

void ReferenceOps::log_softmax_backward(ConstView y, ConstView dy, View dx) {
  const Arguments arguments("log_softmax_backward", "y", y);
  arguments.demand(y.shape.rank() == 2, "y", "logarithms of probabilities [N, C]", y);
  arguments.check("dy", dy, y.shape);
  arguments.check("dx", dx, y.shape);
  with_storage(y.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::log_softmax_backward<T>(y.shape[0], y.shape[1], data_as<T>(y), data_as<T>(dy), data_as<T>(dx));
  });
  ++executed_;
}

namespace {

// [C], and only where the options have weights.
void check_class_weights(const Arguments& arguments, const SoftmaxCrossEntropyOptions& options,
                         const ConstView& class_weights, std::int64_t C) {
  if (!options.class_weights.empty()) return arguments.check_wide("class_weights", class_weights, {C});
  arguments.demand(!class_weights, "class_weights", "nothing, since the options have none", class_weights);
}

}  // namespace

void ReferenceOps::softmax_cross_entropy_forward(const SoftmaxCrossEntropyOptions& options, ConstView logits,
                                                 ConstView labels, ConstView class_weights, View probabilities,
                                                 View losses, View total_weight, View loss) {
  const Arguments arguments("softmax_cross_entropy_forward", "logits", logits);
  const auto g =
      arguments.geometry([&] { return softmax_cross_entropy_geometry(options, logits.shape, labels.shape); });
  check_labels(arguments, labels, labels.shape, g.C);
  check_class_weights(arguments, options, class_weights, g.C);
  arguments.check_wide("probabilities", probabilities, logits.shape);
  arguments.check_wide("losses", losses, labels.shape);
  arguments.check_wide("total_weight", total_weight, {1});
  arguments.check_wide("loss", loss, {1});
  with_storage(logits.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::softmax_cross_entropy_forward<T>(g.N, g.C, g.positions, options.label_smoothing, data_as<T>(logits),
                                                data_as<std::int32_t>(labels), data_or_null<Wide<T>>(class_weights),
                                                data_as<Wide<T>>(probabilities), data_as<Wide<T>>(losses),
                                                data_as<Wide<T>>(total_weight), data_as<Wide<T>>(loss));
  });
  ++executed_;
}

void ReferenceOps::softmax_cross_entropy_backward(const SoftmaxCrossEntropyOptions& options, ConstView probabilities,
                                                  ConstView labels, ConstView class_weights, ConstView total_weight,
                                                  ConstView dloss, View dlogits) {
  const Arguments arguments("softmax_cross_entropy_backward", "dlogits", dlogits);
  const auto g =
      arguments.geometry([&] { return softmax_cross_entropy_geometry(options, probabilities.shape, labels.shape); });
  check_labels(arguments, labels, labels.shape, g.C);
  check_class_weights(arguments, options, class_weights, g.C);
  arguments.check_wide("total_weight", total_weight, {1});
  arguments.check_wide("dloss", dloss, {1});
  arguments.check("dlogits", dlogits, probabilities.shape);
  arguments.check_wide("probabilities", probabilities, probabilities.shape);
  with_storage(dlogits.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::softmax_cross_entropy_backward<T>(g.N, g.C, g.positions, options.label_smoothing,
                                                 data_as<Wide<T>>(probabilities), data_as<std::int32_t>(labels),
                                                 data_or_null<Wide<T>>(class_weights), data_as<Wide<T>>(total_weight),
                                                 data_as<Wide<T>>(dloss), data_as<T>(dlogits));
  });
  ++executed_;
}

namespace {

// Throws InputError naming the first row, and the position where a sample has several, that is no list of probabilities.
template <class T>
void check_probabilities(const Arguments& arguments, const SoftmaxCrossEntropyGeometry& g, const T* targets) {
  for (std::int64_t n = 0; n < g.N; ++n)
    for (std::int64_t i = 0; i < g.positions; ++i) {
      const auto fail = [&](const std::string& got) {
        const std::string place = g.positions > 1 ? fmt::format(", position {}", i) : "";
        arguments.fail(
            fmt::format("targets, row {}{}: expected numbers of at least 0 that add up to 1, got {}", n, place, got));
      };
      double sum = 0;
      for (std::int64_t c = 0; c < g.C; ++c) {
        const auto target = static_cast<double>(targets[(n * g.C + c) * g.positions + i]);
        if (!(target >= 0)) fail(fmt::format("{} for class {}", target, c));
        sum += target;
      }
      if (!(std::abs(sum - 1) <= target_sum_tolerance(g.C, dtype_of<T>::value))) fail(fmt::format("a sum of {}", sum));
    }
}

}  // namespace

void ReferenceOps::soft_cross_entropy_forward(const SoftmaxCrossEntropyOptions& options, ConstView logits,
                                              ConstView targets, ConstView class_weights, View probabilities,
                                              View losses, View loss) {
  const Arguments arguments("soft_cross_entropy_forward", "logits", logits);
  const auto g = arguments.geometry([&] { return soft_cross_entropy_geometry(options, logits.shape, targets.shape); });
  arguments.check("targets", targets, logits.shape);
  check_class_weights(arguments, options, class_weights, g.C);
  arguments.check_wide("probabilities", probabilities, logits.shape);
  arguments.check_wide("losses", losses, logits.shape.without_batch().without_batch().with_batch(g.N));
  arguments.check_wide("loss", loss, {1});
  with_storage(logits.dtype, [&](auto stored) {
    using T = decltype(stored);
    check_probabilities(arguments, g, data_as<T>(targets));
    reference::soft_cross_entropy_forward<T>(g.N, g.C, g.positions, options.label_smoothing, data_as<T>(logits),
                                             data_as<T>(targets), data_or_null<Wide<T>>(class_weights),
                                             data_as<Wide<T>>(probabilities), data_as<Wide<T>>(losses),
                                             data_as<Wide<T>>(loss));
  });
  ++executed_;
}

void ReferenceOps::soft_cross_entropy_backward(const SoftmaxCrossEntropyOptions& options, ConstView probabilities,
                                               ConstView targets, ConstView class_weights, ConstView dloss,
                                               View dlogits) {
  const Arguments arguments("soft_cross_entropy_backward", "dlogits", dlogits);
  const auto g =
      arguments.geometry([&] { return soft_cross_entropy_geometry(options, probabilities.shape, targets.shape); });
  arguments.check("targets", targets, probabilities.shape);
  check_class_weights(arguments, options, class_weights, g.C);
  arguments.check_wide("dloss", dloss, {1});
  arguments.check("dlogits", dlogits, probabilities.shape);
  arguments.check_wide("probabilities", probabilities, probabilities.shape);
  with_storage(dlogits.dtype, [&](auto stored) {
    using T = decltype(stored);
    check_probabilities(arguments, g, data_as<T>(targets));
    reference::soft_cross_entropy_backward<T>(
        g.N, g.C, g.positions, options.label_smoothing, data_as<Wide<T>>(probabilities), data_as<T>(targets),
        data_or_null<Wide<T>>(class_weights), data_as<Wide<T>>(dloss), data_as<T>(dlogits));
  });
  ++executed_;
}

void ReferenceOps::hinge_loss_forward(const HingeLossOptions& options, ConstView scores, ConstView labels, View losses,
                                      View loss) {
  const Arguments arguments("hinge_loss_forward", "scores", scores);
  const auto g = arguments.geometry([&] { return hinge_loss_geometry(options, scores.shape, labels.shape); });
  check_labels(arguments, labels, {g.N}, g.C);
  arguments.check_wide("losses", losses, {g.N});
  arguments.check_wide("loss", loss, {1});
  with_storage(scores.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::hinge_loss_forward<T>(g, data_as<T>(scores), data_as<std::int32_t>(labels), data_as<Wide<T>>(losses),
                                     data_as<Wide<T>>(loss));
  });
  ++executed_;
}

void ReferenceOps::hinge_loss_backward(const HingeLossOptions& options, ConstView scores, ConstView labels,
                                       ConstView dloss, View dscores) {
  const Arguments arguments("hinge_loss_backward", "scores", scores);
  const auto g = arguments.geometry([&] { return hinge_loss_geometry(options, scores.shape, labels.shape); });
  check_labels(arguments, labels, {g.N}, g.C);
  arguments.check_wide("dloss", dloss, {1});
  arguments.check("dscores", dscores, {g.N, g.C});
  with_storage(scores.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::hinge_loss_backward<T>(g, data_as<T>(scores), data_as<std::int32_t>(labels), data_as<Wide<T>>(dloss),
                                      data_as<T>(dscores));
  });
  ++executed_;
}

namespace {

// The shapes that mean_squared_error and binary_cross_entropy share: x and target [N, ...].
void check_targets(const Arguments& arguments, const ConstView& x, const ConstView& target) {
  arguments.demand(x.shape.rank() >= 2 && x.shape.without_batch().elements() >= 1, "x", "predictions [N, ...]", x);
  arguments.check("target", target, x.shape);
}

std::int64_t elements_per_sample(const ConstView& x) { return x.shape.without_batch().elements(); }

}  // namespace

void ReferenceOps::mean_squared_error_forward(ConstView x, ConstView target, View losses, View loss) {
  const Arguments arguments("mean_squared_error_forward", "x", x);
  check_targets(arguments, x, target);
  arguments.check_wide("losses", losses, {x.shape[0]});
  arguments.check_wide("loss", loss, {1});
  with_storage(x.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::mean_squared_error_forward<T>(x.shape[0], elements_per_sample(x), data_as<T>(x), data_as<T>(target),
                                             data_as<Wide<T>>(losses), data_as<Wide<T>>(loss));
  });
  ++executed_;
}

void ReferenceOps::mean_squared_error_backward(ConstView x, ConstView target, ConstView dloss, View dx) {
  const Arguments arguments("mean_squared_error_backward", "x", x);
  check_targets(arguments, x, target);
  arguments.check_wide("dloss", dloss, {1});
  arguments.check("dx", dx, x.shape);
  with_storage(x.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::mean_squared_error_backward<T>(x.shape[0], elements_per_sample(x), data_as<T>(x), data_as<T>(target),
                                              data_as<Wide<T>>(dloss), data_as<T>(dx));
  });
  ++executed_;
}

void ReferenceOps::binary_cross_entropy_forward(ConstView x, ConstView target, View losses, View loss) {
  const Arguments arguments("binary_cross_entropy_forward", "x", x);
  check_targets(arguments, x, target);
  arguments.check_wide("losses", losses, {x.shape[0]});
  arguments.check_wide("loss", loss, {1});
  with_storage(x.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::binary_cross_entropy_forward<T>(x.shape[0], elements_per_sample(x), data_as<T>(x), data_as<T>(target),
                                               data_as<Wide<T>>(losses), data_as<Wide<T>>(loss));
  });
  ++executed_;
}

void ReferenceOps::binary_cross_entropy_backward(ConstView x, ConstView target, ConstView dloss, View dx) {
  const Arguments arguments("binary_cross_entropy_backward", "x", x);
  check_targets(arguments, x, target);
  arguments.check_wide("dloss", dloss, {1});
  arguments.check("dx", dx, x.shape);
  with_storage(x.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::binary_cross_entropy_backward<T>(x.shape[0], elements_per_sample(x), data_as<T>(x), data_as<T>(target),
                                                data_as<Wide<T>>(dloss), data_as<T>(dx));
  });
  ++executed_;
}

}  // namespace fovea
