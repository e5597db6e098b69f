// SPDX-License-Identifier: Apache-2.0
//
// Softmax, its logarithm and the losses.
#include "cuda/native_ops.h"

#include "cuda/arguments.h"
#include "cuda/kernels/kernels.h"

namespace fovea::FOVEA_TARGET {

// Inside the class an operation's name means the member: say kernels:: for the launcher.
namespace kernels = fovea::FOVEA_TARGET;

void NativeOps::softmax_forward(ConstView x, View y) {
  const Arguments arguments("softmax_forward", memory_);
  arguments.require_rank("x", x, 2, 2);
  arguments.with_storage("x", x, [&]<class T>(std::type_identity<T>) {
    kernels::softmax_forward(stream_, x.shape[0], x.shape[1], arguments.in<T>("x", x, x.shape),
                             arguments.out<T>("y", y, x.shape));
  });
}

void NativeOps::softmax_backward(ConstView y, ConstView dy, View dx) {
  const Arguments arguments("softmax_backward", memory_);
  arguments.require_rank("y", y, 2, 2);
  arguments.with_storage("y", y, [&]<class T>(std::type_identity<T>) {
    kernels::softmax_backward(stream_, y.shape[0], y.shape[1], arguments.in<T>("y", y, y.shape),
                              arguments.in<T>("dy", dy, y.shape), arguments.out<T>("dx", dx, y.shape));
  });
}

void NativeOps::log_softmax_forward(ConstView x, View y) {
  const Arguments arguments("log_softmax_forward", memory_);
  arguments.require_rank("x", x, 2, 2);
  arguments.with_storage("x", x, [&]<class T>(std::type_identity<T>) {
    kernels::log_softmax_forward(stream_, x.shape[0], x.shape[1], arguments.in<T>("x", x, x.shape),
                                 arguments.out<T>("y", y, x.shape));
  });
}

void NativeOps::log_softmax_backward(ConstView y, ConstView dy, View dx) {
  const Arguments arguments("log_softmax_backward", memory_);
  arguments.require_rank("y", y, 2, 2);
  arguments.with_storage("y", y, [&]<class T>(std::type_identity<T>) {
    kernels::log_softmax_backward(stream_, y.shape[0], y.shape[1], arguments.in<T>("y", y, y.shape),
                                  arguments.in<T>("dy", dy, y.shape), arguments.out<T>("dx", dx, y.shape));
  });
}

namespace {

// [C], and only where the options have weights.
const float* class_weights_in(const Arguments& arguments, const SoftmaxCrossEntropyOptions& options,
                              const ConstView& class_weights, std::int64_t C) {
  if (!options.class_weights.empty()) return arguments.in("class_weights", class_weights, {C});
  if (class_weights) arguments.fail("class_weights: expected nothing, since the options have none");
  return nullptr;
}

}  // namespace

void NativeOps::softmax_cross_entropy_forward(const SoftmaxCrossEntropyOptions& options, ConstView logits,
                                              ConstView labels, ConstView class_weights, View probabilities,
                                              View losses, View total_weight, View loss) {
  const Arguments arguments("softmax_cross_entropy_forward", memory_);
  const auto g =
      arguments.geometry([&] { return softmax_cross_entropy_geometry(options, logits.shape, labels.shape); });
  arguments.with_storage("logits", logits, [&]<class T>(std::type_identity<T>) {
    kernels::softmax_cross_entropy_forward(
        stream_, g, options, arguments.in<T>("logits", logits, logits.shape),
        arguments.in<std::int32_t>("labels", labels, labels.shape),
        class_weights_in(arguments, options, class_weights, g.C),
        arguments.out("probabilities", probabilities, logits.shape), arguments.out("losses", losses, labels.shape),
        arguments.out("total_weight", total_weight, {1}), arguments.out("loss", loss, {1}));
  });
}

void NativeOps::softmax_cross_entropy_backward(const SoftmaxCrossEntropyOptions& options, ConstView probabilities,
                                               ConstView labels, ConstView class_weights, ConstView total_weight,
                                               ConstView dloss, View dlogits) {
  const Arguments arguments("softmax_cross_entropy_backward", memory_);
  const auto g =
      arguments.geometry([&] { return softmax_cross_entropy_geometry(options, probabilities.shape, labels.shape); });
  arguments.with_storage("dlogits", dlogits, [&]<class T>(std::type_identity<T>) {
    kernels::softmax_cross_entropy_backward(
        stream_, g, options, arguments.in("probabilities", probabilities, probabilities.shape),
        arguments.in<std::int32_t>("labels", labels, labels.shape),
        class_weights_in(arguments, options, class_weights, g.C), arguments.in("total_weight", total_weight, {1}),
        arguments.in("dloss", dloss, {1}), arguments.out<T>("dlogits", dlogits, probabilities.shape));
  });
}

void NativeOps::soft_cross_entropy_forward(const SoftmaxCrossEntropyOptions& options, ConstView logits,
                                           ConstView targets, ConstView class_weights, View probabilities, View losses,
                                           View loss) {
  const Arguments arguments("soft_cross_entropy_forward", memory_);
  const auto g = arguments.geometry([&] { return soft_cross_entropy_geometry(options, logits.shape, targets.shape); });
  arguments.with_storage("logits", logits, [&]<class T>(std::type_identity<T>) {
    kernels::soft_cross_entropy_forward(
        stream_, g, options, arguments.in<T>("logits", logits, logits.shape),
        arguments.in<T>("targets", targets, logits.shape), class_weights_in(arguments, options, class_weights, g.C),
        arguments.out("probabilities", probabilities, logits.shape),
        arguments.out("losses", losses, logits.shape.without_batch().without_batch().with_batch(g.N)),
        arguments.out("loss", loss, {1}));
  });
}

void NativeOps::soft_cross_entropy_backward(const SoftmaxCrossEntropyOptions& options, ConstView probabilities,
                                            ConstView targets, ConstView class_weights, ConstView dloss, View dlogits) {
  const Arguments arguments("soft_cross_entropy_backward", memory_);
  const auto g =
      arguments.geometry([&] { return soft_cross_entropy_geometry(options, probabilities.shape, targets.shape); });
  arguments.with_storage("dlogits", dlogits, [&]<class T>(std::type_identity<T>) {
    kernels::soft_cross_entropy_backward(
        stream_, g, options, arguments.in("probabilities", probabilities, probabilities.shape),
        arguments.in<T>("targets", targets, probabilities.shape),
        class_weights_in(arguments, options, class_weights, g.C), arguments.in("dloss", dloss, {1}),
        arguments.out<T>("dlogits", dlogits, probabilities.shape));
  });
}

void NativeOps::hinge_loss_forward(const HingeLossOptions& options, ConstView scores, ConstView labels, View losses,
                                   View loss) {
  const Arguments arguments("hinge_loss_forward", memory_);
  const auto g = arguments.geometry([&] { return hinge_loss_geometry(options, scores.shape, labels.shape); });
  arguments.with_storage("scores", scores, [&]<class T>(std::type_identity<T>) {
    kernels::hinge_loss_forward(stream_, g, arguments.in<T>("scores", scores, scores.shape),
                                arguments.in<std::int32_t>("labels", labels, labels.shape),
                                arguments.out("losses", losses, {g.N}), arguments.out("loss", loss, {1}));
  });
}

void NativeOps::hinge_loss_backward(const HingeLossOptions& options, ConstView scores, ConstView labels,
                                    ConstView dloss, View dscores) {
  const Arguments arguments("hinge_loss_backward", memory_);
  const auto g = arguments.geometry([&] { return hinge_loss_geometry(options, scores.shape, labels.shape); });
  arguments.with_storage("scores", scores, [&]<class T>(std::type_identity<T>) {
    kernels::hinge_loss_backward(stream_, g, arguments.in<T>("scores", scores, scores.shape),
                                 arguments.in<std::int32_t>("labels", labels, labels.shape),
                                 arguments.in("dloss", dloss, {1}), arguments.out<T>("dscores", dscores, scores.shape));
  });
}

namespace {

std::int64_t elements_per_sample(const ConstView& x) { return x.shape.without_batch().elements(); }

}  // namespace

void NativeOps::mean_squared_error_forward(ConstView x, ConstView target, View losses, View loss) {
  const Arguments arguments("mean_squared_error_forward", memory_);
  arguments.require_rank("x", x, 2, Shape::max_rank);
  const std::int64_t N = x.shape[0];
  arguments.with_storage("x", x, [&]<class T>(std::type_identity<T>) {
    kernels::mean_squared_error_forward(stream_, N, elements_per_sample(x), arguments.in<T>("x", x, x.shape),
                                        arguments.in<T>("target", target, x.shape),
                                        arguments.out("losses", losses, {N}), arguments.out("loss", loss, {1}));
  });
}

void NativeOps::mean_squared_error_backward(ConstView x, ConstView target, ConstView dloss, View dx) {
  const Arguments arguments("mean_squared_error_backward", memory_);
  arguments.require_rank("x", x, 2, Shape::max_rank);
  arguments.with_storage("x", x, [&]<class T>(std::type_identity<T>) {
    kernels::mean_squared_error_backward(stream_, x.shape[0], elements_per_sample(x), arguments.in<T>("x", x, x.shape),
                                         arguments.in<T>("target", target, x.shape), arguments.in("dloss", dloss, {1}),
                                         arguments.out<T>("dx", dx, x.shape));
  });
}

void NativeOps::binary_cross_entropy_forward(ConstView x, ConstView target, View losses, View loss) {
  const Arguments arguments("binary_cross_entropy_forward", memory_);
  arguments.require_rank("x", x, 2, Shape::max_rank);
  const std::int64_t N = x.shape[0];
  arguments.with_storage("x", x, [&]<class T>(std::type_identity<T>) {
    kernels::binary_cross_entropy_forward(stream_, N, elements_per_sample(x), arguments.in<T>("x", x, x.shape),
                                          arguments.in<T>("target", target, x.shape),
                                          arguments.out("losses", losses, {N}), arguments.out("loss", loss, {1}));
  });
}

void NativeOps::binary_cross_entropy_backward(ConstView x, ConstView target, ConstView dloss, View dx) {
  const Arguments arguments("binary_cross_entropy_backward", memory_);
  arguments.require_rank("x", x, 2, Shape::max_rank);
  arguments.with_storage("x", x, [&]<class T>(std::type_identity<T>) {
    kernels::binary_cross_entropy_backward(stream_, x.shape[0], elements_per_sample(x),
                                           arguments.in<T>("x", x, x.shape), arguments.in<T>("target", target, x.shape),
                                           arguments.in("dloss", dloss, {1}), arguments.out<T>("dx", dx, x.shape));
  });
}

}  // namespace fovea::FOVEA_TARGET
