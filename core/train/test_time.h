// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>

#include "core/backend/backend.h"
#include "core/data/views.h"
#include "core/executor/executor.h"
#include "core/train/trainer.h"

namespace fovea {

// A classifier with and without test-time augmentation.
struct ViewsEvaluation {
  double accuracy = 0;        // of the images as they are
  double views_accuracy = 0;  // of the softmax probabilities averaged over the views
  double views_loss = 0;      // mean of -log of the averaged probability of the label
  std::int64_t images = 0;
};

// Runs every image of `data` and every view of it through the model. `batch` is a limit; `seed` is that of random views.
// Throws InputError unless the model tells classes of whole images apart.
ViewsEvaluation evaluate_views(const Model& model, Backend& backend, std::shared_ptr<ParameterArena> weights,
                               const Dataset& data, const Normalization& normalization, const Views& views,
                               std::uint64_t seed = 1, std::int64_t batch = 256, Precision precision = Precision::fp32,
                               PlanPasses passes = {});

}  // namespace fovea
