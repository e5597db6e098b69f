// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/commands.h"
#include "cli/data_options.h"
#include "cli/device_options.h"
#include "cli/engine_options.h"
#include "cli/memory_options.h"
#include "cli/net_and_data.h"
#include "cli/optimizer_options.h"
#include "cli/plan_passes.h"
#include "cli/replay_step.h"
#include "cli/run_directory.h"
#include "cli/training_run.h"
#include "core/data/subset.h"
#include "core/models/models.h"
#include "core/support/error.h"
#include "core/train/trainer.h"
#include "core/train/training_model.h"
#include "core/train/transfer.h"

namespace fovea::cli {
namespace {

// Options without a value follow the checkpoint on --resume, and else these.
constexpr std::int64_t default_batch = 64, default_seed = 1;

struct TrainFlags {
  std::string net, data, test_data, init, augment, augment_on = "host", precision, out, resume, init_from, inject;
  DataFlags data_flags;
  std::optional<double> validation;
  std::optional<std::int64_t> loader_threads;
  std::optional<std::int64_t> new_head;
  bool overwrite = false, no_graph = false;
  std::int64_t epochs = 3, max_steps = -1;
  std::optional<std::int64_t> batch, seed;
  OptimizerFlags optimizer;
  MemoryFlags memory;
  PassFlags passes;
  RunOptions run;
  DeviceOptions device;
  EngineFlags engines;
};

// No paths: the same data elsewhere are the same data.
std::string identity(const std::string& spec, const Dataset& data) {
  constexpr std::int64_t most_names = 32;
  std::string names;
  for (const std::string& name : data.class_names()) names += (names.empty() ? ": " : ", ") + name;
  return fmt::format("{}: {} images {} of {} classes{}", spec.substr(0, spec.find_first_of(":@#")), data.size(),
                     data.sample_shape().to_string(), data.classes(), data.classes() <= most_names ? names : "");
}

TrainOptions train_options(const TrainFlags& o, const std::optional<Checkpoint>& from) {
  TrainOptions t = from ? from->options : TrainOptions{.batch = default_batch, .seed = default_seed};
  t.epochs = o.epochs;
  t.max_steps = o.max_steps;
  if (o.batch) t.batch = *o.batch;
  if (o.seed) t.seed = static_cast<std::uint64_t>(*o.seed);
  if (!o.init.empty()) t.init = o.init;
  if (!o.augment.empty()) t.augment = o.augment == "none" ? "" : o.augment;
  t.augment_on_device = o.augment_on == "device";
  require(!t.augment_on_device || !t.augment.empty(),
          [] { return std::string("--augment-on device: there is nothing to do without --augment"); });
  if (!o.precision.empty()) t.precision = precision_named(o.precision);
  t.passes = passes_of(o.passes, t.precision, t.passes);
  apply(o.optimizer, from.has_value(), t);
  return t;
}

// "lenet5", or "my_net" of "nets/my_net.toml".
std::string short_name(const std::string& net) {
  const std::string file = net.substr(net.rfind('/') + 1);
  const std::size_t dot = file.rfind(".toml");
  return dot == std::string::npos || dot == 0 ? file : file.substr(0, dot);
}

struct Data {
  std::unique_ptr<Dataset> train, validation, test;  // validation: null where none is asked for
  std::vector<std::string> notes;                    // of what was left out
  Unreadable unreadable = Unreadable::fail;
};
Data open_all(const TrainFlags& o, const std::optional<Checkpoint>& from) {
  DataSplits splits = open_data(with_flags(o.data, o.data_flags));
  Data data{std::move(splits.train), nullptr, std::move(splits.test), splits.notes, splits.unreadable};
  if (!o.test_data.empty()) data.test = open_data(o.test_data).test;
  if (o.validation) {
    const double asked = *o.validation;  // a fraction or a number of images
    const double images = asked < 1 ? std::round(asked * static_cast<double>(data.train->size())) : asked;
    require(images == std::floor(images) && images < 0x1p31, [&] {
      return fmt::format("--validation: expected a fraction below 1 or a number of images, got {}", asked);
    });
    const std::uint64_t seed = o.seed ? static_cast<std::uint64_t>(*o.seed) : from ? from->options.seed : default_seed;
    ValidationSplit split = split_validation(std::move(data.train), static_cast<std::int64_t>(images), seed);
    data.train = std::move(split.train);
    data.validation = std::move(split.validation);
  }
  return data;
}

// The net for these data, with a head of its own where --new-head asks for one.
Model load_model(const TrainFlags& o, const Dataset& data) {
  const Graph net = load_net(o.net, data.sample_shape(), o.new_head.value_or(data.classes()));
  return make_classifier(o.new_head ? with_new_head(net, *o.new_head) : net);
}

void transfer(const TrainFlags& o, const Model& model, Trainer& trainer, Output& out) {
  const TransferReport report =
      transfer_weights(read_checkpoint(o.init_from), o.init_from, model, o.new_head.has_value(), *trainer.weights());
  out.say(fmt::format("{}: {} tensors loaded, {} skipped, {} of the net new", o.init_from, report.loaded.size(),
                      report.skipped.size(), report.fresh.size()));
  for (const std::string& line : report.skipped) out.say("  skipped: " + line);
  for (const std::string& name : report.fresh) out.say("  new: " + name);
}

// Leaves the failed step in the run's directory and tells where it went wrong.
[[noreturn]] void explain(const NonFiniteError& error, const Model& model, Backend& backend, Trainer& trainer,
                          const RunDirectory& directory) {
  const Replay replay = trainer.replay();
  write_replay(directory.replay_path(), replay);
  const std::optional<NonFinite> found = repeat_step(replay, directory.replay_path(), model, backend);
  const std::string where =
      found ? "first in " + describe(*found) : "every value is finite when the step is repeated layer by layer";
  throw Error(fmt::format("{}\n{}\n'fovea replay {}' repeats the step", error.what(), where, directory.replay_path()));
}

// ", bf16" behind the device where that is not all there is to say.
std::string precision_text(const TrainOptions& options) {
  return options.precision == Precision::fp32 ? "" : fmt::format(", {}", name_of(options.precision));
}

// A run goes on where it was made unless another device is named: each has bits of its own.
std::unique_ptr<Backend> open_for(const TrainFlags& o, const std::optional<Checkpoint>& from, Precision precision) {
  const bool named = o.device.device != "auto" || !o.device.engine.empty();
  if (!from || from->device.empty() || named) return open(o.device, precision);
  try {
    return open({.device = from->device}, precision);
  } catch (const DeviceError& error) {
    throw DeviceError(fmt::format("{}\nthe run in {} was made there; --device NAME goes on elsewhere, with other bits",
                                  error.what(), o.resume));
  }
}

// Who computes the layers with engine "auto"; null otherwise. A run that goes on keeps the engines that it was begun with.
Json engines_for(const TrainFlags& o, const std::optional<Checkpoint>& from, const std::string& path,
                 const Model& model, Backend& backend, const TrainOptions& options, const TrainingSets& sets,
                 Output& out) {
  const Model trained = training_model(model, options);
  std::vector<PlanOptions> plans;
  for (const std::int64_t images : piece_sizes(sets.training, options))
    plans.push_back(pass_options(trained, options.precision, images, true, options.passes));
  for (const std::int64_t images : sets.evaluated)
    plans.push_back(
        evaluation_options(trained, options, std::min(images, options.evaluation_batch()), sets.keeps_best));
  if (!from) return choose_engines(trained.graph, backend, plans, o.engines, out);
  return engines_of_checkpoint(*from, path, trained.graph, backend, plans, o.engines, out);
}

// A JSON number, or null where there is none.
Json number(double value) { return value; }

int run_train(const TrainFlags& o, Output& out) {
  // Everything that can be refused is refused before the first file or directory is made.
  std::optional<Checkpoint> from;
  const RunDirectory old = RunDirectory::to_resume(o.resume);
  if (!o.resume.empty()) from = read_checkpoint(old.checkpoint_path());
  RunDirectory directory = !o.out.empty() ? RunDirectory(o.out)
                           : from         ? old
                                          : RunDirectory::next_free(short_name(o.net));
  const bool elsewhere = !from || !directory.is_same_as(old);
  const bool replaces = elsewhere && !o.out.empty() && directory.holds_a_run();
  require(!replaces || o.overwrite, [&] {
    return fmt::format("--out: {0} holds a run; --resume {0} goes on with it, --overwrite replaces it", o.out);
  });
  const Data data = open_all(o, from);
  const Dataset &train = *data.train, &test = *data.test;

  require(o.init_from.empty() || o.resume.empty(),
          [] { return std::string("--init-from starts a training and --resume goes on with one: give one of them"); });
  const Model model = load_model(o, train);
  require_fit(model, train, o.data);
  require_fit(model, test, o.test_data.empty() ? o.data : o.test_data);
  TrainOptions options = train_options(o, from);
  const std::unique_ptr<Backend> backend = open_for(o, from, options.precision);
  options.unreadable = data.unreadable;
  options.capture = !o.no_graph;
  // Making a batch of what lies in memory is quicker than handing it from thread to thread.
  const bool only_copies = train.file(0).empty() && (options.augment.empty() || options.augment_on_device);
  options.loader_threads = static_cast<int>(o.loader_threads.value_or(only_copies ? 0 : 1));
  require(options.batch <= train.size(), [&] {
    return fmt::format("--batch: expected at most {} (the training images of '{}'), got {}", train.size(), o.data,
                       options.batch);
  });
  TrainingSets sets{.training = train.size(), .evaluated = {test.size()}};
  if (data.validation) sets.evaluated.push_back(data.validation->size()), sets.keeps_best = true;
  fit_into_memory(o.memory, from.has_value(), model, *backend, sets, options);
  const Json engines = engines_for(o, from, old.checkpoint_path(), model, *backend, options, sets, out);
  if (!engines.is_null()) fit_into_memory(o.memory, from.has_value(), model, *backend, sets, options);
  Trainer trainer(model, *backend, train, identity(o.data, train), options, sets);
  std::string earlier_metrics;
  if (!o.inject.empty()) trainer.inject(o.inject);
  if (!o.init_from.empty()) transfer(o, model, trainer, out);
  if (from) {
    trainer.resume(*from, old.checkpoint_path());
    earlier_metrics = old.read_metrics(from->step);
  }
  directory.create();
  if (elsewhere && !o.out.empty()) directory.remove_run();
  if (from && elsewhere && data.validation) directory.take_validations(old, from->step / trainer.steps_per_epoch());

  for (const std::string& note : data.notes) out.say("note: " + note);
  if (options.micro_batch > 0 || !o.memory.micro_batch.empty()) out.say("note: " + micro_batch_note(options, model));
  out.say(fmt::format("{}: {} parameters; {}: {} training and {} test images", model.graph.name(),
                      grouped(trainer.weights()->layout().parameters), o.data, grouped(train.size()),
                      grouped(test.size())));
  out.say(fmt::format("{}{}; batch {}, {}, seed {}; memory {}", backend->name(), precision_text(options), options.batch,
                      describe_optimizer(options), options.seed, bytes_text(trainer.planned_bytes())));
  say_what_is_off(options.passes, out);
  if (options.augment_on_device)
    out.say(fmt::format("augmentation on {}, engine {}", backend->name(),
                        backend->choose("augment", Direction::forward, {}).engine));
  if (const std::string why = trainer.not_captured(); !why.empty() && backend->no_capture().empty())
    out.say(fmt::format("steps are not captured and replayed: {}", why));
  if (from) out.say(fmt::format("goes on after step {} of {}", from->step, old.checkpoint_path()));
  if (from && !from->device.empty() && from->device != backend->name())
    out.say(fmt::format("note: the steps before were made on {}; on {} the run ends in other bits", from->device,
                        backend->name()));
  if (replaces) out.say(fmt::format("replaces the run in {}", directory.path()));

  std::int64_t last_step = options.epochs * trainer.steps_per_epoch();
  if (options.max_steps >= 0) last_step = std::min(last_step, options.max_steps);
  TrainingRun run(model, *backend, trainer, data.validation.get(), directory, earlier_metrics, o.run, out);
  TrainingRun::End end{};
  try {
    end = run.run(last_step);
  } catch (const NonFiniteError& error) {
    explain(error, model, *backend, trainer, directory);
  }
  if (end == TrainingRun::End::stopped) {
    out.say(fmt::format("checkpoint: {}", directory.checkpoint_path()));
    out.result(fmt::format("stopped by {} after step {}; 'fovea train ... --resume {}' goes on", run.signal(),
                           trainer.steps_done(), directory.path()));
    out.object({{"stopped_by", run.signal()},
                {"checkpoint", directory.checkpoint_path()},
                {"metrics", directory.metrics_path()},
                {"net", model.graph.name()},
                {"epochs", options.epochs},
                {"steps", trainer.steps_done()}});
    return 0;
  }

  if (end == TrainingRun::End::no_longer_better) out.say("stops early: validation no longer gets better");
  // With a validation split the best epoch's weights are the result.
  std::shared_ptr<ParameterArena> weights = trainer.evaluation_weights();
  const std::optional<Validation> best = run.best();
  if (best) {
    weights = std::make_shared<ParameterArena>(trainer.weights()->layout(), backend->memory());
    load_evaluation_weights(read_checkpoint(directory.best_path()), directory.best_path(), *weights);
    out.say(fmt::format("best epoch: {} with a validation accuracy of {}: {}", best->epoch, percent(best->accuracy),
                        directory.best_path()));
  }
  const Evaluation result =
      evaluate(model, *backend, weights, test, trainer.normalization(), trainer.evaluation_batch(), trainer.arena(),
               trainer.precision(), trainer.passes());
  out.say(fmt::format("checkpoint: {}", directory.checkpoint_path()));
  out.result(fmt::format("test accuracy: {}", percent(result.accuracy)));
  Json object{{"train_loss", number(trainer.epoch_mean_loss())},
              {"test_accuracy", result.accuracy},
              {"test_top5_accuracy", result.confusion.top5_accuracy()},
              {"test_loss", result.loss},
              {"images_per_second", trainer.images_per_second()},
              {"train_seconds", trainer.seconds()},
              {"best_epoch", best ? Json(best->epoch) : Json()},
              {"validation_accuracy", best ? Json(best->accuracy) : Json()},
              {"checkpoint", directory.checkpoint_path()},
              {"metrics", directory.metrics_path()},
              {"device", device_of(*backend)},
              {"engine", engine_of(*backend)},
              {"seed", options.seed},
              {"net", model.graph.name()},
              {"epochs", options.epochs},
              {"steps", trainer.steps_done()},
              {"batch", options.batch},
              {"micro_batch", options.piece()},
              {"planned_bytes", trainer.planned_bytes()},
              {"captured", trainer.not_captured().empty()},
              {"passes", passes_json(options.passes)}};
  if (options.precision != Precision::fp32) object["precision"] = name_of(options.precision);
  if (!engines.is_null()) object["engines"] = engines;
  if (const LossScale* scaling = trainer.scaling()) {
    object["loss_scale"] = scaling->scale;
    object["skipped_steps"] = scaling->skipped_steps;
  }
  out.object(object);
  return 0;
}

}  // namespace

Run declare_train(Arguments& arguments) {
  auto o = std::make_shared<TrainFlags>();
  const auto otherwise = [](auto value) { return fmt::format(" [{}]", value); };
  const IntegerLimits positive{1};
  arguments.text("NET", o->net, "", std::string(net_help) + "; a built-in net follows the data's shape and classes",
                 Presence::required);
  arguments.text("--data", o->data, "SPEC", data_help, Presence::required);
  arguments.text("--test-data", o->test_data, "SPEC", "Take the test images from here; default: --data");
  arguments.integer("--epochs", o->epochs, positive, "Epochs in all, those before --resume included");
  arguments.integer("--batch", o->batch, positive,
                    "Images per step, at most the training images" + otherwise(default_batch));
  arguments.integer("--seed", o->seed, {0, std::numeric_limits<std::int64_t>::max()},
                    "Of the initial weights and the shuffling" + otherwise(default_seed));
  declare_optimizer_options(arguments, o->optimizer);
  declare(arguments, o->memory);
  declare_precision(arguments, o->precision, all_precisions(),
                    "What is computed with; weights stay float32: tf32 on cuda, fp32x3 on emu and cuda, bf16 and fp16 "
                    "(loss scaling) on reference, emu and cuda [fp32]");
  declare(arguments, o->device);
  declare(arguments, o->engines);
  arguments.text("--out", o->out, "DIR",
                 "Where last.safetensors and metrics.jsonl go; default: --resume, or runs/NET-K with the first free K");
  arguments.flag("--overwrite", o->overwrite, "Replace the run that --out holds");
  arguments.text(
      "--resume", o->resume, "RUN",
      "Go on from this run, its directory or the last.safetensors in it; its options hold unless given again");
  arguments.text("--init", o->init, "NAME[:key=value,...]",
                 "How weights start: kaiming_normal:mode=fan_out, normal:std=0.01,bias=1, ... (docs/net-files.md)");
  arguments.text("--augment", o->augment, "OPS",
                 "Random changes of the training images, from left to right: crop:4,flip,... (docs/data.md), or none");
  arguments.choice(
      "--augment-on", o->augment_on, {"host", "device"},
      "Where images are changed and normalised: by the loader's threads, or where the net is trained [host]");
  arguments.real("--validation", o->validation, {0, std::numeric_limits<double>::max(), false},
                 "Keep so many training images, or this fraction of them, to find the best epoch by: best.safetensors");
  arguments.integer(
      "--loader-threads", o->loader_threads, {0, 256},
      "Threads that make batches ahead of time; default: 1 for files and augmentation on the host, else 0");
  arguments.text("--init-from", o->init_from, "CHECKPOINT",
                 "Start from the weights of this checkpoint that fit the net by name and shape");
  arguments.integer("--new-head", o->new_head, {1, std::numeric_limits<std::int32_t>::max()},
                    "Give the net a new last layer for so many classes");
  declare(arguments, o->data_flags);
  declare(arguments, o->run);
  arguments.flag("--no-graph", o->no_graph,
                 "Tell the device every step call by call, where it could capture a step and replay it; the same bits");
  declare(arguments, o->passes);
  declare_no_copies(arguments, o->passes);
  arguments.text("--inject", o->inject, "LAYER", "Put a NaN into the output of this layer, to see it found");
  arguments.integer("--max-steps", o->max_steps, {-1}, "Stop after this many steps in all; -1: never");
  std::vector<std::string> in_recipes{"NET",           "--data", "--test-data", "--size",       "--epochs",
                                      "--batch",       "--seed", "--augment",   "--validation", "--early-stop",
                                      "--micro-batch", "--init", "--precision"};
  for (std::string& name : optimizer_option_names()) in_recipes.push_back(std::move(name));
  arguments.recipe(in_recipes);
  arguments.footer(
      "Trains on the train split and reports the final weights on the test split. The checkpoint is saved\n"
      "after every epoch and at the end; the same command gives the same bytes, also when it is cut and resumed.\n"
      "A recipe says what is trained and how; options given beside it go first.\n\n"
      "Examples:\n"
      "  fovea train lenet5 --data digits --epochs 3\n"
      "  fovea train lenet5 --data mnist:data/mnist --epochs 5 --lr 0.02 --out runs/mnist\n"
      "  fovea train lenet5 --data mnist:data/mnist --epochs 8 --resume runs/mnist\n"
      "  fovea train --recipe recipes/lenet5-mnist.toml --data mnist:data/mnist\n"
      "  fovea train resnet20 --data cifar10:data/cifar10 --optimizer adamw --lr 0.002 --schedule cosine --warmup 200\n"
      "  fovea train my_net.toml --data synthetic:3x32x32:10 --batch 32 --device emu --max-steps 20 --json");
  return [o](Output& out) { return run_train(*o, out); };
}

}  // namespace fovea::cli
