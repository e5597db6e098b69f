// SPDX-License-Identifier: Apache-2.0
//
// Plans in layouts of an engine's choice, with fused ReLUs and work in place: the reference behind conversions, so that
// whatever the planner makes of them, every bit must be that of the plain plan.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <limits>

#include "core/executor/executor.h"
#include "core/support/error.h"
#include "cpu_reference/reference_backend.h"
#include "tests/core/plan_trace.h"
#include "tests/core/small_nets.h"
#include "tests/support/checks.h"
#include "tests/support/converted_backend.h"
#include "tests/support/devices.h"

namespace fovea::test {
namespace {

constexpr std::int64_t batch = 3;

std::shared_ptr<Backend> reference() { return make_reference_backend(); }

std::shared_ptr<Backend> always(Layout layout) {
  return make_converted_backend(
      truth_backend(), {.wanted = [layout](Layout) { return layout; }, .fuses_relu = true, .works_in_place = true});
}

// Any of four layouts, or where the image is anyway, for each question anew.
std::shared_ptr<Backend> at_random(std::uint64_t seed) {
  const auto wanted = [random = RandomStream(23, RandomPurpose::test, seed)](Layout given) mutable {
    const std::uint32_t drawn = random.below(6);
    return drawn < 4 ? static_cast<Layout>(drawn) : given;
  };
  return make_converted_backend(
      truth_backend(), {.wanted = wanted, .fuses_relu = true, .fuses_relu_backward = true, .works_in_place = true});
}

// One pass over a net and all that it leaves behind.
struct Pass {
  Model model;
  std::shared_ptr<Backend> backend;
  std::shared_ptr<ParameterArena> weights;
  std::unique_ptr<Executor> executor;
  std::vector<Tensor> results;  // logits, loss, gradients, running statistics

  Pass(Model net, std::shared_ptr<Backend> on, PlanOptions options) : model(std::move(net)), backend(std::move(on)) {
    weights = std::make_shared<ParameterArena>(ParameterLayout::of(model.graph), backend->memory(), DType::f32);
    initialise(*weights, 3);
    options.batch = batch;
    options.target = options.training ? model.loss : model.logits;
    if (options.training) options.keep.push_back(model.logits);
    executor = std::make_unique<Executor>(model.graph, *backend, weights, options);
    const std::vector<Shape> shapes = model.graph.shapes(batch);
    const auto shape_of = [&](NodeId id) { return shapes[static_cast<std::size_t>(id)]; };
    executor->set_input(model.image, random_tensor(shape_of(model.image), 0));
    if (options.training) executor->set_input(model.label, labels(shape_of(model.label), 4));
    executor->forward();
    results.push_back(executor->read(model.logits));
    for (const NodeId id : options.keep) results.push_back(executor->read(id));
    if (!options.training) return;
    executor->backward();
    results.push_back(executor->read(model.loss));
    for (std::size_t i = 0; i < weights->layout().entries.size(); ++i)
      results.push_back(weights->layout().entries[i].trained ? executor->gradients()->get(i) : weights->get(i));
    if (options.input_gradient)
      results.push_back(executor->read(plan().gradients[static_cast<std::size_t>(model.image)]));
  }

  const Plan& plan() const { return executor->plan(); }
  std::int64_t count(const std::function<bool(const PlanStep&)>& kind) const {
    return std::ranges::count_if(plan().steps, kind);
  }
  std::int64_t conversions() const {
    return count([](const PlanStep& step) { return step.kind == StepKind::convert; });
  }
  std::int64_t fused(StepKind kind = StepKind::forward) const {
    return count([kind](const PlanStep& step) { return step.kind == kind && step.fused_relu >= 0; });
  }
  // Steps that leave their result where their operand was.
  std::int64_t in_place() const {
    return count([](const PlanStep& step) {
      if (step.kind == StepKind::forward) return step.output.buffer == step.inputs[0].buffer;
      return step.kind == StepKind::backward && !step.input_gradients.empty() &&
             step.input_gradients[0].buffer == step.output_gradient.buffer;
    });
  }
};

testing::AssertionResult same_results(const Pass& a, const Pass& b) {
  if (a.results.size() != b.results.size()) return testing::AssertionFailure() << "another number of results";
  for (std::size_t i = 0; i < a.results.size(); ++i)
    if (const auto same = same_bits(a.results[i], b.results[i]); !same)
      return testing::AssertionFailure() << "result " << i << ": " << same.message();
  return testing::AssertionSuccess();
}

testing::AssertionResult live_buffers_are_apart(const Plan& plan) {
  for (const PlanBuffer& a : plan.buffers)
    for (const PlanBuffer& b : plan.buffers) {
      const bool share = a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
      if (&a != &b && share && a.first_step <= b.last_step && b.first_step <= a.last_step)
        return testing::AssertionFailure() << a.name << " and " << b.name << " share bytes";
    }
  return testing::AssertionSuccess();
}

struct Net {
  const char* name;
  Model (*make)();
};
std::ostream& operator<<(std::ostream& out, const Net& net) { return out << net.name; }

class PlanLayouts : public testing::TestWithParam<Net> {};

TEST_P(PlanLayouts, ChangeNoBit) {
  for (const bool training : {false, true})
    for (const bool input_gradient : {false, true}) {
      if (input_gradient && !training) continue;
      const PlanOptions options{.training = training, .input_gradient = input_gradient};
      PlanOptions plain_options = options, retaining = options;
      plain_options.passes = {.layouts = false, .fuse = false};
      retaining.retain = true;
      const Pass plain(GetParam().make(), reference(), plain_options);
      std::int64_t fused = 0, in_place = 0, conversions = 0;
      for (std::uint64_t seed = 0; seed < 25; ++seed) {
        const Pass run(GetParam().make(), at_random(seed), options);
        const Pass retained(GetParam().make(), at_random(seed), retaining);
        for (const Pass* r : {&run, &retained}) {
          ASSERT_TRUE(same_results(plain, *r)) << "seed " << seed;
          ASSERT_TRUE(live_buffers_are_apart(r->plan())) << "seed " << seed;
          ASSERT_TRUE(PlanTrace(r->model.graph, r->plan()).check()) << "seed " << seed;
        }
        EXPECT_EQ(retained.fused() + retained.fused(StepKind::backward) + retained.in_place(), 0)
            << "what is retained cannot be merged";
        fused += run.fused(), in_place += run.in_place(), conversions += run.conversions();
      }
      EXPECT_GT(conversions, 0);
      // The ReLUs of the other nets share their values with other readers.
      const bool fuses = GetParam().make == residual || GetParam().make == flattening || GetParam().make == pixelwise;
      EXPECT_EQ(fused > 0, fuses);
      EXPECT_TRUE(in_place > 0 || (GetParam().make != residual && !training));
    }
}

// The layouts of 16-bit plans are the engine's choice too.
TEST_P(PlanLayouts, ChangeNoBitIn16Bits) {
  for (const DType dtype : {DType::bf16, DType::f16}) {
    const PlanOptions options{.training = true, .dtype = dtype};
    PlanOptions plain_options = options;
    plain_options.passes = {.layouts = false, .fuse = false};
    const Pass plain(GetParam().make(), reference(), plain_options);
    std::int64_t conversions = 0;
    for (std::uint64_t seed = 0; seed < 8; ++seed) {
      const Pass run(GetParam().make(), at_random(seed), options);
      ASSERT_TRUE(same_results(plain, run)) << name_of(dtype) << ", seed " << seed;
      ASSERT_TRUE(live_buffers_are_apart(run.plan())) << "seed " << seed;
      ASSERT_TRUE(PlanTrace(run.model.graph, run.plan()).check()) << "seed " << seed;
      conversions += run.conversions();
    }
    EXPECT_GT(conversions, 0);
  }
}

// Every value that a caller asks for is there at the end, in place or not.
TEST_P(PlanLayouts, KeptValuesStay) {
  const Model model = GetParam().make();
  std::vector<NodeId> all;
  for (NodeId id = 0; id <= model.logits; ++id) all.push_back(id);
  const Pass plain(GetParam().make(), reference(), {.keep = all, .passes = {.layouts = false, .fuse = false}});
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const Pass kept(GetParam().make(), at_random(seed), {.keep = all});
    EXPECT_TRUE(same_results(plain, kept)) << "seed " << seed;
    EXPECT_EQ(kept.fused() + kept.in_place(), 0) << "seed " << seed;
  }
}

TEST_P(PlanLayouts, InferOnTheCallersBuffers) {
  const Pass plain(GetParam().make(), reference(), {.passes = {.layouts = false, .fuse = false}});
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const Pass run(GetParam().make(), at_random(seed), {});
    const Shape& shape = plain.executor->plan().values[static_cast<std::size_t>(run.model.image)].shape;
    const Tensor image = random_tensor(shape, 0);
    Tensor logits(plain.results[0].shape());
    std::ranges::fill(logits.span<float>(), std::numeric_limits<float>::quiet_NaN());
    run.executor->set_input(run.model.image, random_tensor(shape, 9));  // infer must not read this
    run.executor->infer(image.view(), logits.view());
    EXPECT_TRUE(same_bits(logits, plain.results[0])) << "seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(Nets, PlanLayouts,
                         testing::Values(Net{"Branching", branching}, Net{"Residual", residual},
                                         Net{"Preactivated", preactivated}, Net{"Flattening", flattening},
                                         Net{"Pixelwise", pixelwise}),
                         [](const auto& net) { return std::string(net.param.name); });

// Counted by hand: the image comes in; nothing goes out where one position is left, or the value itself and its
// gradient where the next layer is plain.
TEST(PlanLayoutsCounts, ConversionsAsExpected) {
  const auto conversions = [](Model (*net)(), bool training) {
    return Pass(net(), always(Layout::nhwc), {.training = training}).conversions();
  };
  EXPECT_EQ(conversions(residual, false), 1) << "image";
  EXPECT_EQ(conversions(residual, true), 1) << "image";
  EXPECT_EQ(conversions(flattening, false), 1) << "pool, for flat: the image has one channel";
  EXPECT_EQ(conversions(flattening, true), 2) << "pool, for flat, and its gradient";
  EXPECT_EQ(conversions(preactivated, false), 1) << "image, once for two convolutions";
  EXPECT_EQ(conversions(pixelwise, false), 2) << "image, score";
  EXPECT_EQ(conversions(pixelwise, true), 3) << "image, score for the loss, and its gradient";
  const Pass plain(residual(), always(Layout::nchw), {.training = true});
  EXPECT_EQ(plain.conversions(), 0);
}

// An engine that reads one layout and leaves gradients in another.
TEST(PlanLayoutsCounts, GradientsLieWhereTheEngineLeavesThem) {
  const std::shared_ptr<Backend> backend = make_converted_backend(
      truth_backend(), {.wanted_conv2d = Conv2dLayouts{.x = Layout::nhwc, .y = Layout::nchw, .dx = Layout::nchw}});
  const Pass pass(pixelwise(), backend, {.training = true});
  EXPECT_EQ(pass.conversions(), 2) << "image and relu, and no gradient";
  EXPECT_TRUE(same_results(
      Pass(pixelwise(), reference(), {.training = true, .passes = {.layouts = false, .fuse = false}}), pass));
}

// The residual net, counted by hand.
TEST(PlanLayoutsCounts, FusedReLUsAndWorkInPlace) {
  const Pass training(residual(), always(Layout::nhwc), {.training = true});
  EXPECT_EQ(training.fused(), 5) << "relu0, 1 and 3 behind batch_norms; 2 and 4 behind additions";
  EXPECT_EQ(training.in_place(), 1 + 5 + 2) << "add2 forward; backward all ReLUs and additions";
}

// The value and both gradients lie alike, or the ReLU keeps a step of its own.
TEST(PlanLayoutsCounts, FusedGradientsWhereAllLiesAlike) {
  const auto pass = [](Model (*net)(), ConvertedOptions options) {
    options.fuses_relu = options.fuses_relu_backward = true;
    const Pass result(net(), make_converted_backend(truth_backend(), options), {.training = true});
    EXPECT_TRUE(same_results(Pass(net(), reference(), {.training = true, .passes = {.layouts = false, .fuse = false}}),
                             result));
    EXPECT_TRUE(PlanTrace(result.model.graph, result.plan()).check());
    return result.fused(StepKind::backward);
  };
  const auto nhwc = [](Layout) { return Layout::nhwc; };
  EXPECT_EQ(pass(residual, {}), 1) << "conv2 behind relu1";
  EXPECT_EQ(pass(residual, {.wanted = nhwc}), 1);
  EXPECT_EQ(pass(flattening, {.wanted = nhwc}), 1) << "the pool";
  const auto of_convolutions = [&](Layout x, Layout y, Layout dx) {
    return pass(pixelwise, {.wanted_conv2d = Conv2dLayouts{.x = x, .y = y, .dx = dx}});
  };
  EXPECT_EQ(of_convolutions(Layout::nhwc, Layout::nhwc, Layout::nhwc), 1);
  EXPECT_EQ(of_convolutions(Layout::nhwc, Layout::nchw, Layout::nchw), 0) << "it reads a copy of the value";
  EXPECT_EQ(of_convolutions(Layout::nhwc, Layout::nchw, Layout::nhwc), 0) << "a copy, and the gradient like that";
  EXPECT_EQ(of_convolutions(Layout::nchw, Layout::nchw, Layout::nhwc), 0) << "the gradient lies otherwise";
}

TEST(PlanLayoutsCounts, NothingIsMergedWhereItIsNotWanted) {
  for (const bool training : {false, true}) {
    const Pass optimised(residual(), always(Layout::nhwc), {.training = training});
    const Pass unoptimised(residual(), always(Layout::nhwc),
                           {.training = training, .passes = {.layouts = false, .fuse = false}});
    const Pass retained(residual(), always(Layout::nhwc), {.training = training, .retain = true});
    const Pass plain(residual(), reference(), {.training = training});
    for (const Pass* run : {&unoptimised, &retained}) EXPECT_EQ(run->fused() + run->in_place(), 0);
    EXPECT_EQ(unoptimised.conversions(), 0);
    EXPECT_EQ(unoptimised.plan().steps.size(), plain.plan().steps.size());
    EXPECT_EQ(plain.fused() + plain.in_place() + plain.conversions(), 0) << "an engine that knows nothing of this";
    EXPECT_GT(retained.conversions(), 0) << "the values are the same, so compare sees the layouts at work";
  }
}

// Without conversions, which cost memory of their own. Of the arena the largest layers decide.
TEST(PlanLayoutsCounts, MergedPlansAreSmaller) {
  const auto all_bytes = [](const Plan& plan) {
    std::size_t bytes = 0;
    for (const PlanBuffer& buffer : plan.buffers) bytes += buffer.bytes;
    return bytes;
  };
  for (const bool training : {false, true}) {
    const Pass merged(residual(), always(Layout::nchw), {.training = training});
    const Pass plain(residual(), always(Layout::nchw),
                     {.training = training, .passes = {.layouts = false, .fuse = false}});
    EXPECT_LT(merged.plan().steps.size(), plain.plan().steps.size());
    EXPECT_LT(all_bytes(merged.plan()), all_bytes(plain.plan()));
    EXPECT_LE(merged.plan().arena_bytes, plain.plan().arena_bytes);
  }
}

// An engine takes all images of a call alike, those of winners too.
TEST(PlanLayoutsCounts, WinnersOfAdaptivePoolingLieLikeTheOutput) {
  const Pass run(peaks(), always(Layout::nhwc), {.training = true});
  EXPECT_TRUE(
      same_results(Pass(peaks(), reference(), {.training = true, .passes = {.layouts = false, .fuse = false}}), run));
  for (const PlanStep& step : run.plan().steps) {
    if (step.saved.empty() || run.model.graph.node(step.node).name != "pool") continue;
    EXPECT_EQ(step.saved[0].layout, Layout::nhwc);
  }
}

TEST(PlanLayoutsCounts, WinnersLieLikeTheOutput) {
  const Pass run(flattening(), always(Layout::nchw16c), {.training = true});
  const Plan& plan = run.plan();
  int pools = 0;
  for (const PlanStep& step : plan.steps) {
    if (step.saved.empty() || run.model.graph.node(step.node).name != "pool") continue;
    ++pools;
    EXPECT_EQ(step.saved[0].layout, Layout::nchw16c);
    EXPECT_EQ(plan.buffers[static_cast<std::size_t>(step.saved[0].buffer)].bytes, std::size_t{batch * 16 * 3 * 3});
  }
  EXPECT_EQ(pools, 2) << "forward and backward";
}

}  // namespace
}  // namespace fovea::test
