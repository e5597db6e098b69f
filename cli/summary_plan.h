// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "cli/device_options.h"
#include "cli/output.h"
#include "cli/roofline.h"
#include "core/executor/plan.h"
#include "core/graph/graph.h"
#include "core/tensor/precision.h"

namespace fovea::cli {

// The options of `fovea summary --plan`.
struct PlanSummaryOptions {
  bool plan = false;
  std::string mode;  // empty where not given: train
  RooflineOptions roofline;
};
void declare(Arguments& arguments, PlanSummaryOptions& options);
// Throws InputError when an option was given that says nothing without --plan.
void require_plan(const PlanSummaryOptions& options);

// Prints the steps of the net's plan on a dry device (core/backend/device_list.h), and returns them: "mode", "steps",
// "layout_conversions", "launches".
Json print_plan(const Model& model, Backend& dry, std::int64_t batch, Precision precision, PlanPasses passes,
                const PlanSummaryOptions& options, Output& out);

}  // namespace fovea::cli
