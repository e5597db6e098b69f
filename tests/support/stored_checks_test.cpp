// SPDX-License-Identifier: Apache-2.0
//
// The checks of 16-bit tensors, shown to fail on the faults that they exist for.
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <span>

#include "core/compare/measure.h"
#include "core/layers/linear.h"
#include "tests/compare/faulty_layer.h"
#include "tests/support/devices.h"
#include "tests/support/fill.h"
#include "tests/support/layer_checks.h"

namespace fovea::test {
namespace {

constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();
constexpr float infinity = std::numeric_limits<float>::infinity();

// The reference under test. It is the truth too, but the truth runs in float64: the faults below act on 16 bits only.
Backend& device() { return truth_backend(); }

// x + x, which is exact, and then what `fault` does to the patterns of x and y.
using NarrowFault = void (*)(std::uint16_t* x, std::uint16_t* y);
OpCall doubled(DType dtype, NarrowFault fault, std::int64_t elements = 64) {
  const Tensor x = reals({elements}, stream_for("support", 4), 0.5f, 1).converted(dtype);
  return {.op = "add",
          .inputs = {x},
          .outputs = {{x.shape(), dtype}},
          .run = [fault](Ops& ops, auto in, auto out, Workspace) {
            ops.add_forward(in[0], in[0], out[0]);
            if (fault && out[0].dtype != DType::f64)
              fault(static_cast<std::uint16_t*>(const_cast<void*>(in[0].data)),
                    static_cast<std::uint16_t*>(out[0].data));
          }};
}

std::string fault_of(const OpCall& call) { return execute(device(), call).fault; }
std::vector<Tensor> exact(const std::vector<Tensor>& truth) { return std::vector<Tensor>(truth.size()); }

TEST(Execute, FindsFaultsOf16BitTensors) {
  for (const DType dtype : {DType::bf16, DType::f16}) {
    EXPECT_EQ(fault_of(doubled(dtype, nullptr)), "");
    EXPECT_TRUE(check_exact(device(), doubled(dtype, nullptr)));
    EXPECT_TRUE(check_bound(device(), doubled(dtype, nullptr), exact));
    const std::string unwritten = fault_of(doubled(dtype, [](auto*, auto* y) { y[63] = 0xFFFF; }));
    EXPECT_NE(unwritten.find("element 63 was not written"), std::string::npos) << unwritten;
    const std::string changed = fault_of(doubled(dtype, [](auto* x, auto*) { x[5] = 0; }));
    EXPECT_NE(changed.find("input 0 was changed"), std::string::npos) << changed;
    EXPECT_FALSE(check_exact(device(), doubled(dtype, [](auto*, auto* y) { y[40] += 1; }))) << "the last bit";
    EXPECT_FALSE(check_bound(device(), doubled(dtype, [](auto*, auto* y) { y[40] += 1; }), exact));
    if (!guards_in_use()) continue;  // AddressSanitizer watches the edges itself
    const std::string behind = fault_of(doubled(dtype, [](auto*, auto* y) { y[64] = 1; }));
    EXPECT_NE(behind.find("outside of output 0"), std::string::npos) << behind;
    const std::string before = fault_of(doubled(dtype, [](auto*, auto* y) { y[-1] = 1; }));
    EXPECT_NE(before.find("outside of output 0"), std::string::npos) << before;
    EXPECT_FALSE(check_exact(device(), doubled(dtype, [](auto* x, auto* y) { y[63] = x[64]; }))) << "read outside";
  }
}

// Half the distance between neighbours is added to a tolerance; without one only the nearest number is right.
TEST(Measure, OfA16BitResultAllowsItsRounding) {
  const auto ratio_of = [](auto actual, double truth, double tolerance) {
    Tensor value({1}, DType::f64), allowed({1}, DType::f64);
    value.span<double>()[0] = truth;
    allowed.span<double>()[0] = tolerance;
    return measure(Tensor::from<decltype(actual)>({1}, std::span<const decltype(actual)>(&actual, 1)), {value, allowed})
        .worst_ratio;
  };
  EXPECT_EQ(ratio_of(bf16_t(1.0f), 1 + 0x1p-8, 0), 0) << "the tie goes to the even neighbour";
  EXPECT_EQ(ratio_of(bf16_t(1 + 0x1p-7f), 1 + 0x1p-8, 0), infinity);
  EXPECT_EQ(ratio_of(f16_t(3 + 0x1p-9f), 3 + 0x1p-10 + 0x1p-30, 0), 0);
  EXPECT_EQ(ratio_of(f16_t(3.0f), 3 + 0x1p-10 + 0x1p-30, 0), infinity) << "float would have called it a tie";
  // Between 1 and 2 bf16 has steps of 2^-7, f16 of 2^-10.
  EXPECT_EQ(ratio_of(bf16_t(1.5f), 1.5 + 0x1p-8, 0x1p-8), 0.5);
  EXPECT_EQ(ratio_of(f16_t(1.5f), 1.5 + 0x1p-11, 0x1p-11), 0.5);
  EXPECT_GT(ratio_of(bf16_t(1.5f), 1.5 + 0x1.2p-7, 0x1p-20), 1) << "cut off instead of rounded";
  EXPECT_GT(ratio_of(f16_t(1.5f), 1.5 + 0x1.2p-10, 0x1p-20), 1);
  // Steps double at 2, where the tolerance reaches; below the normal numbers they stay.
  EXPECT_EQ(ratio_of(bf16_t(2.0f), 2 - 0x1p-9, 0x1p-9), 0x1p-9 / (0x1p-9 + 0x1p-7));
  EXPECT_EQ(ratio_of(f16_t(0.0f), 0x1p-26, 0x1p-60), 0x1p-26 / (0x1p-25 + 0x1p-60));
  EXPECT_EQ(ratio_of(f16_t(infinity), 70000, 1), 0) << "beyond the type's range";
  EXPECT_EQ(ratio_of(bf16_t(infinity), 70000, 1), infinity);
  EXPECT_EQ(ratio_of(bf16_t(not_a_number), not_a_number, 1), 0);
}

LayerCase with_faults(LayerCase c, const FaultyLayer::ForwardFault& forward,
                      const FaultyLayer::BackwardFault& backward) {
  c.layer = std::make_shared<FaultyLayer>(c.layer, forward, backward);
  return c;
}

// A 16-bit result that is off by more than its rounding, and a gradient of the weights that was stored in 16 bits.
TEST(LayerIn16Bits, FaultsAreFound) {
  for (const DType dtype : {DType::bf16, DType::f16}) {
    LayerCase right = LayerCase{.name = "Linear",
                                .layer = std::make_shared<Linear>(LinearOptions{.out_features = 4}),
                                .inputs = {{3, 20}},
                                .exact_forward = true,
                                .exact_backward = true};
    right.dtype = dtype;
    EXPECT_TRUE(check_forward(device(), right)) << name_of(dtype);
    EXPECT_TRUE(check_backward(device(), right)) << name_of(dtype);
    const auto move = [](const View& view) {
      if (!is_16_bit(view.dtype)) return;  // the truth
      auto& pattern = static_cast<std::uint16_t*>(view.data)[2];
      pattern = static_cast<std::uint16_t>(pattern ^ 2u);
    };
    EXPECT_FALSE(check_forward(device(), with_faults(
                                             right, [&](const ForwardArgs& args) { move(args.output); }, nullptr)));
    EXPECT_FALSE(check_backward(
        device(), with_faults(right, nullptr, [&](const BackwardArgs& args) { move(args.input_gradients[0]); })));
    EXPECT_FALSE(check_backward(device(), with_faults(right, nullptr, [&](const BackwardArgs& args) {
                                  const View& dw = args.parameter_gradients[0];
                                  if (dw.dtype != DType::f32) return;
                                  auto* values = static_cast<float*>(dw.data);
                                  for (std::int64_t i = 0; i < dw.elements(); ++i)
                                    values[i] = dtype == DType::bf16 ? static_cast<float>(bf16_t(values[i]))
                                                                     : static_cast<float>(f16_t(values[i]));
                                })));
  }
}

}  // namespace
}  // namespace fovea::test
