// SPDX-License-Identifier: Apache-2.0
//
// Images from NCHW to NHWC and back (core/ops/layout.h), against copy_layout.
#include <cstring>

#include "tests/ops/convert_layout_cases.h"
#include "tests/support/op_test.h"

namespace fovea::test {
namespace {

// The bytes of a tensor as they lie, without axes: execute() leaves those alone.
Tensor flat(const Tensor& t) {
  Tensor result({t.elements()}, t.dtype());
  std::memcpy(result.view().data, t.view().data, result.bytes());
  return result;
}

class ConvertLayoutTest : public OpTest<ConvertLayoutCase> {
 protected:
  OpCall convert(const Tensor& x, Layout to) const {
    const auto run = [from = x.layout(), to, shape = x.shape()](Ops& ops, auto in, auto out, Workspace) {
      ops.convert_layout({in[0].data, shape, in[0].dtype, from, in[0].memory},
                         View{out[0].data, shape, out[0].dtype, to, out[0].memory});
    };
    return {.op = "convert_layout", .inputs = {flat(x)}, .outputs = {{{x.elements()}, x.dtype()}}, .run = run};
  }
  // Every bit pattern but that of fresh outputs, NaN among them.
  Tensor any_bits() const {
    Tensor x(param().x, storage());
    RandomStream stream = random(0);
    auto* bytes = static_cast<unsigned char*>(x.view().data);
    for (std::size_t i = 0; i < x.bytes(); ++i) bytes[i] = static_cast<unsigned char>(stream.below(255));
    return x;
  }
};

TEST_P(ConvertLayoutTest, MovesEveryBit) {
  const Tensor plain = any_bits(), last = plain.in_layout(Layout::nhwc);
  for (const Begins begins : {Begins::aligned, Begins::one_element_off}) {
    const Execution there = execute(device(), convert(plain, Layout::nhwc), 0xFF, begins);
    EXPECT_EQ(there.fault, "");
    EXPECT_TRUE(same_bits(there.outputs[0], flat(last)));
    const Execution back = execute(device(), convert(last, Layout::nchw), 0xFF, begins);
    EXPECT_EQ(back.fault, "");
    EXPECT_TRUE(same_bits(back.outputs[0], flat(plain)));
  }
}

INSTANTIATE_TEST_SUITE_P(All, ConvertLayoutTest, stored_devices_and_cases(FOVEA_TEST_DEVICES, convert_layout_cases()),
                         case_name<ConvertLayoutCase>);

}  // namespace
}  // namespace fovea::test
