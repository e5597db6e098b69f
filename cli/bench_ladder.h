// SPDX-License-Identifier: Apache-2.0
//
// A ladder: the same work done by each generation of a device's own kernels (Backend::generations) and by the library that
// the device has beside them. What `fovea bench conv` and `fovea bench gemm` share.
#pragma once
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/arguments.h"
#include "cli/bench_timing.h"
#include "cli/device_options.h"
#include "cli/roofline.h"

namespace fovea::cli {

struct LadderOptions {
  std::string direction = "all", precision = "fp32", out;
  TimingOptions timing{.repeats = 5, .min_seconds = 0.02, .max_seconds = 1};
  bool no_ceilings = false;
  DeviceOptions device;
  RooflineOptions roofline;
};
// `directions` beside "all".
void declare(Arguments& arguments, LadderOptions& options, const std::vector<std::string>& directions);

// Who does the work.
struct Contestant {
  std::string name;  // the generation's, or the library's engine
  EngineChoice engine;
  std::optional<Layout> layout{};  // of images; nothing: the engine says which it wants
  bool own = true;
};

// A row of the ladder.
struct LadderWork {
  std::string name, direction;
  std::string size;        // for people
  Json description;        // keys of the row in JSON
  std::int64_t flops = 0;  // 2 for each multiply-accumulate
  std::int64_t bytes = 0;  // operands read and result written once
  // Makes random operands and returns what enqueues the work. Throws InputError where the contestant does not do it.
  std::function<std::function<void()>(const Contestant&)> prepare{};
};

// Measures, prints and returns the exit code. `head` begins the JSON object. Throws InputError when nobody on the device
// does `op` in the precision.
int run_ladder(const LadderOptions& options, Backend& backend, const std::string& op, Json head,
               const std::vector<LadderWork>& works, Output& out);

}  // namespace fovea::cli
