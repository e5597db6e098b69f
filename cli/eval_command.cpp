// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/commands.h"
#include "cli/data_options.h"
#include "cli/device_options.h"
#include "cli/engine_options.h"
#include "cli/net_and_data.h"
#include "cli/plan_passes.h"
#include "core/data/views.h"
#include "core/executor/fold_batch_norm.h"
#include "core/train/test_time.h"
#include "core/train/trainer.h"
#include "core/train/training_model.h"

namespace fovea::cli {
namespace {

struct EvalFlags {
  std::string checkpoint, data, split = "test", views, precision = "fp32";
  DataFlags flags;
  std::int64_t batch = 256, seed = 1;
  bool fold = false, confusion = false;
  PassFlags passes;
  DeviceOptions device;
  EngineFlags engines;
};

std::vector<Tensor> host_copies(const ParameterArena& arena) {
  std::vector<Tensor> copies;
  for (std::size_t i = 0; i < arena.layout().entries.size(); ++i) copies.push_back(arena.get(i));
  return copies;
}

// A table: each class, how much of it was recognised, and what it was taken for most often.
std::vector<std::string> class_lines(const Checkpoint& checkpoint, const Confusion& table) {
  std::vector<std::vector<std::string>> rows{{"class", "most often taken for", "images", "accuracy"}};
  for (std::int64_t label = 0; label < table.classes(); ++label) {
    std::int64_t images = 0, other = -1;
    for (std::int64_t answer = 0; answer < table.classes(); ++answer) {
      images += table.count(label, answer);
      if (answer != label && table.count(label, answer) > (other < 0 ? 0 : table.count(label, other))) other = answer;
    }
    rows.push_back({class_name(checkpoint, label),
                    other < 0 ? "-" : fmt::format("{} ({})", class_name(checkpoint, other), table.count(label, other)),
                    grouped(images), images > 0 ? percent(table.class_accuracy(label)) : "-"});
  }
  return aligned(rows, 2);
}

int run_eval(const EvalFlags& options, Output& out) {
  const Checkpoint checkpoint = read_checkpoint(options.checkpoint);
  Model model = model_of(checkpoint, options.checkpoint);
  std::optional<Views> views;
  if (!options.views.empty()) views = Views::parse(options.views);
  const DataSplits splits = open_data(with_flags(options.data, options.flags));
  for (const std::string& note : splits.notes) out.say("note: " + note);
  const Dataset& data = options.split == "train" ? *splits.train : *splits.test;
  require_fit(model, data, options.data);
  const Precision precision = precision_named(options.precision);
  const std::unique_ptr<Backend> backend = open(options.device, precision);
  auto weights = std::make_shared<ParameterArena>(ParameterLayout::of(model.graph), backend->memory());
  load_evaluation_weights(checkpoint, options.checkpoint, *weights);
  if (options.fold) {
    FoldedModel folded = fold_batch_norm(model, host_copies(*weights));
    out.say(fmt::format("{} batch normalisations folded into the layers before them", folded.folded));
    model = std::move(folded.model);
    weights = std::make_shared<ParameterArena>(ParameterLayout::of(model.graph), backend->memory());
    for (std::size_t i = 0; i < folded.weights.size(); ++i) weights->set(i, folded.weights[i]);
  }

  const PlanPasses passes = passes_of(options.passes, precision);
  const PlanOptions plan = pass_options(model, precision, std::min(options.batch, data.size()), false, passes);
  const Json engines =
      engines_of_checkpoint(checkpoint, options.checkpoint, model.graph, *backend, {plan}, options.engines, out);
  const Evaluation result =
      evaluate(model, *backend, weights, data, checkpoint.normalization, options.batch, {}, precision, passes);
  out.say(fmt::format("{} on {}: {} images of {} ({})", model.graph.name(), backend->name(), grouped(result.images),
                      options.data, options.split));
  say_what_is_off(passes, out);
  out.result(fmt::format("loss: {:.4f}", result.loss));
  out.result(fmt::format("{} accuracy: {}", options.split, percent(result.accuracy)));
  const Confusion& table = result.confusion;
  if (table.classes() > 5)
    out.result(fmt::format("{} top-5 accuracy: {}", options.split, percent(table.top5_accuracy())));
  Json by_class = Json::object(), confusion = Json::array();
  for (std::int64_t label = 0; label < table.classes(); ++label) {
    std::vector<std::int64_t> answers;
    for (std::int64_t answer = 0; answer < table.classes(); ++answer) answers.push_back(table.count(label, answer));
    by_class[class_name(checkpoint, label)] = table.class_accuracy(label);
    confusion.push_back(answers);
  }
  if (options.confusion)
    for (const std::string& line : class_lines(checkpoint, table)) out.result(line);
  Json object{{"accuracy", result.accuracy},   {"top5_accuracy", table.top5_accuracy()},
              {"class_accuracy", by_class},    {"confusion", confusion},
              {"loss", result.loss},           {"images", result.images},
              {"split", options.split},        {"net", model.graph.name()},
              {"device", device_of(*backend)}, {"engine", engine_of(*backend)},
              {"passes", passes_json(passes)}};
  if (!engines.is_null()) object["engines"] = engines;
  if (views) {
    const ViewsEvaluation averaged =
        evaluate_views(model, *backend, weights, data, checkpoint.normalization, *views,
                       static_cast<std::uint64_t>(options.seed), options.batch, precision, passes);
    const double gain = averaged.views_accuracy - averaged.accuracy;
    out.result(fmt::format("{} accuracy over {} views ({}): {}, gain {:+.1f} points", options.split, views->count(),
                           views->text(), percent(averaged.views_accuracy), 100 * gain));
    object["tta"] = {{"views", views->text()},
                     {"count", views->count()},
                     {"accuracy", averaged.views_accuracy},
                     {"loss", averaged.views_loss},
                     {"gain", gain}};
  }
  out.object(object);
  return 0;
}

}  // namespace

Run declare_eval(Arguments& arguments) {
  auto options = std::make_shared<EvalFlags>();
  arguments.text("CHECKPOINT", options->checkpoint, "", "A last.safetensors that 'fovea train' left",
                 Presence::required);
  arguments.text("--data", options->data, "SPEC", data_help, Presence::required);
  declare(arguments, options->flags);
  arguments.choice("--split", options->split, {"test", "train"}, "Which images of the data");
  arguments.integer("--batch", options->batch, {1}, "Images at a time");
  arguments.flag("--confusion", options->confusion, "Also each class's accuracy and what it is confused with");
  arguments.flag("--fold", options->fold, "Fold batch normalisations into the layers before them");
  arguments.text("--tta", options->views, "VIEWS",
                 "Also average the probabilities over views: flip, five-crop, ten-crop or random:N");
  arguments.integer("--seed", options->seed, {0}, "Of random views");
  declare_precision(arguments, options->precision, all_precisions(),
                    "What is computed with, whatever it was trained in");
  declare(arguments, options->passes);
  declare(arguments, options->device);
  declare(arguments, options->engines);
  arguments.footer(
      "The checkpoint brings its own net and the normalisation of the data it was trained on.\n\n"
      "Examples:\n"
      "  fovea eval runs/lenet5-1/last.safetensors --data digits\n"
      "  fovea eval runs/lenet5-1/last.safetensors --data mnist:data/mnist --split train --json\n"
      "  fovea eval runs/alexnet-1/last.safetensors --data folder:photos@128 --holdout 5 --tta ten-crop");
  return [options](Output& out) { return run_eval(*options, out); };
}

}  // namespace fovea::cli
