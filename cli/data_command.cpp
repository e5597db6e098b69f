// SPDX-License-Identifier: Apache-2.0
#include "cli/data_command.h"

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/net_and_data.h"
#include "core/data/augment/augmentation.h"
#include "core/data/open_data.h"
#include "core/support/did_you_mean.h"
#include "core/support/error.h"

namespace fovea::cli {
namespace {

// An option that the action does not know is a mistake, not a wish to be ignored.
void require_unused(const DataCommandOptions& o, const char* name, bool given,
                    std::initializer_list<const char*> for_actions) {
  for (const char* action : for_actions) given = given && o.action != action;
  require(!given, [&] {
    return fmt::format("{}: of no use to 'fovea data {}'; it is for {}", name, o.action,
                       fmt::join(for_actions, " and "));
  });
}

int run_data(const DataCommandOptions& o, Output& out) {
  require(o.action == "check" || o.action == "show" || o.action == "bench", [&] {
    return fmt::format("ACTION: expected check, show or bench, got '{}'{}", o.action,
                       did_you_mean(o.action, {"check", "show", "bench"}));
  });
  require_unused(o, "--out", !o.out.empty(), {"show"});
  require_unused(o, "--count", o.count.has_value(), {"show"});
  require_unused(o, "--augment", !o.augment.empty(), {"show", "bench"});
  require_unused(o, "--split", !o.split.empty(), {"show", "bench"});
  require_unused(o, "--seed", o.seed.has_value(), {"show", "bench"});
  require_unused(o, "--batch", o.batch.has_value(), {"bench"});
  require_unused(o, "--seconds", o.seconds.has_value(), {"bench"});
  if (!o.augment.empty()) Augmentation::parse(o.augment);  // refused before long reads
  const DataSplits splits = open_data(with_flags(o.spec, o.flags), {.one_split = true});
  require(o.split != "test" || splits.test,
          [&] { return fmt::format("--split: data '{}' have a train split only", splits.spec); });
  for (const std::string& note : splits.notes) out.say("note: " + note);
  if (o.action == "check") return check_data_command(o, splits, out);
  if (o.action == "show") return show_data_command(o, splits, out);
  return bench_data_command(o, splits, out);
}

}  // namespace

Run declare_data(Arguments& arguments) {
  auto o = std::make_shared<DataCommandOptions>();
  arguments.text("ACTION", o->action, "", "check, show or bench", Presence::required);
  arguments.text("SPEC", o->spec, "", data_help, Presence::required);
  declare(arguments, o->flags);
  arguments.choice("--split", o->split, {"train", "test"}, "show, bench: which samples [train]");
  arguments.text("--out", o->out, "FILE.png", "show: where the picture goes");
  arguments.integer("--count", o->count, {1, 4096}, "show: how many samples, drawn by lot [64; augmented: 8]");
  arguments.text("--augment", o->augment, "LIST", "show, bench: change the samples, e.g. crop:4,flip,color:0.2");
  arguments.integer("--seed", o->seed, {0}, "show, bench: of the lot and the augmentation [1]");
  arguments.integer("--batch", o->batch, {1, 65536}, "bench: samples of a batch [64]");
  arguments.real("--seconds", o->seconds, {0.01, 600, true}, "bench: for each measurement [2]");
  std::string augmentations;
  for (const std::string& line : augmentation_help()) augmentations += "  " + line + "\n";
  arguments.footer(
      "check reads every sample and ends with exit code 1 when something is wrong: samples that cannot be read, "
      "classes\n"
      "without samples, equal samples across classes or splits. show draws samples into one picture; with --augment "
      "each\n"
      "row is a sample and what becomes of it in seven epochs. bench measures decoding and resizing alone and the "
      "whole\n"
      "way to a batch.\n\n"
      "Augmentations:\n" +
      augmentations +
      "\nExamples:\n"
      "  fovea data check folder:photos@128 --holdout 5\n"
      "  fovea data check mnist:data/mnist --json\n"
      "  fovea data show folder:photos@128 --out grid.png --augment resized-crop,flip,color:0.2\n"
      "  fovea data bench folder:photos@128 --augment crop:8,flip");
  return [o](Output& out) { return run_data(*o, out); };
}

}  // namespace fovea::cli
