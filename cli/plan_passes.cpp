// SPDX-License-Identifier: Apache-2.0
#include "cli/plan_passes.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

namespace fovea::cli {

void declare_no_layouts(Arguments& arguments, bool& no_layouts) {
  arguments.flag("--no-layouts", no_layouts,
                 "Leave images as the net has them (NCHW), whatever layout an engine would ask for");
}

void declare(Arguments& arguments, PassFlags& flags) {
  declare_no_layouts(arguments, flags.no_layouts);
  arguments.flag("--no-fuse", flags.no_fuse,
                 "Give every layer a step and a buffer of its own: no fused ReLU, no work in place");
}

void declare_no_copies(Arguments& arguments, PassFlags& flags) {
  arguments.flag("--no-copies", flags.no_copies,
                 "In training in 16 bits, cast the weights in every pass instead of keeping 16-bit copies");
}

PlanPasses passes_of(const PassFlags& flags, Precision precision, PlanPasses otherwise) {
  const PlanPasses passes{.layouts = otherwise.layouts && !flags.no_layouts,
                          .fuse = otherwise.fuse && !flags.no_fuse,
                          .copies = otherwise.copies && !flags.no_copies};
  require_passes(precision, passes);
  return passes;
}

std::string passes_text(PlanPasses passes) {
  const auto word = [](bool on) { return on ? "on" : "off"; };
  return fmt::format("layouts {}, fusion {}, copies {}", word(passes.layouts), word(passes.fuse), word(passes.copies));
}

void say_what_is_off(PlanPasses passes, Output& out) {
  if (passes != PlanPasses{}) out.say("passes: " + passes_text(passes));
}

Json passes_json(PlanPasses passes) {
  return {{"layouts", passes.layouts}, {"fuse", passes.fuse}, {"copies", passes.copies}};
}

}  // namespace fovea::cli
