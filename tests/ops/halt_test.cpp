// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <functional>
#include <limits>
#include <string_view>
#include <utility>

#include "tests/ops/elementwise_cases.h"
#include "tests/ops/update_checks.h"

namespace fovea::test {
namespace {

class HaltTest : public OpTest<ElementwiseCase> {
 protected:
  std::int64_t after(std::int64_t halt, const std::vector<std::int64_t>& found) {
    const Tensor searches = Tensor::from<std::int64_t>(Shape{static_cast<std::int64_t>(found.size())}, found);
    const Execution run =
        execute(device(), {.op = "halt",
                           .inputs = {searches},
                           .outputs = {{Shape{1}, DType::i64, one_number(halt)}},
                           .run = [](Ops& ops, auto in, auto out, Workspace) { ops.halt_if_found(in[0], out[0]); }});
    EXPECT_EQ(run.fault, "");
    return run.outputs[0].span<std::int64_t>()[0];
  }
  Tensor restored(std::int64_t halt, const Tensor& from, const Tensor& to) {
    const Execution run = execute(
        device(), {.op = "halt",
                   .inputs = {one_number(halt), from},
                   .outputs = {{to.shape(), DType::f32, to}},
                   .run = [](Ops& ops, auto in, auto out, Workspace) { ops.restore_if_halted(in[0], in[1], out[0]); }});
    EXPECT_EQ(run.fault, "");
    return run.outputs[0];
  }
};

// As many searches as the case has elements, up to 1025: one has found something, or several, or none.
TEST_P(HaltTest, TheFirstSearchThatFoundSomethingHalts) {
  const auto count = static_cast<std::size_t>(std::min<std::int64_t>(param().x.elements(), 1025));
  const std::vector<std::int64_t> none(count, -1);
  EXPECT_EQ(after(-1, none), -1);
  EXPECT_EQ(after(0, none), 0) << "a halt stays";
  for (const std::size_t at : {std::size_t{0}, count / 2, count - 1}) {
    std::vector<std::int64_t> found = none;
    found[at] = 0;  // its first element
    EXPECT_EQ(after(-1, found), static_cast<std::int64_t>(at));
    found[count - 1] = 7;
    EXPECT_EQ(after(-1, found), static_cast<std::int64_t>(at));
    EXPECT_EQ(after(3000, found), 3000) << "the first halt counts";
  }
}

TEST_P(HaltTest, RestoresWhatItHalts) {
  Tensor from = reals(param().x, random(0));
  from.span<float>()[0] = std::numeric_limits<float>::quiet_NaN();  // a copy, not a sum
  const Tensor to = reals(param().x, random(1));
  EXPECT_TRUE(same_bits(restored(-1, from, to), to));
  for (const std::int64_t halt : {0, 5}) EXPECT_TRUE(same_bits(restored(halt, from, to), from)) << halt;
}

// Every update: halted it changes nothing, neither the 16-bit copy of the weights, and one that goes on is as without a
// halt.
TEST_P(HaltTest, UpdatesDoNothing) {
  const Tensor g = reals(param().x, random(2)), state = reals(param().x, random(3));
  const Tensor squares = positive(reals(param().x, random(4))),
               other = filled(param().x, [](std::size_t) { return filler; });
  using Update = std::function<void(Ops&, ConstView, std::span<const View>, ConstView)>;
  const std::pair<const char*, Update> updates[] = {
      {"sgd",
       [](Ops& ops, ConstView grad, auto out, ConstView halt) {
         ops.sgd_step({.momentum = 0.9f, .memory = {.halt = halt}}, out[0], grad, out[1], out[3]);
       }},
      {"adam",
       [](Ops& ops, ConstView grad, auto out, ConstView halt) {
         ops.adam_step({.correction1 = 0.1, .correction2 = 0.001, .memory = {.halt = halt}}, out[0], grad, out[2],
                       out[1], out[3]);
       }},
      {"rmsprop",
       [](Ops& ops, ConstView grad, auto out, ConstView halt) {
         ops.rmsprop_step({.momentum = 0.5, .memory = {.halt = halt}}, out[0], grad, out[1], out[2], out[3]);
       }},
      {"adagrad", [](Ops& ops, ConstView grad, auto out,
                     ConstView halt) { ops.adagrad_step({.memory = {.halt = halt}}, out[0], grad, out[1], out[3]); }},
      {"average",
       [](Ops& ops, ConstView grad, auto out, ConstView halt) { ops.average_step(0.5, out[0], grad, halt); }},
  };
  for (const std::pair<const char*, Update>& entry : updates)
    for (const DType narrow : {DType::bf16, DType::f16}) {
      SCOPED_TRACE(testing::Message() << entry.first << ", " << name_of(narrow));
      const Update& step = entry.second;
      const Tensor copy = other.converted(narrow);
      const auto run = [&](std::int64_t halt, bool given) {
        const OpCall call{.op = entry.first,
                          .inputs = {g, one_number(halt)},
                          .outputs = {{param().x, DType::f32, state},
                                      {param().x, DType::f32, squares},
                                      {param().x, DType::f32, state},
                                      {param().x, narrow, copy}},
                          .run = [&step, given](Ops& ops, auto in, auto out, Workspace) {
                            step(ops, in[0], out, given ? in[1] : ConstView());
                          }};
        return execute(device(), call);
      };
      const Execution on = run(-1, true), plain = run(-1, false);
      EXPECT_EQ(on.fault + plain.fault, "");
      EXPECT_FALSE(same_bits(on.outputs[0], state));
      EXPECT_EQ(static_cast<bool>(same_bits(on.outputs[3], copy)), entry.first == std::string_view("average"));
      for (std::size_t i = 0; i < 4; ++i) EXPECT_TRUE(same_bits(on.outputs[i], plain.outputs[i])) << i;
      const Execution halted = run(0, true);
      EXPECT_TRUE(same_bits(halted.outputs[0], state));
      EXPECT_TRUE(same_bits(halted.outputs[1], squares));
      EXPECT_TRUE(same_bits(halted.outputs[2], state));
      EXPECT_TRUE(same_bits(halted.outputs[3], copy));
    }
}

INSTANTIATE_TEST_SUITE_P(All, HaltTest, devices_and_cases(FOVEA_TEST_DEVICES, elementwise_cases()),
                         case_name<ElementwiseCase>);

}  // namespace
}  // namespace fovea::test
