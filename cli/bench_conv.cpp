// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include "cli/bench_ladder.h"
#include "cli/commands.h"
#include "cli/conv_shapes.h"
#include "cli/random_batch.h"

namespace fovea::cli {
namespace {

struct BenchConvFlags {
  std::string shapes;
  std::int64_t batch = 128;
  LadderOptions ladder;
};

struct Pass {
  Conv2dPass pass;
  const char* direction;
};
constexpr Pass passes[] = {{Conv2dPass::forward, "forward"},
                           {Conv2dPass::backward_data, "backward_data"},
                           {Conv2dPass::backward_filter, "backward_filter"}};

// The tensors of one call, on the device.
struct Operands {
  Tensor first, second, result, workspace;

  Workspace space() { return {workspace.bytes() > 0 ? workspace.view().data : nullptr, workspace.bytes()}; }
};

std::function<void()> conv_call(Backend& backend, const ConvShape& shape, Conv2dPass pass, DType dtype,
                                const Contestant& who) {
  Ops& ops = *who.engine.ops;
  const std::shared_ptr<Memory> memory = backend.memory();
  const Conv2dOptions options = shape.options;
  const Shape w_shape = conv2d_filter_shape(options, shape.x), y_shape = conv2d_output_shape(options, shape.x);
  const Conv2dLayouts lie = who.layout ? Conv2dLayouts{*who.layout, *who.layout, *who.layout}
                                       : ops.conv2d_layouts(options, shape.x, dtype, Layout::nchw, true);
  const auto random = [&](const Shape& s, Layout layout) { return repeated_random_values(s, dtype, layout, memory); };

  auto t = std::make_shared<Operands>();
  const auto bytes = static_cast<std::int64_t>(ops.conv2d_workspace_in(pass, options, shape.x, dtype, lie));
  t->workspace = Tensor(Shape{bytes}, DType::u8, memory);
  switch (pass) {
    case Conv2dPass::forward:
      t->first = random(shape.x, lie.x), t->second = random(w_shape, Layout::nchw);
      t->result = Tensor(y_shape, dtype, memory, lie.y);
      return [t, options, &ops] {
        ops.conv2d_forward(options, t->first.view(), t->second.view(), {}, t->result.view(), t->space());
      };
    case Conv2dPass::backward_data:
      t->first = random(y_shape, lie.y), t->second = random(w_shape, Layout::nchw);
      t->result = Tensor(shape.x, dtype, memory, lie.dx);
      return [t, options, &ops] {
        ops.conv2d_backward_data(options, t->first.view(), t->second.view(), t->result.view(), t->space());
      };
    case Conv2dPass::backward_filter:
      break;
  }
  t->first = random(shape.x, lie.x), t->second = random(y_shape, lie.y);
  t->result = Tensor(w_shape, DType::f32, memory);
  return [t, options, &ops] {
    ops.conv2d_backward_filter(options, t->first.view(), t->second.view(), t->result.view(), t->space());
  };
}

Json description(const ConvShape& shape) {
  const Conv2dGeometry g = shape.geometry();
  const Padding2& pad = shape.options.padding;
  return {{"layers", shape.layers},
          {"N", g.N},
          {"C", g.C},
          {"H", g.H},
          {"W", g.W},
          {"K", g.K},
          {"R", g.R},
          {"S", g.S},
          {"P", g.P},
          {"Q", g.Q},
          {"stride", {g.stride_h, g.stride_w}},
          {"padding", {pad.top, pad.left, pad.bottom, pad.right}},
          {"dilation", {g.dilation_h, g.dilation_w}},
          {"groups", g.groups}};
}

std::string size_text(const Conv2dGeometry& g) {
  std::string text = fmt::format("{}x{}x{}, {} of {}x{}", g.C, g.H, g.W, g.K, g.R, g.S);
  if (g.stride_h != 1 || g.stride_w != 1) text += fmt::format(" /{}", g.stride_h);
  if (g.groups != 1) text += fmt::format(", {} groups", g.groups);
  return text;
}

LadderWork work_of(Backend& backend, const ConvShape& shape, const Pass& pass, DType dtype) {
  const Conv2dGeometry g = shape.geometry();
  const auto wide = static_cast<std::int64_t>(sizeof(float)), narrow = static_cast<std::int64_t>(size_of(dtype));
  const std::int64_t x = shape.x.elements(), y = g.N * g.K * g.P * g.Q, taps = g.channels_per_group() * g.R * g.S;
  LadderWork work{shape.layers[0], pass.direction, size_text(g), description(shape)};
  if (shape.layers.size() > 1) work.name += fmt::format(" (x{})", shape.layers.size());
  work.flops = 2 * y * taps;
  work.bytes = narrow * (x + y) + (pass.pass == Conv2dPass::backward_filter ? wide : narrow) * g.K * taps;
  work.prepare = [&backend, shape, pass, dtype](const Contestant& who) {
    return conv_call(backend, shape, pass.pass, dtype, who);
  };
  return work;
}

int run_bench_conv(const BenchConvFlags& o, Output& out) {
  const std::vector<ConvShape> shapes = load_conv_shapes(o.shapes, o.batch);
  const std::unique_ptr<Backend> backend = open(o.ladder.device);
  const DType dtype = storage_of(precision_named(o.ladder.precision));
  std::vector<LadderWork> works;
  for (const ConvShape& shape : shapes) {
    for (const Pass& pass : passes) {
      if (o.ladder.direction != "all" && o.ladder.direction != pass.direction) continue;
      if (pass.pass == Conv2dPass::backward_data && !shape.data_gradient) continue;
      works.push_back(work_of(*backend, shape, pass, dtype));
    }
  }
  const Json head{{"bench", "conv"}, {"shapes", o.shapes}, {"batch", o.batch}, {"direction", o.ladder.direction}};
  return run_ladder(o.ladder, *backend, "conv2d", head, works, out);
}

}  // namespace

Run declare_bench_conv(Arguments& arguments) {
  auto o = std::make_shared<BenchConvFlags>();
  arguments.text(
      "--shapes", o->shapes, "NET|FILE",
      "Each convolution of a built-in net (alexnet, vgg16, resnet50, lenet5, ...) or a .toml net file, or of "
      "the lines of a .csv file",
      Presence::required);
  arguments.integer("--batch", o->batch, {1}, "Images");
  declare(arguments, o->ladder, {"forward", "backward_data", "backward_filter"});
  arguments.footer(
      "Each shape of the net once, without bias and ReLU, on random operands that lie as the kernels want them. "
      "Measured\n"
      "are the generations of the device's own kernels (docs/convolution.md) and its library, where it has one:\n"
      "cuDNN on cuda, oneDNN on cpu. 'own : library' is the speed of the fastest of our own over the library's. The\n"
      "gradient of the images themselves is left out, since no training computes it. The roofline is what the FLOP or\n"
      "the bytes take at the device's own ceilings, measured in the same run, or at those that are given.\n"
      "The first line of a .csv file names its columns: C,H,W,K,R,S and, as wanted, "
      "name,stride,padding,dilation,groups.\n\n"
      "Examples:\n"
      "  fovea bench conv --shapes alexnet --precision bf16 --device cuda\n"
      "  fovea bench conv --shapes lenet5 --batch 1 --device emu --direction forward --no-ceilings\n"
      "  fovea bench conv --shapes shapes.csv --device cpu --json --out ladder.json");
  return [o](Output& out) { return run_bench_conv(*o, out); };
}

}  // namespace fovea::cli
