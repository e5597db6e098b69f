// SPDX-License-Identifier: Apache-2.0
#include "core/train/training_memory.h"

#include <fmt/core.h>

#include <algorithm>
#include <functional>

#include "core/backend/device_list.h"
#include "core/executor/executor.h"
#include "core/support/error.h"
#include "core/train/device_augmentation.h"
#include "core/train/gradients.h"
#include "core/train/step_values.h"
#include "core/train/training_model.h"

namespace fovea {
namespace {

// No other engine computes in it, and none is taken for another.
void require_precision(Precision precision, const Backend& backend) {
  const std::string name = backend.name();
  const std::string_view engine = only_engine(precision);
  require(engine.empty() || name.ends_with(fmt::format(":{}", engine)), [&] {
    return fmt::format("precision {}: expected {}, which alone has it, got {}", name_of(precision),
                       devices_with(precision), name);
  });
  const Precision its_own = only_precision(name.substr(name.find(':') + 1));
  require(its_own == Precision::fp32 || its_own == precision, [&] {
    return fmt::format("precision {}: {} computes in {} only", name_of(precision), name, name_of(its_own));
  });
}

// A piece that a layer cannot train on: which option leaves it.
[[noreturn]] void refuse(const TrainOptions& options, const TrainingSets& sets, std::int64_t images,
                         const std::string& why) {
  if (options.piece() < options.batch)
    throw InputError(fmt::format("micro_batch: pieces of {} leave one of {}: {}; choose another --micro-batch",
                                 options.piece(), images, why));
  throw InputError(
      fmt::format("batch: of {} images, batches of {} leave {} for the last step of an epoch: {}; choose "
                  "another --batch",
                  sets.training, options.batch, images, why));
}

// The plans of a training that computes pieces of these sizes.
TrainingMemory plan_pieces(const Model& model, Backend& backend, const TrainOptions& options, const TrainingSets& sets,
                           const std::vector<std::int64_t>& sizes) {
  require_precision(options.precision, backend);
  const Model trained = training_model(model, options);
  const ParameterLayout layout = ParameterLayout::of(model.graph);
  const std::vector<ParameterRun> runs = parameter_runs(layout, options.groups);
  const std::size_t arena = static_cast<std::size_t>(layout.elements) * size_of(DType::f32);
  const std::size_t state = static_cast<std::size_t>(layout.elements - layout.trained_elements) * size_of(DType::f32);
  TrainingMemory memory{.piece = sizes.front()};
  std::size_t seeds = 0;
  const auto add = [&](std::string name, std::size_t bytes) { memory.parts.emplace_back(std::move(name), bytes); };

  for (const std::int64_t images : sizes) {
    try {
      const Plan plan = make_plan(trained.graph, layout, backend,
                                  pass_options(trained, options.precision, images, true, options.passes));
      memory.arena = std::max(memory.arena, plan.arena_bytes);
      seeds += Executor::seed_bytes(plan);
      if (images == sizes.front()) memory.layers = layer_memory(trained.graph, layout, plan);
    } catch (const InputError& error) {
      if (images == sizes.front()) throw;
      refuse(options, sets, images, error.what());
    }
  }
  for (const std::int64_t images : sets.evaluated)
    for (const std::int64_t batch : {std::min(images, options.evaluation_batch()), images % options.evaluation_batch()})
      if (batch > 0)
        memory.arena = std::max(memory.arena, make_plan(model.graph, layout, backend,
                                                        evaluation_options(model, options, batch, sets.keeps_best))
                                                  .arena_bytes);

  add("weights", arena);
  if (const std::size_t copies = ParameterArena::copy_bytes(layout, copies_of(options)); copies > 0)
    add("weights in 16 bits", copies);
  add("gradients", arena);
  if (options.adds_up_gradients()) add("gradients added up", arena);
  for (const std::string& slot : slot_names(options.optimizer.kind)) add(fmt::format("optimizer's {}", slot), arena);
  if (options.ema > 0) add("average of the weights", arena);
  if (sets.keeps_best) add("best weights", arena);
  if (state > 0) add("state before the step", state);
  if (options.augment_on_device)
    add("augmentation", DeviceAugmentation::bytes(Augmentation::parse(options.augment),
                                                  model.graph.node(model.image).sample_shape, backend, sizes));
  add("values of the step",
      StepValues::bytes(Optimizer::factors_per_run(options.optimizer.kind) * static_cast<std::int64_t>(runs.size())));
  add("search for NaN, norms", Gradients::scratch_bytes(backend, runs, options.clip_norm > 0));
  add(fmt::format("steps of {} images{}", sizes.front(),
                  sets.evaluated.empty() ? "" : fmt::format(", evaluation of {}", options.evaluation_batch())),
      memory.arena + seeds);
  return memory;
}

bool fits(const Model& model, Backend& backend, const TrainOptions& options, const TrainingSets& sets,
          const std::vector<std::int64_t>& sizes, std::size_t limit) {
  try {
    return plan_pieces(model, backend, options, sets, sizes).total() <= limit;
  } catch (const InputError&) {  // a size that cannot be trained on
    return false;
  }
}

// The largest number in [1, most] for which `holds`, which is false from some number on; 0 where it never holds.
template <class Predicate>
std::int64_t last_number(std::int64_t most, const Predicate& holds) {
  std::int64_t good = 0, bad = most + 1;
  while (bad - good > 1) {
    const std::int64_t middle = good + (bad - good) / 2;
    (holds(middle) ? good : bad) = middle;
  }
  return good;
}

// `set(n)` gives the options for n images. The plan of n images alone grows with n; rests, which come and go with n, are
// looked at from there downwards.
template <class Set>
std::int64_t largest(const Model& model, Backend& backend, const TrainingSets& sets, std::size_t limit,
                     std::int64_t most, const Set& set) {
  const auto alone = [&](std::int64_t n) { return fits(model, backend, set(n), sets, {n}, limit); };
  const auto with_rests = [&](std::int64_t n) {
    const TrainOptions options = set(n);
    return fits(model, backend, options, sets, piece_sizes(sets.training, options), limit);
  };
  std::int64_t n = last_number(most, alone);
  while (n > 0 && !with_rests(n)) --n;
  return n;
}

}  // namespace

std::size_t TrainingMemory::total() const {
  std::size_t bytes = 0;
  for (const auto& [name, part] : parts) bytes += part;
  return bytes;
}

std::vector<std::int64_t> piece_sizes(std::int64_t images, const TrainOptions& options) {
  std::vector<std::int64_t> sizes;
  for (const std::int64_t batch : {std::min(images, options.batch), images % options.batch})
    for (const std::int64_t size : {std::min(batch, options.piece()), batch % options.piece()})
      if (size > 0 && std::ranges::find(sizes, size) == sizes.end()) sizes.push_back(size);
  std::ranges::sort(sizes, std::greater());
  return sizes;
}

TrainingMemory plan_memory(const Model& model, Backend& backend, const TrainOptions& options,
                           const TrainingSets& sets) {
  return plan_pieces(model, backend, options, sets, piece_sizes(sets.training, options));
}

std::int64_t largest_batch(const Model& model, Backend& backend, TrainOptions options, const TrainingSets& sets,
                           std::size_t limit) {
  options.micro_batch = 0;
  return largest(model, backend, sets, limit, sets.training, [&](std::int64_t n) {
    options.batch = n;
    return options;
  });
}

std::int64_t largest_micro_batch(const Model& model, Backend& backend, TrainOptions options, const TrainingSets& sets,
                                 std::size_t limit) {
  const auto pieces_of = [&](std::int64_t n) {
    options.micro_batch = n;
    return options;
  };
  // The whole batch as one piece has no gradients to add up, and may fit where smaller pieces do not.
  const std::vector<std::int64_t> whole = piece_sizes(sets.training, pieces_of(options.batch));
  if (fits(model, backend, options, sets, whole, limit)) return options.batch;
  return largest(model, backend, sets, limit, options.batch - 1, pieces_of);
}

std::int64_t best_micro_batch(const Model& model, Backend& backend, TrainOptions options, const TrainingSets& sets,
                              std::size_t limit) {
  const std::int64_t most = largest_micro_batch(model, backend, options, sets, limit);
  if (most == 0) return 0;
  const std::int64_t pieces = (options.batch + most - 1) / most;
  options.micro_batch = (options.batch + pieces - 1) / pieces;
  return fits(model, backend, options, sets, piece_sizes(sets.training, options), limit) ? options.micro_batch : most;
}

}  // namespace fovea
