// SPDX-License-Identifier: Apache-2.0
#include "core/executor/executor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "core/support/error.h"
#include "cpu_reference/reference_backend.h"
#include "tests/core/small_nets.h"

namespace fovea {
namespace {

using test::branching;
using test::labels;
using test::random_tensor;

struct SmallRun {
  Model model = branching();
  std::unique_ptr<Backend> backend = make_reference_backend();
  std::shared_ptr<ParameterArena> weights;
  std::unique_ptr<Executor> executor;

  explicit SmallRun(PlanOptions options) {
    weights =
        std::make_shared<ParameterArena>(ParameterLayout::of(model.graph), backend->memory(), options.wide_dtype());
    initialise(*weights, 3);
    options.target = options.training ? model.loss : model.logits;
    options.keep = {model.logits};
    executor = std::make_unique<Executor>(model.graph, *backend, weights, options);
    executor->set_input(model.image, random_tensor({options.batch, 2, 6, 6}, 0));
    if (options.training) executor->set_input(model.label, labels(Shape{options.batch}, 4));
    executor->forward();
    if (options.training) executor->backward();
  }
};

std::vector<float> gradients_of(SmallRun& run) {
  std::vector<float> all;
  for (std::size_t i = 0; i < run.weights->layout().entries.size(); ++i) {
    const Tensor g = run.executor->gradients()->get(i);
    all.insert(all.end(), g.span<float>().begin(), g.span<float>().end());
  }
  return all;
}

TEST(Executor, MemoryReuseChangesNoBit) {
  SmallRun reused({.batch = 5, .training = true}), retained({.batch = 5, .training = true, .retain = true});
  EXPECT_EQ(gradients_of(reused), gradients_of(retained));
  EXPECT_LT(reused.executor->plan().arena_bytes, retained.executor->plan().arena_bytes);
  const Tensor a = reused.executor->read(reused.model.logits), b = retained.executor->read(retained.model.logits);
  EXPECT_TRUE(std::ranges::equal(a.span<float>(), b.span<float>()));
}

// Values and their gradients are stored in 16 bits, and copies of the weights that they are multiplied with; the loss, what
// layers save, parameters and their gradients stay f32.
TEST(Executor, SixteenBitPlans) {
  SmallRun wide({.batch = 5, .training = true});
  for (const DType dtype : {DType::bf16, DType::f16}) {
    SmallRun run({.batch = 5, .training = true, .dtype = dtype});
    const Plan& plan = run.executor->plan();
    const std::string loss = run.model.graph.node(run.model.loss).name;
    const std::string label = run.model.graph.node(run.model.label).name;
    for (const PlanBuffer& buffer : plan.buffers) {
      const bool value = buffer.role != BufferRole::saved && buffer.role != BufferRole::workspace &&
                         buffer.name != loss && buffer.name != loss + ".gradient" && buffer.name != label;
      EXPECT_EQ(buffer.dtype == dtype, value) << buffer.name;
      EXPECT_EQ(buffer.role == BufferRole::weight, buffer.name.ends_with(".weight")) << buffer.name;
    }
    ASSERT_GE(plan.forward_steps, 2u);
    EXPECT_EQ(plan.steps[0].kind, StepKind::cast);
    EXPECT_EQ(plan.steps[1].kind, StepKind::cast);
    EXPECT_EQ(plan.steps[2].kind, StepKind::forward);
    EXPECT_LT(plan.arena_bytes, wide.executor->plan().arena_bytes);
    EXPECT_EQ(run.executor->gradients()->get(0).dtype(), DType::f32);
    EXPECT_EQ(run.executor->read(run.model.logits).dtype(), dtype);
    EXPECT_EQ(run.executor->read(run.model.loss).dtype(), DType::f32);

    // A pass computes with the weights as they are then.
    const Tensor before = run.executor->read(run.model.logits).converted(DType::f32);
    for (std::size_t i = 0; i < run.weights->layout().entries.size(); ++i)
      run.weights->set(i, Tensor::zeros(run.weights->layout().entries[i].spec.shape));
    run.executor->forward();
    const Tensor after = run.executor->read(run.model.logits).converted(DType::f32);
    EXPECT_FALSE(std::ranges::equal(before.span<float>(), after.span<float>()));
    EXPECT_TRUE(std::ranges::all_of(after.span<float>(), [](float v) { return v == 0; }));
  }
}

TEST(Executor, RunningTwiceGivesTheSameBits) {
  SmallRun run({.batch = 3, .training = true});
  const std::vector<float> first = gradients_of(run);
  run.executor->forward();
  run.executor->backward();
  EXPECT_EQ(first, gradients_of(run));
}

TEST(Plan, LiveBuffersNeverShareBytes) {
  for (const bool training : {false, true}) {
    SmallRun run({.batch = 4, .training = training});
    const auto& buffers = run.executor->plan().buffers;
    int reused = 0;
    for (std::size_t i = 0; i < buffers.size(); ++i)
      for (std::size_t j = 0; j < i; ++j) {
        const PlanBuffer &a = buffers[i], &b = buffers[j];
        const bool share = a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
        const bool live_together = a.first_step <= b.last_step && b.first_step <= a.last_step;
        EXPECT_FALSE(share && live_together) << a.name << " and " << b.name;
        reused += share;
      }
    EXPECT_GT(reused, 0);
  }
}

// Central differences through fan-out, accumulation and views, in float64.
TEST(Executor, GradientsThroughBranchesMatchFiniteDifferences) {
  SmallRun run({.batch = 3, .training = true, .dtype = DType::f64, .input_gradient = true});
  const auto loss = [&] {
    run.executor->forward();
    return run.executor->read(run.model.loss).span<double>()[0];
  };
  const Tensor analytic = run.executor->gradients()->get(0);
  Tensor weight = run.weights->get(0);
  double most = 0;
  for (std::size_t i = 0; i < weight.span<double>().size(); i += 5) {
    const double eps = 1e-6, w = weight.span<double>()[i];
    weight.span<double>()[i] = w + eps, run.weights->set(0, weight);
    const double up = loss();
    weight.span<double>()[i] = w - eps, run.weights->set(0, weight);
    const double down = loss();
    weight.span<double>()[i] = w, run.weights->set(0, weight);
    const double numeric = (up - down) / (2 * eps);
    EXPECT_NEAR(analytic.span<double>()[i], numeric, 1e-8 + 1e-5 * std::abs(numeric)) << i;
    most = std::max(most, std::abs(numeric));
  }
  EXPECT_GT(most, 1e-3);  // zeros would agree with zeros
}

TEST(Executor, InfersOnTheCallersBuffers) {
  SmallRun run({.batch = 2});
  const Tensor expected = run.executor->read(run.model.logits);
  const Tensor input = random_tensor({2, 2, 6, 6}, 0);
  Tensor output(Shape{2, 4});
  std::ranges::fill(output.span<float>(), std::numeric_limits<float>::quiet_NaN());
  run.executor->set_input(run.model.image, random_tensor({2, 2, 6, 6}, 9));  // infer must not read this
  run.executor->infer(input.view(), output.view());
  EXPECT_TRUE(std::ranges::equal(output.span<float>(), expected.span<float>()));
  EXPECT_THROW(run.executor->infer(random_tensor({1, 2, 6, 6}, 0).view(), output.view()), InputError);
  EXPECT_THROW(run.executor->infer(input.view(), View{}), InputError);
}

// The stated thread rule: an executor per thread, shared read-only weights.
TEST(Executor, ThreadsShareWeights) {
  SmallRun expected({.batch = 2});
  const Tensor truth = expected.executor->read(expected.model.logits);
  std::vector<std::thread> threads;
  std::vector<int> equal(4, 0);
  for (std::size_t t = 0; t < equal.size(); ++t)
    threads.emplace_back([&, t] {
      const auto backend = make_reference_backend();
      Executor executor(expected.model.graph, *backend, expected.weights,
                        {.batch = 2, .target = expected.model.logits});
      const Tensor input = random_tensor({2, 2, 6, 6}, 0);
      Tensor output(Shape{2, 4});
      for (int repeat = 0; repeat < 10; ++repeat) {
        executor.infer(input.view(), output.view());
        equal[t] += std::ranges::equal(output.span<float>(), truth.span<float>());
      }
    });
  for (std::thread& thread : threads) thread.join();
  for (const int count : equal) EXPECT_EQ(count, 10);
}

TEST(Executor, RefusesWhatItCannotDo) {
  SmallRun run({.batch = 2});
  EXPECT_THROW(run.executor->backward(), InputError);
  EXPECT_THROW(run.executor->set_input(run.model.image, random_tensor({3, 2, 6, 6}, 0)), InputError);
  EXPECT_THROW(run.executor->set_input(run.model.logits, random_tensor({2, 4}, 0)), InputError);
  const ParameterLayout layout = ParameterLayout::of(run.model.graph);
  EXPECT_THROW(make_plan(run.model.graph, layout, *run.backend, {.batch = 0, .target = run.model.logits}), InputError);
  EXPECT_THROW(make_plan(run.model.graph, layout, *run.backend, {.batch = 1, .target = 99}), InputError);
  EXPECT_THROW(
      make_plan(run.model.graph, layout, *run.backend, {.batch = 1, .training = true, .target = run.model.logits}),
      InputError);
}

TEST(Plan, AForcedEngineThatTheDeviceLacksNamesTheLayer) {
  Graph g;
  g.add("relu", std::make_shared<Relu>(), {g.input("image", {4})}, "library");
  const auto backend = make_reference_backend();
  try {
    make_plan(g, ParameterLayout::of(g), *backend, {.batch = 1, .target = 1});
    FAIL();
  } catch (const InputError& e) {
    EXPECT_NE(std::string(e.what()).find("layer 'relu'"), std::string::npos) << e.what();
    EXPECT_NE(std::string(e.what()).find("library"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace fovea
