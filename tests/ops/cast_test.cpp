// SPDX-License-Identifier: Apache-2.0
#include "core/ops/cast.h"

#include <cmath>
#include <limits>

#include "tests/ops/elementwise_cases.h"
#include "tests/support/op_test.h"

namespace fovea::test {
namespace {

constexpr DType narrow_types[] = {DType::bf16, DType::f16};

OpCall cast(const Tensor& x, DType to) {
  return {.op = "cast", .inputs = {x}, .outputs = {{x.shape(), to}}, .run = [](Ops& ops, auto in, auto out, Workspace) {
            ops.cast(in[0], out[0]);
          }};
}

class CastTest : public OpTest<ElementwiseCase> {
 protected:
  // All exponents, also beyond both ends of the 16-bit types, ties, and what is not a number.
  Tensor wide() const {
    Tensor x = reals(param().x, random(0));
    RandomStream which = random(1);
    const float special[] = {std::numeric_limits<float>::quiet_NaN(),
                             -std::numeric_limits<float>::infinity(),
                             0x1.FFp127f,
                             65520.0f,
                             -65519.0f,
                             0x1p-25f,
                             0x1.8p-24f,
                             -0.0f,
                             1 + 0x1p-8f,
                             1 + 0x3p-8f,
                             1 + 0x1p-11f,
                             1 + 0x3p-11f,
                             std::numeric_limits<float>::denorm_min()};
    for (float& v : x.span<float>()) {
      v = std::ldexp(v, static_cast<int>(which.below(280)) - 150);
      if (const std::uint32_t i = which.below(26); i < 13) v = special[i];
    }
    return x;
  }
};

TEST_P(CastTest, RoundsToNearestOnce) {
  const Tensor x = wide();
  for (const DType to : narrow_types) {
    EXPECT_TRUE(check_exact(device(), cast(x, to), ZeroTrust::off)) << name_of(to);
    EXPECT_TRUE(same_bits(execute(device(), cast(x, to)).outputs[0], x.converted(to))) << "NaN and -0 too";
  }
}

TEST_P(CastTest, AWiderTypeHoldsTheValue) {
  for (const DType from : narrow_types) {
    const Tensor x = wide().converted(from);
    EXPECT_TRUE(check_exact(device(), cast(x, DType::f32), ZeroTrust::off)) << name_of(from);
    EXPECT_TRUE(same_bits(execute(device(), cast(x, from)).outputs[0], x)) << "a copy";
  }
  const Tensor x = wide();
  EXPECT_TRUE(same_bits(execute(device(), cast(x, DType::f32)).outputs[0], x)) << "a copy";
}

INSTANTIATE_TEST_SUITE_P(All, CastTest, devices_and_cases(FOVEA_TEST_DEVICES, elementwise_cases()),
                         case_name<ElementwiseCase>);

class CastByHandTest : public OpTest<NamedCase> {};

// Every pattern of both types: to f32 and back.
TEST_P(CastByHandTest, EveryPatternSurvives) {
  for (const DType type : narrow_types) {
    Tensor x({65536}, type);
    auto* pattern = static_cast<std::uint16_t*>(x.view().data);
    for (std::uint32_t i = 0; i < 65536; ++i) pattern[i] = static_cast<std::uint16_t>(i);
    const Execution wide = execute(device(), cast(x, DType::f32), 0);
    const Execution back = execute(device(), cast(wide.outputs[0], type), 0);
    EXPECT_EQ(wide.fault + back.fault, "");
    const auto* result = static_cast<const std::uint16_t*>(back.outputs[0].view().data);
    for (std::uint32_t i = 0; i < 65536; ++i) {
      const bool is_nan = std::isnan(wide.outputs[0].span<float>()[i]);
      ASSERT_EQ(is_nan, (i & 0x7FFFu) > (type == DType::bf16 ? 0x7F80u : 0x7C00u)) << i;
      if (!is_nan) {
        ASSERT_EQ(result[i], i);
      }
    }
  }
}

TEST_P(CastByHandTest, RefusesWhatDoesNotFit) {
  const auto message = [&](const OpCall& call) -> std::string {
    try {
      execute(device(), call);
    } catch (const InputError& e) {
      return e.what();
    }
    return "accepted";
  };
  const Tensor x = Tensor::zeros({2, 3});
  const std::string type = message(cast(x, DType::i32));
  EXPECT_NE(type.find("cast: y: expected f32, bf16"), std::string::npos) << type;
  OpCall call = cast(x, DType::bf16);
  call.outputs[0].shape = {3, 2};
  const std::string shape = message(call);
  EXPECT_NE(shape.find("cast: y: expected bf16 [2, 3]"), std::string::npos) << shape;
}

INSTANTIATE_TEST_SUITE_P(All, CastByHandTest, devices_and_cases(FOVEA_TEST_DEVICES, by_hand), case_name<NamedCase>);

}  // namespace
}  // namespace fovea::test
