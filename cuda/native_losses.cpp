// SPDX-License-Identifier: Apache-2.0
//
// Softmax and the losses.
#include "cuda/native_ops.h"

#include "cuda/arguments.h"
#include "cuda/kernels/kernels.h"

namespace fovea::FOVEA_TARGET {

// Inside the class an operation's name means the member: say kernels:: for the launcher.
namespace kernels = fovea::FOVEA_TARGET;

void NativeOps::softmax_forward(ConstView x, View y) {
  const Arguments arguments("softmax_forward", memory_);
  arguments.require_rank("x", x, 2, 2);
  kernels::softmax_forward(stream_, x.shape[0], x.shape[1], arguments.in("x", x, x.shape),
                           arguments.out("y", y, x.shape));
}

void NativeOps::softmax_backward(ConstView y, ConstView dy, View dx) {
  const Arguments arguments("softmax_backward", memory_);
  arguments.require_rank("y", y, 2, 2);
  kernels::softmax_backward(stream_, y.shape[0], y.shape[1], arguments.in("y", y, y.shape),
                            arguments.in("dy", dy, y.shape), arguments.out("dx", dx, y.shape));
}

void NativeOps::softmax_cross_entropy_forward(ConstView logits, ConstView labels, View probabilities, View losses,
                                              View loss) {
  const Arguments arguments("softmax_cross_entropy_forward", memory_);
  arguments.require_rank("logits", logits, 2, 2);
  const std::int64_t N = logits.shape[0], C = logits.shape[1];
  kernels::softmax_cross_entropy_forward(stream_, N, C, arguments.in("logits", logits, {N, C}),
                                         arguments.in<std::int32_t>("labels", labels, {N}),
                                         arguments.out("probabilities", probabilities, {N, C}),
                                         arguments.out("losses", losses, {N}), arguments.out("loss", loss, {1}));
}

void NativeOps::softmax_cross_entropy_backward(ConstView probabilities, ConstView labels, ConstView dloss,
                                               View dlogits) {
  const Arguments arguments("softmax_cross_entropy_backward", memory_);
  arguments.require_rank("probabilities", probabilities, 2, 2);
  const std::int64_t N = probabilities.shape[0], C = probabilities.shape[1];
  kernels::softmax_cross_entropy_backward(stream_, N, C, arguments.in("probabilities", probabilities, {N, C}),
                                          arguments.in<std::int32_t>("labels", labels, {N}),
                                          arguments.in("dloss", dloss, {1}), arguments.out("dlogits", dlogits, {N, C}));
}

}  // namespace fovea::FOVEA_TARGET
