// SPDX-License-Identifier: Apache-2.0
//
// A training takes from its device what was planned for it, to the byte, and planning takes nothing.
#include "core/train/training_memory.h"
#include "cuda/emu_backend.h"
#include "tests/emu/emu_test.h"
#include "tests/train/small_runs.h"

namespace fovea::emu {
namespace {

using test::Pairs;

struct MemoryCase {
  const char* name;
  TrainOptions options;
};

// All that may take memory, each for itself.
std::vector<MemoryCase> memory_cases() {
  const TrainOptions base{.batch = 16};
  std::vector<MemoryCase> cases;
  const auto add = [&](const char* name, auto&& change) {
    cases.push_back({name, base});
    change(cases.back().options);
  };
  add("plain", [](TrainOptions&) {});
  add("accumulate", [](TrainOptions& o) { o.accumulate = 2; });
  add("pieces", [](TrainOptions& o) { o.micro_batch = 6; });
  add("the whole as one piece", [](TrainOptions& o) { o.micro_batch = 16; });
  add("adam, averaged, clipped", [](TrainOptions& o) {
    o.optimizer = {.kind = OptimizerKind::adam};
    o.ema = 0.9;
    o.clip_norm = 1;
  });
  add("bf16", [](TrainOptions& o) { o.precision = Precision::bf16; });
  add("fp16, in pieces", [](TrainOptions& o) { o.precision = Precision::fp16, o.micro_batch = 6; });
  add("frozen in between", [](TrainOptions& o) { o.groups.freeze = {"norm.*", "conv.bias"}; });
  return cases;
}

TEST(TrainingMemory, IsWhatTrainingTakes) {
  const Pairs data(52), validation(20);
  const Model model = test::whole_net();
  for (const MemoryCase& c : memory_cases()) {
    SCOPED_TRACE(c.name);
    const auto backend = make_emu_backend("native");
    const std::shared_ptr<Memory> memory = backend->memory();
    const auto& device = dynamic_cast<const DeviceMemory&>(*memory);
    const TrainingSets sets{.training = 52, .evaluated = {52, 20}, .keeps_best = true};
    const TrainingMemory planned = plan_memory(model, *backend, c.options, sets);
    EXPECT_EQ(device.statistics().peak_used_bytes, 0u);
    Trainer trainer(model, *backend, data, "pairs", c.options, sets);
    EXPECT_EQ(trainer.planned_bytes(), planned.total());
    while (trainer.step()) continue;
    const auto best = std::make_shared<ParameterArena>(trainer.weights()->layout(), memory);
    for (const Dataset* set : {&data, &validation})
      evaluate(model, *backend, best, *set, trainer.normalization(), trainer.evaluation_batch(), trainer.arena(),
               trainer.precision());
    EXPECT_EQ(device.statistics().peak_used_bytes, planned.total());
    EXPECT_LE(device.free_bytes(), (std::size_t{4} << 30) - planned.total());
  }
}

// Where nothing but the trained weights is evaluated, their 16-bit copies need no casts.
TEST(TrainingMemory, EvaluationsHaveTheCopies) {
  const Pairs data(52);
  const Model model = test::whole_net();
  TrainOptions options{.batch = 4};
  options.precision = Precision::bf16;
  const auto backend = make_emu_backend("native");
  const auto& device = dynamic_cast<const DeviceMemory&>(*backend->memory());
  const TrainingSets sets{.training = 52, .evaluated = {52}};
  const TrainingMemory planned = plan_memory(model, *backend, options, sets);
  EXPECT_LT(planned.total(),
            plan_memory(model, *backend, options, {.training = 52, .evaluated = {52}, .keeps_best = true}).total());
  Trainer trainer(model, *backend, data, "pairs", options, sets);
  while (trainer.step()) continue;
  evaluate(model, *backend, trainer.weights(), data, trainer.normalization(), trainer.evaluation_batch(),
           trainer.arena(), trainer.precision());
  EXPECT_EQ(device.statistics().peak_used_bytes, planned.total());
}

}  // namespace
}  // namespace fovea::emu
