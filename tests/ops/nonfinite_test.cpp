// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "tests/ops/reduction_cases.h"
#include "tests/ops/update_checks.h"

namespace fovea::test {
namespace {

constexpr float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();

float largest_finite(DType dtype) {
  if (dtype == DType::bf16) return 0x1.FEp127f;
  return dtype == DType::f16 ? 65504.0f : std::numeric_limits<float>::max();
}

class NonfiniteTest : public OpTest<ReductionCase> {
 protected:
  std::int64_t first_of(const Tensor& x) {
    const Execution run = execute(
        device(),
        {.op = "nonfinite",
         .inputs = {stored(x)},
         .outputs = {{Shape{1}, DType::i64}},
         .run = [](Ops& ops, auto in, auto out, Workspace workspace) { ops.nonfinite(in[0], out[0], workspace); },
         .workspace = [&](Ops& ops, Layout) { return ops.nonfinite_workspace(x.elements()); }});
    EXPECT_EQ(run.fault, "");
    return run.outputs[0].span<std::int64_t>()[0];
  }
};

TEST_P(NonfiniteTest, AllFinite) {
  const float largest = largest_finite(storage()), finite[] = {0, -0.0f, largest, -largest, 1e-45f, -1, largest / 2};
  EXPECT_EQ(first_of(filled(param().x, [&](std::size_t i) { return finite[i % 7]; })), -1);
}

// At both ends of lanes and parts, alone and with others behind it.
TEST_P(NonfiniteTest, TheFirstIsFound) {
  const Tensor x = reals(param().x, random(0));
  const std::int64_t count = x.elements();
  for (const std::int64_t at : {std::int64_t{0}, std::int64_t{1}, std::int64_t{255}, std::int64_t{256},
                                std::int64_t{4095}, std::int64_t{4096}, count / 2, count - 1}) {
    if (at >= count) continue;
    for (const float value : {nan, infinity, -infinity, -nan}) {
      Tensor bad = x.to_host();
      bad.span<float>()[static_cast<std::size_t>(at)] = value;
      EXPECT_EQ(first_of(bad), at) << value;
      bad.span<float>()[static_cast<std::size_t>(count - 1)] = infinity;
      if (at + 1 < count) bad.span<float>()[static_cast<std::size_t>(at + 1)] = nan;
      EXPECT_EQ(first_of(bad), at) << value << ", not the only one";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, NonfiniteTest, stored_devices_and_cases(FOVEA_TEST_DEVICES, reduction_cases()),
                         case_name<ReductionCase>);

}  // namespace
}  // namespace fovea::test
