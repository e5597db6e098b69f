// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>

#include "core/compare/non_finite.h"
#include "core/train/replay.h"

namespace fovea::cli {

// Runs the step of a replay again and looks for NaN and infinity; `samples` are then numbers in the training data. Throws
// InputError naming `path` when its tensors are not the model's.
std::optional<NonFinite> repeat_step(const Replay& replay, const std::string& path, const Model& model,
                                     Backend& backend);

// "layer 'conv2': output: 1 value is not finite; samples 3, 17"
std::string describe(const NonFinite& found);

}  // namespace fovea::cli
