// SPDX-License-Identifier: Apache-2.0
//
// Float32 error bound of a mean over the batch (docs/numerics.md), the last step of every loss.
#pragma once
#include "core/tolerance/uncertain.h"

namespace fovea {

// Fills loss.tolerance; loss [1] is the sum of `losses` divided by `total`, which may itself be off by
// `total_tolerance`.
void mean_loss_tolerance(const Uncertain& losses, double total, double total_tolerance, Uncertain& loss);
// The same for the number of losses as total.
void mean_loss_tolerance(const Uncertain& losses, Uncertain& loss);

}  // namespace fovea
