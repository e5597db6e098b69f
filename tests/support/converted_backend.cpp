// SPDX-License-Identifier: Apache-2.0
#include "tests/support/converted_backend.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>

#include "core/support/error.h"
#include "cpu_reference/reference_ops.h"

namespace fovea::test {
namespace {

constexpr std::size_t guard_bytes = 256;
constexpr unsigned char input_byte = 0xFF, guard_byte = 0xA5;  // NaN around inputs and in fresh outputs

// The images of one call as the inner engine gets them.
class Call {
 public:
  Call(std::string operation, Layout outside, Layout inside)
      : operation_(std::move(operation)), outside_(outside), inside_(inside) {}

  ConstView read(const ConstView& image) { return read(image, outside_, inside_); }
  ConstView read(const ConstView& image, Layout outside, Layout inside) {
    if (!is_image(image)) return image;
    check_layout(image, outside);
    Copy& copy = add(image, inside, input_byte);
    copy_layout(image.shape, size_of(image.dtype), image.data, image.layout, copy.view.data, inside);
    return copy.view;
  }
  View write(const View& image) { return write(image, outside_, inside_); }
  View write(const View& image, Layout outside, Layout inside) {
    if (!is_image(image)) return image;
    check_layout(image, outside);
    Copy& copy = add(image, inside, guard_byte);
    copy.result = image;
    return copy.view;
  }
  // Read and written.
  View update(const View& image) {
    if (!is_image(image)) return image;
    const View inner = write(image);
    copy_layout(image.shape, size_of(image.dtype), image.data, image.layout, inner.data, inside_);
    return inner;
  }

  // Checks what the engine wrote and brings it to the caller.
  void finish() {
    for (const Copy& copy : copies_) {
      require_guards(copy);
      if (!copy.result) continue;
      const View &from = copy.view, &to = copy.result;
      if (from.dtype == DType::f32) require_zero_padding(from);
      copy_layout(from.shape, size_of(from.dtype), from.data, from.layout, to.data, to.layout);
    }
  }

 private:
  struct Copy {
    Tensor bytes;
    View view, result;
    unsigned char guard = 0;
  };

  static bool is_image(const ConstView& view) { return view && view.shape.rank() == 4; }

  void check_layout(const ConstView& image, Layout expected) const {
    if (image.layout != expected)
      throw Error(operation_ + ": images in " + std::string(name_of(expected)) + " and in " +
                  std::string(name_of(image.layout)));
  }

  Copy& add(const ConstView& image, Layout layout, unsigned char guard) {
    View inner{nullptr, image.shape, image.dtype, layout, image.memory};
    const std::size_t bytes = inner.bytes();
    Copy& copy = copies_.emplace_back();
    copy.bytes = Tensor(Shape{static_cast<std::int64_t>(bytes + 2 * guard_bytes)}, DType::u8);
    auto* const first = static_cast<unsigned char*>(copy.bytes.view().data);
    std::memset(first, guard, bytes + 2 * guard_bytes);
    std::memset(first + guard_bytes, 0xFF, bytes);
    inner.data = first + guard_bytes;
    copy.view = inner;
    copy.guard = guard;
    return copy;
  }

  void require_guards(const Copy& copy) const {
    const auto all = copy.bytes.span<std::uint8_t>();
    const auto intact = [&](auto guard) { return std::ranges::all_of(guard, [&](auto b) { return b == copy.guard; }); };
    if (!intact(all.first(guard_bytes)) || !intact(all.last(guard_bytes)))
      throw Error(operation_ + ": wrote outside of an image in " + std::string(name_of(copy.view.layout)));
  }

  void require_zero_padding(const View& image) const {
    const std::int64_t block = channel_block(image.layout), C = image.shape[1], last = C % block;
    if (last == 0) return;
    const std::int64_t plane = image.shape[2] * image.shape[3], blocks = (C + block - 1) / block;
    const auto* const values = data_as<float>(image);
    for (std::int64_t n = 0; n < image.shape[0]; ++n)
      for (std::int64_t position = 0; position < plane; ++position)
        for (std::int64_t lane = last; lane < block; ++lane)
          if (values[((n * blocks + blocks - 1) * plane + position) * block + lane] != 0)
            throw Error(operation_ + ": padding of " + image.shape.to_string() + " in " +
                        std::string(name_of(image.layout)) + " is not 0");
  }

  std::string operation_;
  Layout outside_, inside_;
  std::deque<Copy> copies_;  // that views point into
};

class ConvertedOps final : public ReferenceOps {
 public:
  ConvertedOps(Ops& inner, ConvertedOptions options) : inner_(inner), options_(std::move(options)) {}

  static bool provides(std::string_view op) {
    static constexpr std::array<std::string_view, 9> own{
        "conv2d", "bias", "max_pool2d", "avg_pool2d", "relu", "batch_norm", "add", "adaptive_pool2d", "convert_layout"};
    return std::ranges::find(own, op) != own.end();
  }

  Layout layout_for(std::string_view, DType, Layout given) const override { return options_.wanted(given); }
  bool fuses_relu(std::string_view op, DType) const override {
    return options_.fuses_relu && (op == "conv2d" || op == "add" || op == "batch_norm");
  }
  bool fuses_relu_backward(std::string_view op) const override {
    return options_.fuses_relu_backward && (op == "conv2d" || op == "max_pool2d");
  }
  bool works_in_place(std::string_view op) const override {
    return options_.works_in_place && (op == "add" || op == "relu");
  }
  void convert_layout(ConstView x, View y) override {
    copy_layout(x.shape, size_of(x.dtype), x.data, x.layout, y.data, y.layout);
    ++executed_;
  }

  Conv2dLayouts conv2d_layouts(const Conv2dOptions&, const Shape&, DType, Layout given, bool) override {
    if (options_.wanted_conv2d) return *options_.wanted_conv2d;
    const Layout x = options_.wanted(given), y = options_.wanted(given);
    return {x, y, options_.wanted(given)};
  }
  std::size_t conv2d_workspace(Conv2dPass pass, const Conv2dOptions& options, const Shape& x) override {
    return conv2d_workspace_in(pass, options, x, DType::f32, {});
  }
  // More than the engine asks for, so that it is seen where a workspace overlaps what it must not; and a different
  // number for each pair of layouts, so that it is seen where another pair's is planned.
  std::size_t conv2d_workspace_in(Conv2dPass pass, const Conv2dOptions& options, const Shape& x, DType dtype,
                                  Conv2dLayouts layouts) override {
    const Layout image = pass == Conv2dPass::backward_data ? layouts.dx : layouts.x;
    return inner_.conv2d_workspace_in(pass, options, x, dtype, inside_conv2d(options, x, dtype)) +
           extra_bytes(image, layouts.y);
  }
  void conv2d_forward(const Conv2dOptions& options, ConstView x, ConstView w, ConstView bias, View y,
                      Workspace workspace) override {
    const Conv2dLayouts inside = inside_conv2d(options, x.shape, x.dtype);
    Call call("conv2d_forward", x.layout, inside.x);
    inner_.conv2d_forward(options, call.read(x), w, bias, call.write(y, y.layout, inside.y),
                          without_extra(workspace, x.layout, y.layout));
    finish(call);
  }
  void conv2d_forward_relu(const Conv2dOptions& options, ConstView x, ConstView w, ConstView bias, View y,
                           Workspace workspace) override {
    conv2d_forward(options, x, w, bias, y, workspace);
    relu_forward(y, y);
  }
  void conv2d_backward_data(const Conv2dOptions& options, ConstView dy, ConstView w, View dx,
                            Workspace workspace) override {
    const Conv2dLayouts inside = inside_conv2d(options, dx.shape, dx.dtype);
    Call call("conv2d_backward_data", dx.layout, inside.dx);
    inner_.conv2d_backward_data(options, call.read(dy, dy.layout, inside.y), w, call.write(dx),
                                without_extra(workspace, dx.layout, dy.layout));
    finish(call);
  }
  // x must lie like dx: relu_backward looks.
  void conv2d_backward_data_relu(const Conv2dOptions& options, ConstView x, ConstView dy, ConstView w, View dx,
                                 Workspace workspace) override {
    conv2d_backward_data(options, dy, w, dx, workspace);
    relu_backward(x, dx, dx);
  }
  void conv2d_backward_filter(const Conv2dOptions& options, ConstView x, ConstView dy, View dw,
                              Workspace workspace) override {
    const Conv2dLayouts inside = inside_conv2d(options, x.shape, x.dtype);
    Call call("conv2d_backward_filter", x.layout, inside.x);
    inner_.conv2d_backward_filter(options, call.read(x), call.read(dy, dy.layout, inside.y), dw,
                                  without_extra(workspace, x.layout, dy.layout));
    finish(call);
  }

  void bias_add(ConstView bias, View y) override {
    Call call("bias_add", y.layout, options_.inside);
    inner_.bias_add(bias, call.update(y));
    finish(call);
  }
  void bias_gradient(ConstView dy, View dbias, Workspace workspace) override {
    Call call("bias_gradient", dy.layout, options_.inside);
    inner_.bias_gradient(call.read(dy), dbias, workspace);
    finish(call);
  }

  void max_pool2d_forward(const MaxPool2dOptions& options, ConstView x, View y, View index) override {
    Call call("max_pool2d_forward", x.layout, options_.inside);
    inner_.max_pool2d_forward(options, call.read(x), call.write(y), call.write(index));
    finish(call);
  }
  void max_pool2d_backward(const MaxPool2dOptions& options, ConstView dy, ConstView index, View dx) override {
    Call call("max_pool2d_backward", dy.layout, options_.inside);
    inner_.max_pool2d_backward(options, call.read(dy), call.read(index), call.write(dx));
    finish(call);
  }
  void max_pool2d_backward_relu(const MaxPool2dOptions& options, ConstView x, ConstView dy, ConstView index,
                                View dx) override {
    max_pool2d_backward(options, dy, index, dx);
    relu_backward(x, dx, dx);
  }
  void adaptive_max_pool2d_forward(const AdaptivePool2dOptions& options, ConstView x, View y, View index) override {
    Call call("adaptive_max_pool2d_forward", x.layout, options_.inside);
    inner_.adaptive_max_pool2d_forward(options, call.read(x), call.write(y), call.write(index));
    finish(call);
  }
  void adaptive_max_pool2d_backward(const AdaptivePool2dOptions& options, ConstView dy, ConstView index,
                                    View dx) override {
    Call call("adaptive_max_pool2d_backward", dy.layout, options_.inside);
    inner_.adaptive_max_pool2d_backward(options, call.read(dy), call.read(index), call.write(dx));
    finish(call);
  }

  void avg_pool2d_forward(const AvgPool2dOptions& options, ConstView x, View y) override {
    Call call("avg_pool2d_forward", x.layout, options_.inside);
    inner_.avg_pool2d_forward(options, call.read(x), call.write(y));
    finish(call);
  }
  void avg_pool2d_backward(const AvgPool2dOptions& options, ConstView dy, View dx) override {
    Call call("avg_pool2d_backward", dy.layout, options_.inside);
    inner_.avg_pool2d_backward(options, call.read(dy), call.write(dx));
    finish(call);
  }
  void adaptive_avg_pool2d_forward(const AdaptivePool2dOptions& options, ConstView x, View y) override {
    Call call("adaptive_avg_pool2d_forward", x.layout, options_.inside);
    inner_.adaptive_avg_pool2d_forward(options, call.read(x), call.write(y));
    finish(call);
  }
  void adaptive_avg_pool2d_backward(const AdaptivePool2dOptions& options, ConstView dy, View dx) override {
    Call call("adaptive_avg_pool2d_backward", dy.layout, options_.inside);
    inner_.adaptive_avg_pool2d_backward(options, call.read(dy), call.write(dx));
    finish(call);
  }

  void relu_forward(ConstView x, View y) override {
    Call call("relu_forward", x.layout, options_.inside);
    inner_.relu_forward(call.read(x), call.write(y));
    finish(call);
  }
  void relu_backward(ConstView y, ConstView dy, View dx) override {
    Call call("relu_backward", y.layout, options_.inside);
    inner_.relu_backward(call.read(y), call.read(dy), call.write(dx));
    finish(call);
  }

  void add_forward(ConstView a, ConstView b, View y) override {
    Call call("add_forward", a.layout, options_.inside);
    inner_.add_forward(call.read(a), call.read(b), call.write(y));
    finish(call);
  }
  void add_forward_relu(ConstView a, ConstView b, View y) override {
    add_forward(a, b, y);
    relu_forward(y, y);
  }
  void add_backward(ConstView dy, View dx) override {
    Call call("add_backward", dy.layout, options_.inside);
    inner_.add_backward(call.read(dy), call.write(dx));
    finish(call);
  }

  void batch_norm_forward(const BatchNormOptions& options, ConstView x, ConstView weight, ConstView bias,
                          View running_mean, View running_variance, View y, View mean, View inverse_deviation,
                          Workspace workspace) override {
    Call call("batch_norm_forward", x.layout, options_.inside);
    inner_.batch_norm_forward(options, call.read(x), weight, bias, running_mean, running_variance, call.write(y), mean,
                              inverse_deviation, workspace);
    finish(call);
  }
  void batch_norm_forward_relu(const BatchNormOptions& options, ConstView x, ConstView weight, ConstView bias,
                               View running_mean, View running_variance, View y, View mean, View inverse_deviation,
                               Workspace workspace) override {
    batch_norm_forward(options, x, weight, bias, running_mean, running_variance, y, mean, inverse_deviation, workspace);
    relu_forward(y, y);
  }
  void batch_norm_backward(const BatchNormOptions& options, ConstView x, ConstView weight, ConstView mean,
                           ConstView inverse_deviation, ConstView dy, View dx, View dweight, View dbias,
                           Workspace workspace) override {
    Call call("batch_norm_backward", x.layout, options_.inside);
    inner_.batch_norm_backward(options, call.read(x), weight, mean, inverse_deviation, call.read(dy), call.write(dx),
                               dweight, dbias, workspace);
    finish(call);
  }
  void batch_norm_inference(const BatchNormOptions& options, ConstView x, ConstView weight, ConstView bias,
                            ConstView running_mean, ConstView running_variance, View y) override {
    Call call("batch_norm_inference", x.layout, options_.inside);
    inner_.batch_norm_inference(options, call.read(x), weight, bias, running_mean, running_variance, call.write(y));
    finish(call);
  }
  void batch_norm_inference_relu(const BatchNormOptions& options, ConstView x, ConstView weight, ConstView bias,
                                 ConstView running_mean, ConstView running_variance, View y) override {
    batch_norm_inference(options, x, weight, bias, running_mean, running_variance, y);
    relu_forward(y, y);
  }
  void batch_norm_inference_backward(const BatchNormOptions& options, ConstView x, ConstView weight,
                                     ConstView running_mean, ConstView running_variance, ConstView dy, View dx,
                                     View dweight, View dbias, Workspace workspace) override {
    Call call("batch_norm_inference_backward", x.layout, options_.inside);
    inner_.batch_norm_inference_backward(options, call.read(x), weight, running_mean, running_variance, call.read(dy),
                                         call.write(dx), dweight, dbias, workspace);
    finish(call);
  }

 private:
  Conv2dLayouts inside_conv2d(const Conv2dOptions& options, const Shape& x, DType dtype) {
    return options_.inside_conv2d ? *options_.inside_conv2d
                                  : inner_.conv2d_layouts(options, x, dtype, options_.inside, true);
  }
  static std::size_t extra_bytes(Layout x, Layout y) {
    return 64 * (1 + static_cast<std::size_t>(x) + 4 * static_cast<std::size_t>(y));
  }
  static Workspace without_extra(Workspace workspace, Layout x, Layout y) {
    const std::size_t extra = extra_bytes(x, y);
    if (workspace.bytes < extra) throw Error("conv2d: the workspace was planned for other layouts");
    std::memset(workspace.data, 0xFF, workspace.bytes);
    return {workspace.data, workspace.bytes - extra};
  }
  void finish(Call& call) {
    call.finish();
    ++executed_;
  }

  Ops& inner_;
  ConvertedOptions options_;
};

class ConvertedBackend final : public Backend {
 public:
  ConvertedBackend(Backend& inner, ConvertedOptions options)
      : inner_(inner), ops_(*inner.choose("conv2d", Direction::forward, {}).ops, std::move(options)) {}
  std::string name() const override { return inner_.name(); }
  std::shared_ptr<Memory> memory() override { return inner_.memory(); }
  EngineChoice choose(std::string_view op, Direction direction, std::string_view forced) override {
    if (ConvertedOps::provides(op)) return {&ops_, "converted"};
    return inner_.choose(op, direction, forced);
  }
  std::uint64_t executed() const override { return inner_.executed() + ops_.executed(); }

 private:
  Backend& inner_;
  ConvertedOps ops_;
};

}  // namespace

std::unique_ptr<Backend> make_converted_backend(Backend& inner, ConvertedOptions options) {
  return std::make_unique<ConvertedBackend>(inner, std::move(options));
}

}  // namespace fovea::test
