// SPDX-License-Identifier: Apache-2.0
//
// The adapter between the contracts of core/ops and the loops of this folder: check the views, pick float or double,
// call the loop.
#include "cpu_reference/reference_backend.h"

#include <fmt/format.h>

#include "core/support/error.h"
#include "core/support/parallel.h"
#include "cpu_reference/add.h"
#include "cpu_reference/arguments.h"
#include "cpu_reference/avg_pool2d.h"
#include "cpu_reference/bias.h"
#include "cpu_reference/conv2d.h"
#include "cpu_reference/linear.h"
#include "cpu_reference/max_pool2d.h"
#include "cpu_reference/relu.h"
#include "cpu_reference/sgd.h"
#include "cpu_reference/softmax.h"
#include "cpu_reference/softmax_cross_entropy.h"
#include "cpu_reference/tanh.h"

namespace fovea {
namespace {

using reference::Arguments;

// Calls f(float{}) or f(double{}).
template <class F>
void with_real(DType dtype, F&& f) {
  dtype == DType::f64 ? f(double{}) : f(float{});
}

// Calls f with the C++ type of a max-pool index.
template <class F>
void with_index(DType dtype, F&& f) {
  dtype == DType::u8 ? f(std::uint8_t{}) : f(std::uint16_t{});
}

template <class T>
const T* data_or_null(const ConstView& view) {
  return view ? data_as<T>(view) : nullptr;
}

class ReferenceOps final : public Ops {
 public:
  std::uint64_t executed() const { return executed_; }

  std::size_t conv2d_workspace(Conv2dPass, const Conv2dOptions&, const Shape&) override { return 0; }

  void conv2d_forward(const Conv2dOptions& options, ConstView x, ConstView w, ConstView bias, View y,
                      Workspace) override {
    const Arguments arguments("conv2d_forward", "x", x);
    const Conv2dGeometry g = arguments.geometry([&] { return conv2d_geometry(options, x.shape); });
    arguments.check("w", w, {g.K, g.channels_per_group(), g.R, g.S});
    if (bias) arguments.check("bias", bias, {g.K});
    arguments.check("y", y, {g.N, g.K, g.P, g.Q});
    with_real(x.dtype, [&](auto real) {
      using T = decltype(real);
      reference::conv2d_forward<T>(g, data_as<T>(x), data_as<T>(w), data_or_null<T>(bias), data_as<T>(y));
    });
    ++executed_;
  }

  void conv2d_backward_data(const Conv2dOptions& options, ConstView dy, ConstView w, View dx, Workspace) override {
    const Arguments arguments("conv2d_backward_data", "dx", dx);
    const Conv2dGeometry g = arguments.geometry([&] { return conv2d_geometry(options, dx.shape); });
    arguments.check("dy", dy, {g.N, g.K, g.P, g.Q});
    arguments.check("w", w, {g.K, g.channels_per_group(), g.R, g.S});
    with_real(dx.dtype, [&](auto real) {
      using T = decltype(real);
      reference::conv2d_backward_data<T>(g, data_as<T>(dy), data_as<T>(w), data_as<T>(dx));
    });
    ++executed_;
  }

  void conv2d_backward_filter(const Conv2dOptions& options, ConstView x, ConstView dy, View dw, Workspace) override {
    const Arguments arguments("conv2d_backward_filter", "x", x);
    const Conv2dGeometry g = arguments.geometry([&] { return conv2d_geometry(options, x.shape); });
    arguments.check("dy", dy, {g.N, g.K, g.P, g.Q});
    arguments.check("dw", dw, {g.K, g.channels_per_group(), g.R, g.S});
    with_real(x.dtype, [&](auto real) {
      using T = decltype(real);
      reference::conv2d_backward_filter<T>(g, data_as<T>(x), data_as<T>(dy), data_as<T>(dw));
    });
    ++executed_;
  }

  void bias_add(ConstView bias, View y) override {
    const Arguments arguments("bias_add", "y", y);
    arguments.demand(y.shape.rank() >= 2, "y", "[N, K, ...]", y);
    const std::int64_t N = y.shape[0], K = y.shape[1];
    arguments.check("bias", bias, {K});
    with_real(y.dtype, [&](auto real) {
      using T = decltype(real);
      reference::bias_add<T>(N, K, positions(y.shape), data_as<T>(bias), data_as<T>(y));
    });
    ++executed_;
  }

  void bias_gradient(ConstView dy, View dbias) override {
    const Arguments arguments("bias_gradient", "dy", dy);
    arguments.demand(dy.shape.rank() >= 2, "dy", "[N, K, ...]", dy);
    const std::int64_t N = dy.shape[0], K = dy.shape[1];
    arguments.check("dbias", dbias, {K});
    with_real(dy.dtype, [&](auto real) {
      using T = decltype(real);
      reference::bias_gradient<T>(N, K, positions(dy.shape), data_as<T>(dy), data_as<T>(dbias));
    });
    ++executed_;
  }

  std::size_t linear_workspace(LinearPass, const LinearOptions&, const Shape&) override { return 0; }

  void linear_forward(const LinearOptions& options, ConstView x, ConstView w, ConstView bias, View y,
                      Workspace) override {
    const Arguments arguments("linear_forward", "x", x);
    const LinearGeometry g = arguments.geometry([&] { return linear_geometry(options, x.shape); });
    arguments.check("w", w, {g.O, g.I});
    if (bias) arguments.check("bias", bias, {g.O});
    arguments.check("y", y, {g.N, g.O});
    with_real(x.dtype, [&](auto real) {
      using T = decltype(real);
      reference::linear_forward<T>(g, data_as<T>(x), data_as<T>(w), data_or_null<T>(bias), data_as<T>(y));
    });
    ++executed_;
  }

  void linear_backward_data(const LinearOptions& options, ConstView dy, ConstView w, View dx, Workspace) override {
    const Arguments arguments("linear_backward_data", "dx", dx);
    const LinearGeometry g = arguments.geometry([&] { return linear_geometry(options, dx.shape); });
    arguments.check("dy", dy, {g.N, g.O});
    arguments.check("w", w, {g.O, g.I});
    with_real(dx.dtype, [&](auto real) {
      using T = decltype(real);
      reference::linear_backward_data<T>(g, data_as<T>(dy), data_as<T>(w), data_as<T>(dx));
    });
    ++executed_;
  }

  void linear_backward_weight(const LinearOptions& options, ConstView x, ConstView dy, View dw, Workspace) override {
    const Arguments arguments("linear_backward_weight", "x", x);
    const LinearGeometry g = arguments.geometry([&] { return linear_geometry(options, x.shape); });
    arguments.check("dy", dy, {g.N, g.O});
    arguments.check("dw", dw, {g.O, g.I});
    with_real(x.dtype, [&](auto real) {
      using T = decltype(real);
      reference::linear_backward_weight<T>(g, data_as<T>(x), data_as<T>(dy), data_as<T>(dw));
    });
    ++executed_;
  }

  void max_pool2d_forward(const MaxPool2dOptions& options, ConstView x, View y, View index) override {
    const Arguments arguments("max_pool2d_forward", "x", x);
    const Pool2dGeometry g = arguments.geometry([&] { return max_pool2d_geometry(options, x.shape); });
    const DType index_dtype = arguments.geometry([&] { return max_pool2d_index_dtype(options); });
    arguments.check("y", y, {g.N, g.C, g.P, g.Q});
    arguments.check("index", index, {g.N, g.C, g.P, g.Q}, index_dtype);
    with_real(x.dtype, [&](auto real) {
      with_index(index_dtype, [&](auto winner) {
        using T = decltype(real);
        using Index = decltype(winner);
        reference::max_pool2d_forward<T, Index>(g, data_as<T>(x), data_as<T>(y), data_as<Index>(index));
      });
    });
    ++executed_;
  }

  void max_pool2d_backward(const MaxPool2dOptions& options, ConstView dy, ConstView index, View dx) override {
    const Arguments arguments("max_pool2d_backward", "dx", dx);
    const Pool2dGeometry g = arguments.geometry([&] { return max_pool2d_geometry(options, dx.shape); });
    const DType index_dtype = arguments.geometry([&] { return max_pool2d_index_dtype(options); });
    arguments.check("dy", dy, {g.N, g.C, g.P, g.Q});
    arguments.check("index", index, {g.N, g.C, g.P, g.Q}, index_dtype);
    with_real(dx.dtype, [&](auto real) {
      with_index(index_dtype, [&](auto winner) {
        using T = decltype(real);
        using Index = decltype(winner);
        const Index* winners = data_as<Index>(index);
        arguments.demand(reference::winners_in_image(g, winners), "index", "winners inside the image", index);
        reference::max_pool2d_backward<T, Index>(g, data_as<T>(dy), winners, data_as<T>(dx));
      });
    });
    ++executed_;
  }

  void avg_pool2d_forward(const AvgPool2dOptions& options, ConstView x, View y) override {
    const Arguments arguments("avg_pool2d_forward", "x", x);
    const Pool2dGeometry g = arguments.geometry([&] { return avg_pool2d_geometry(options, x.shape); });
    arguments.check("y", y, {g.N, g.C, g.P, g.Q});
    with_real(x.dtype, [&](auto real) {
      using T = decltype(real);
      reference::avg_pool2d_forward<T>(g, options.count_include_pad, data_as<T>(x), data_as<T>(y));
    });
    ++executed_;
  }

  void avg_pool2d_backward(const AvgPool2dOptions& options, ConstView dy, View dx) override {
    const Arguments arguments("avg_pool2d_backward", "dx", dx);
    const Pool2dGeometry g = arguments.geometry([&] { return avg_pool2d_geometry(options, dx.shape); });
    arguments.check("dy", dy, {g.N, g.C, g.P, g.Q});
    with_real(dx.dtype, [&](auto real) {
      using T = decltype(real);
      reference::avg_pool2d_backward<T>(g, options.count_include_pad, data_as<T>(dy), data_as<T>(dx));
    });
    ++executed_;
  }

  void relu_forward(ConstView x, View y) override {
    const Arguments arguments("relu_forward", "x", x);
    arguments.check("y", y, x.shape);
    with_real(x.dtype, [&](auto real) {
      using T = decltype(real);
      reference::relu_forward<T>(x.elements(), data_as<T>(x), data_as<T>(y));
    });
    ++executed_;
  }

  void relu_backward(ConstView y, ConstView dy, View dx) override {
    const Arguments arguments("relu_backward", "y", y);
    arguments.check("dy", dy, y.shape);
    arguments.check("dx", dx, y.shape);
    with_real(y.dtype, [&](auto real) {
      using T = decltype(real);
      reference::relu_backward<T>(y.elements(), data_as<T>(y), data_as<T>(dy), data_as<T>(dx));
    });
    ++executed_;
  }

  void tanh_forward(ConstView x, View y) override {
    const Arguments arguments("tanh_forward", "x", x);
    arguments.check("y", y, x.shape);
    with_real(x.dtype, [&](auto real) {
      using T = decltype(real);
      reference::tanh_forward<T>(x.elements(), data_as<T>(x), data_as<T>(y));
    });
    ++executed_;
  }

  void tanh_backward(ConstView y, ConstView dy, View dx) override {
    const Arguments arguments("tanh_backward", "y", y);
    arguments.check("dy", dy, y.shape);
    arguments.check("dx", dx, y.shape);
    with_real(y.dtype, [&](auto real) {
      using T = decltype(real);
      reference::tanh_backward<T>(y.elements(), data_as<T>(y), data_as<T>(dy), data_as<T>(dx));
    });
    ++executed_;
  }

  void add_forward(ConstView a, ConstView b, View y) override {
    const Arguments arguments("add_forward", "a", a);
    arguments.check("b", b, a.shape);
    arguments.check("y", y, a.shape);
    with_real(a.dtype, [&](auto real) {
      using T = decltype(real);
      reference::add_forward<T>(a.elements(), data_as<T>(a), data_as<T>(b), data_as<T>(y));
    });
    ++executed_;
  }

  void add_backward(ConstView dy, View dx) override {
    const Arguments arguments("add_backward", "dy", dy);
    arguments.check("dx", dx, dy.shape);
    with_real(dy.dtype, [&](auto real) {
      using T = decltype(real);
      reference::add_backward<T>(dy.elements(), data_as<T>(dy), data_as<T>(dx));
    });
    ++executed_;
  }

  void softmax_forward(ConstView x, View y) override {
    const Arguments arguments("softmax_forward", "x", x);
    arguments.demand(x.shape.rank() == 2 && x.shape[1] >= 1, "x", "scores [N, C]", x);
    arguments.check("y", y, x.shape);
    with_real(x.dtype, [&](auto real) {
      using T = decltype(real);
      reference::softmax_forward<T>(x.shape[0], x.shape[1], data_as<T>(x), data_as<T>(y));
    });
    ++executed_;
  }

  void softmax_backward(ConstView y, ConstView dy, View dx) override {
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

  void softmax_cross_entropy_forward(ConstView logits, ConstView labels, View probabilities, View losses,
                                     View loss) override {
    const Arguments arguments("softmax_cross_entropy_forward", "logits", logits);
    arguments.demand(logits.shape.rank() == 2 && logits.elements() >= 1, "logits", "scores [N, C]", logits);
    const std::int64_t N = logits.shape[0], C = logits.shape[1];
    check_labels(arguments, labels, N, C);
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

  void softmax_cross_entropy_backward(ConstView probabilities, ConstView labels, ConstView dloss,
                                      View dlogits) override {
    const Arguments arguments("softmax_cross_entropy_backward", "probabilities", probabilities);
    arguments.demand(probabilities.shape.rank() == 2, "probabilities", "[N, C]", probabilities);
    const std::int64_t N = probabilities.shape[0], C = probabilities.shape[1];
    check_labels(arguments, labels, N, C);
    arguments.check("dloss", dloss, {1});
    arguments.check("dlogits", dlogits, {N, C});
    with_real(probabilities.dtype, [&](auto real) {
      using T = decltype(real);
      reference::softmax_cross_entropy_backward<T>(N, C, data_as<T>(probabilities), data_as<std::int32_t>(labels),
                                                   data_as<T>(dloss), data_as<T>(dlogits));
    });
    ++executed_;
  }

  void sgd_step(const SgdOptions& options, View w, ConstView g, View v) override {
    const Arguments arguments("sgd_step", "w", w);
    arguments.check("g", g, w.shape);
    arguments.check("v", v, w.shape);
    with_real(w.dtype, [&](auto real) {
      using T = decltype(real);
      reference::sgd_step<T>(options, w.elements(), data_as<T>(w), data_as<T>(g), data_as<T>(v));
    });
    ++executed_;
  }

 private:
  // Elements per sample and channel of [N, K, ...].
  static std::int64_t positions(const Shape& y) { return y.without_batch().without_batch().elements(); }

  static void check_labels(const Arguments& arguments, const ConstView& labels, std::int64_t N, std::int64_t C) {
    arguments.check("labels", labels, {N}, DType::i32);
    const std::int32_t* label = data_as<std::int32_t>(labels);
    for (std::int64_t n = 0; n < N; ++n)
      if (label[n] < 0 || label[n] >= C)
        arguments.fail(fmt::format("labels[{}]: expected 0 to {}, got {}", n, C - 1, label[n]));
  }

  std::uint64_t executed_ = 0;
};

class ReferenceBackend final : public Backend {
 public:
  std::string name() const override { return "reference"; }
  std::shared_ptr<Memory> memory() override { return host_memory(); }
  EngineChoice choose(std::string_view op, Direction, std::string_view forced) override {
    require(forced.empty() || forced == "reference", [&] {
      return fmt::format("engine '{}' for {}: the reference device has one engine, 'reference'", forced, op);
    });
    return {&ops_, "reference"};
  }
  std::uint64_t executed() const override { return ops_.executed(); }

 private:
  ReferenceOps ops_;
};

}  // namespace

std::unique_ptr<Backend> make_reference_backend() { return std::make_unique<ReferenceBackend>(); }

DeviceInfo reference_device_info() {
  const int threads = thread_count();
  return {.name = "reference",
          .available = true,
          .detail = fmt::format("textbook loops on the host, {} thread{}", threads, threads == 1 ? "" : "s"),
          .engines = {{.name = "reference", .available = true, .detail = "f32 and f64, sums in f64"}}};
}

}  // namespace fovea
