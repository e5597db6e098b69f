// SPDX-License-Identifier: Apache-2.0
//
// The generations of a device's kernels (Backend::generations): each one that can be forced computes what the reference
// does, bit by bit on small integers, and is another one than its neighbours.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/devices.h"
#include "tests/support/fill.h"

namespace fovea {
namespace {

using Names = std::vector<std::string>;

constexpr Precision precisions[] = {Precision::fp32, Precision::tf32, Precision::fp32x3, Precision::bf16,
                                    Precision::fp16};
const Conv2dOptions conv{.out_channels = 16, .kernel = 3, .padding = 1, .bias = false};
// Enough pixels that a filter gradient in tiles is cut into two parts.
const Shape x_shape{1, 8, 20, 26}, w_shape{16, 8, 3, 3}, y_shape{1, 16, 20, 26};
const LinearOptions dense{.out_features = 24, .bias = false};
// Samples for a weight gradient in two parts on tensor cores.
const Shape rows_shape{600, 16}, weight_shape{24, 16}, out_shape{600, 24};

Tensor drawn(const Shape& shape, std::uint64_t tensor) {
  return test::integers(shape, test::stream_for("generations", tensor), 3);
}

// The three products of an operation: of (x, w), (dy, w) and (x, dy); the last is f32.
struct Products {
  std::vector<Tensor> results;
  std::vector<std::uint64_t> launches;
};

// Calls call(pass, first, second, result, workspace) for each of them with tensors of the device, and brings them back.
template <class Bytes, class Call>
Products products_on(Backend& backend, DType dtype, Layout layout, const std::vector<Tensor>& tensors, Bytes bytes,
                     Call call) {
  const std::shared_ptr<Memory> memory = backend.memory();
  const auto on_device = [&](const Tensor& t, Layout lies) { return t.converted(dtype).in_layout(lies).to(memory); };
  const Tensor x = layout == Layout::nchw ? tensors[0].converted(dtype).to(memory) : on_device(tensors[0], layout);
  const Tensor w = tensors[1].converted(dtype).to(memory);
  const Tensor dy = layout == Layout::nchw ? tensors[2].converted(dtype).to(memory) : on_device(tensors[2], layout);
  Products products;
  for (int pass = 0; pass < 3; ++pass) {
    const Tensor& like = pass == 0 ? dy : pass == 1 ? x : w;
    Tensor result(like.shape(), pass == 2 ? DType::f32 : dtype, memory, pass == 2 ? Layout::nchw : layout);
    Tensor space(Shape{static_cast<std::int64_t>(bytes(pass))}, DType::u8, memory);
    const std::uint64_t before = backend.executed();
    call(pass, (pass == 1 ? dy : x).view(), (pass == 2 ? dy : w).view(), result.view(),
         Workspace{space.bytes() > 0 ? space.view().data : nullptr, space.bytes()});
    products.launches.push_back(backend.executed() - before);
    const Tensor host = result.to_host();
    products.results.push_back(host.layout() == Layout::nchw ? host : host.in_layout(Layout::nchw));
  }
  return products;
}

Products convolutions(Backend& backend, DType dtype, Ops& ops, Layout layout) {
  constexpr Conv2dPass passes[] = {Conv2dPass::forward, Conv2dPass::backward_data, Conv2dPass::backward_filter};
  return products_on(
      backend, dtype, layout, {drawn(x_shape, 0), drawn(w_shape, 1), drawn(y_shape, 2)},
      [&](int pass) {
        return ops.conv2d_workspace_in(passes[pass], conv, x_shape, dtype, {layout, layout, layout});
      },
      [&](int pass, ConstView first, ConstView second, View result, Workspace space) {
        if (pass == 0) ops.conv2d_forward(conv, first, second, {}, result, space);
        if (pass == 1) ops.conv2d_backward_data(conv, first, second, result, space);
        if (pass == 2) ops.conv2d_backward_filter(conv, first, second, result, space);
      });
}

Products linear_layers(Backend& backend, DType dtype, Ops& ops, Layout layout) {
  constexpr LinearPass passes[] = {LinearPass::forward, LinearPass::backward_data, LinearPass::backward_weight};
  return products_on(
      backend, dtype, layout, {drawn(rows_shape, 0), drawn(weight_shape, 1), drawn(out_shape, 2)},
      [&](int pass) { return ops.linear_workspace_in(passes[pass], dense, rows_shape, dtype); },
      [&](int pass, ConstView first, ConstView second, View result, Workspace space) {
        if (pass == 0) ops.linear_forward(dense, first, second, {}, result, space);
        if (pass == 1) ops.linear_backward_data(dense, first, second, result, space);
        if (pass == 2) ops.linear_backward_weight(dense, first, second, result, space);
      });
}

// The forms with a ReLU: forward with one at the end, the data gradient behind the backward of the one that left x.
class WithRelu {
 public:
  explicit WithRelu(Ops& ops) : ops_(ops) {}

  Products convolutions(Backend& backend, DType dtype, Layout layout) {
    constexpr Conv2dPass passes[] = {Conv2dPass::forward, Conv2dPass::backward_data, Conv2dPass::backward_filter};
    const Tensor gate = placed(backend, x_shape, dtype, layout);
    return products_on(
        backend, dtype, layout, {drawn(x_shape, 0), drawn(w_shape, 1), drawn(y_shape, 2)},
        [&](int pass) {
          return ops_.conv2d_workspace_in(passes[pass], conv, x_shape, dtype, {layout, layout, layout});
        },
        [&](int pass, ConstView first, ConstView second, View result, Workspace space) {
          if (pass == 0) ops_.conv2d_forward_relu(conv, first, second, {}, result, space);
          if (pass == 1) ops_.conv2d_backward_data_relu(conv, gate.view(), first, second, result, space);
          if (pass == 2) ops_.conv2d_backward_filter(conv, first, second, result, space);
        });
  }
  Products linear_layers(Backend& backend, DType dtype) {
    constexpr LinearPass passes[] = {LinearPass::forward, LinearPass::backward_data, LinearPass::backward_weight};
    const Tensor gate = placed(backend, rows_shape, dtype, Layout::nchw);
    return products_on(
        backend, dtype, Layout::nchw, {drawn(rows_shape, 0), drawn(weight_shape, 1), drawn(out_shape, 2)},
        [&](int pass) { return ops_.linear_workspace_in(passes[pass], dense, rows_shape, dtype); },
        [&](int pass, ConstView first, ConstView second, View result, Workspace space) {
          if (pass == 0) ops_.linear_forward_relu(dense, first, second, {}, result, space);
          if (pass == 1) ops_.linear_backward_data_relu(dense, gate.view(), first, second, result, space);
          if (pass == 2) ops_.linear_backward_weight(dense, first, second, result, space);
        });
  }

  static Tensor gate_values(const Shape& shape) { return drawn(shape, 3); }

 private:
  static Tensor placed(Backend& backend, const Shape& shape, DType dtype, Layout layout) {
    const Tensor plain = gate_values(shape).converted(dtype);
    return (layout == Layout::nchw ? plain : plain.in_layout(layout)).to(backend.memory());
  }
  Ops& ops_;
};

Products products_of(Backend& backend, const std::string& op, DType dtype, Ops& ops, Layout layout) {
  return op == "conv2d" ? convolutions(backend, dtype, ops, layout) : linear_layers(backend, dtype, ops, layout);
}

Names names_of(const std::vector<Generation>& generations) {
  Names names;
  for (const Generation& g : generations) names.push_back(g.name);
  return names;
}

TEST(Generations, OfOurKernels) {
  std::string reason;
  Backend& emu = *test::open_test_device({"Emu", "emu"}, reason);
  EXPECT_EQ(names_of(emu.generations("conv2d", Precision::fp32)), (Names{"naive", "tiled"}));
  EXPECT_EQ(names_of(emu.generations("conv2d", Precision::tf32)), (Names{"mma"}));
  EXPECT_EQ(names_of(emu.generations("conv2d", Precision::fp32x3)), (Names{"mma"}));
  EXPECT_EQ(emu.generations("conv2d", Precision::fp32x3).front().engine.engine, "native-fp32x3");
  EXPECT_EQ(names_of(emu.generations("conv2d", Precision::bf16)), (Names{"naive", "tiled", "mma"}));
  EXPECT_EQ(names_of(emu.generations("conv2d", Precision::fp16)), (Names{"naive", "tiled", "mma"}));
  EXPECT_EQ(names_of(emu.generations("linear", Precision::fp32)), (Names{"tiled"}));
  EXPECT_EQ(names_of(emu.generations("linear", Precision::tf32)), (Names{"mma"}));
  EXPECT_EQ(names_of(emu.generations("linear", Precision::fp32x3)), (Names{"mma"}));
  EXPECT_EQ(names_of(emu.generations("linear", Precision::bf16)), (Names{"tiled", "mma"}));
  EXPECT_TRUE(emu.generations("relu", Precision::fp32).empty());
}

TEST(Generations, ComputeWhatTheReferenceDoes) {
  const auto truth_backend = [] {
    std::string reason;
    return test::open_test_device({"Reference", "reference"}, reason);
  }();
  Ops& truth_ops = *truth_backend->choose("conv2d", Direction::forward, {}).ops;
  for (const char* spec : {"reference", "cpu", "emu", "cuda"}) {
    std::string reason;
    Backend* backend = test::open_test_device({spec, spec}, reason);
    if (backend == nullptr) continue;
    for (const std::string op : {"conv2d", "linear"}) {
      const Products truth = products_of(*truth_backend, op, DType::f32, truth_ops, Layout::nchw);
      for (const Precision precision : precisions) {
        const DType dtype = storage_of(precision);
        for (const Generation& g : backend->generations(op, precision)) {
          SCOPED_TRACE(std::string(spec) + " " + op + " " + std::string(name_of(precision)) + " " + g.name);
          const Products products = products_of(*backend, op, dtype, *g.engine.ops, g.layout);
          for (std::size_t pass = 0; pass < 3; ++pass) {
            // Sums of integers are exact in float32 and rounded once.
            const Tensor rounded = truth.results[pass].converted(pass == 2 ? DType::f32 : dtype).converted(DType::f32);
            const Tensor wide = products.results[pass].converted(DType::f32);
            EXPECT_TRUE(std::ranges::equal(wide.span<float>(), rounded.span<float>())) << "pass " << pass;
            EXPECT_GE(products.launches[pass], 1u);
          }
        }
      }
    }
  }
}

TEST(Generations, HaveTheirOwnFormsWithRelu) {
  std::string reason;
  Backend& emu = *test::open_test_device({"Emu", "emu"}, reason);
  for (const std::string op : {"conv2d", "linear"}) {
    for (const Precision precision : precisions) {
      const DType dtype = storage_of(precision);
      for (const Generation& g : emu.generations(op, precision)) {
        SCOPED_TRACE(op + " " + std::string(name_of(precision)) + " " + g.name);
        const Products plain = products_of(emu, op, dtype, *g.engine.ops, g.layout);
        WithRelu fused(*g.engine.ops);
        const Products products =
            op == "conv2d" ? fused.convolutions(emu, dtype, g.layout) : fused.linear_layers(emu, dtype);
        EXPECT_EQ(products.launches, plain.launches);
        const Tensor gate = WithRelu::gate_values(op == "conv2d" ? x_shape : rows_shape);
        for (std::size_t pass = 0; pass < 2; ++pass) {
          Tensor wanted = plain.results[pass].converted(DType::f32);
          const std::span<float> values = wanted.span<float>();
          for (std::size_t i = 0; i < values.size(); ++i)
            if (pass == 0 ? values[i] < 0 : gate.span<float>()[i] <= 0) values[i] = 0;
          const Tensor actual = products.results[pass].converted(DType::f32);
          EXPECT_TRUE(std::ranges::equal(actual.span<float>(), values)) << "pass " << pass;
        }
      }
    }
  }
}

// By the launches of forward, data and filter gradient: tiles of filter gradients are added up by a second kernel, tensor
// cores have their filters put in order by one before.
TEST(Generations, AreForced) {
  std::string reason;
  Backend& emu = *test::open_test_device({"Emu", "emu"}, reason);
  const auto launches = [&](const std::string& op, const std::string& name) {
    for (const Generation& g : emu.generations(op, Precision::bf16))
      if (g.name == name) return products_of(emu, op, DType::bf16, *g.engine.ops, g.layout).launches;
    return std::vector<std::uint64_t>{};
  };
  using Launches = std::vector<std::uint64_t>;
  EXPECT_EQ(launches("conv2d", "naive"), (Launches{1, 1, 1}));
  EXPECT_EQ(launches("conv2d", "tiled"), (Launches{1, 1, 2}));
  EXPECT_EQ(launches("conv2d", "mma"), (Launches{2, 2, 2}));
  EXPECT_EQ(launches("linear", "tiled"), (Launches{1, 1, 1}));
  EXPECT_EQ(launches("linear", "mma"), (Launches{1, 1, 2}));
}

}  // namespace
}  // namespace fovea
