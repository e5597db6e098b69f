// SPDX-License-Identifier: Apache-2.0
//
// Softmax and the losses.
#include "cpu_reference/reference_ops.h"

#include "cpu_reference/dispatch.h"
#include "cpu_reference/softmax.h"
#include "cpu_reference/softmax_cross_entropy.h"

namespace fovea {

using reference::Arguments;
using reference::check_labels;
using reference::with_real;

void ReferenceOps::softmax_forward(ConstView x, View y) {
  const Arguments arguments("softmax_forward", "x", x);
  arguments.demand(x.shape.rank() == 2 && x.shape[1] >= 1, "x", "scores [N, C]", x);
  arguments.check("y", y, x.shape);
  with_real(x.dtype, [&](auto real) {
    using T = decltype(real);
    reference::softmax_forward<T>(x.shape[0], x.shape[1], data_as<T>(x), data_as<T>(y));
  });
  ++executed_;
}

void ReferenceOps::softmax_backward(ConstView y, ConstView dy, View dx) {
  const Arguments arguments("softmax_backward", "y", y);
  arguments.demand(y.shape.rank() == 2, "y", "probabilities [N, C]", y);
  arguments.check("dy", dy, y.shape);
  arguments.check("dx", dx, y.shape);
  with_real(y.dtype, [&](auto real) {
    using T = decltype(real);
    reference::softmax_backward<T>(y.shape[0], y.shape[1], data_as<T>(y), data_as<T>(dy), data_as<T>(dx));
  });
  ++executed_;
}

void ReferenceOps::softmax_cross_entropy_forward(ConstView logits, ConstView labels, View probabilities, View losses,
                                                 View loss) {
  const Arguments arguments("softmax_cross_entropy_forward", "logits", logits);
  arguments.demand(logits.shape.rank() == 2 && logits.elements() >= 1, "logits", "scores [N, C]", logits);
  const std::int64_t N = logits.shape[0], C = logits.shape[1];
  check_labels(arguments, labels, {N}, C);
  arguments.check("probabilities", probabilities, {N, C});
  arguments.check("losses", losses, {N});
  arguments.check("loss", loss, {1});
  with_real(logits.dtype, [&](auto real) {
    using T = decltype(real);
    reference::softmax_cross_entropy_forward<T>(N, C, data_as<T>(logits), data_as<std::int32_t>(labels),
                                                data_as<T>(probabilities), data_as<T>(losses), data_as<T>(loss));
  });
  ++executed_;
}

void ReferenceOps::softmax_cross_entropy_backward(ConstView probabilities, ConstView labels, ConstView dloss,
                                                  View dlogits) {
  const Arguments arguments("softmax_cross_entropy_backward", "probabilities", probabilities);
  arguments.demand(probabilities.shape.rank() == 2, "probabilities", "[N, C]", probabilities);
  const std::int64_t N = probabilities.shape[0], C = probabilities.shape[1];
  check_labels(arguments, labels, {N}, C);
  arguments.check("dloss", dloss, {1});
  arguments.check("dlogits", dlogits, {N, C});
  with_real(probabilities.dtype, [&](auto real) {
    using T = decltype(real);
    reference::softmax_cross_entropy_backward<T>(N, C, data_as<T>(probabilities), data_as<std::int32_t>(labels),
                                                 data_as<T>(dloss), data_as<T>(dlogits));
  });
  ++executed_;
}

}  // namespace fovea
