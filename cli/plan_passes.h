// SPDX-License-Identifier: Apache-2.0
//
// The passes of a plan (core/executor/plan.h) on the command line: each can be left out, to see what it is worth.
#pragma once
#include <string>

#include "cli/arguments.h"
#include "cli/output.h"
#include "core/executor/plan.h"

namespace fovea::cli {

struct PassFlags {
  bool no_layouts = false, no_fuse = false, no_copies = false;
};
// --no-layouts and --no-fuse.
void declare(Arguments& arguments, PassFlags& flags);
// --no-copies, of commands that train.
void declare_no_copies(Arguments& arguments, PassFlags& flags);
// The first of them, where nothing is ever fused.
void declare_no_layouts(Arguments& arguments, bool& no_layouts);

// `otherwise`, without what the flags leave out. Throws InputError for a precision that needs one of these.
PlanPasses passes_of(const PassFlags& flags, Precision precision, PlanPasses otherwise = {});

// "layouts on, fusion off, copies on"
std::string passes_text(PlanPasses passes);
// Says so where one is off.
void say_what_is_off(PlanPasses passes, Output& out);
// "layouts", "fuse", "copies": whether it is on.
Json passes_json(PlanPasses passes);

}  // namespace fovea::cli
