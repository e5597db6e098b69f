// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/data/augment/augmentation.h"
#include "core/executor/plan.h"
#include "core/graph/graph.h"
#include "core/train/train_options.h"

namespace fovea {

// The augmentation of these options; throws InputError.
Augmentation augmentation_of(const TrainOptions& options);

// The net that a training's steps compute: `model`, or where its augmentation mixes samples, with_soft_targets(model).
// Evaluations compute `model`. Throws InputError naming the augmentation for a loss that takes no mixed labels.
Model training_model(const Model& model, const TrainOptions& options);

// A pass that leaves the loss and the logits: a step's, whose weights have 16-bit copies where its plan has them kept, or
// an evaluation's, of any weights, which casts. Throws InputError for fp32x3 without the pass `layouts`: its tensor cores
// take images in NHWC only.
PlanOptions pass_options(const Model& model, Precision precision, std::int64_t images, bool training,
                         PlanPasses passes = {});

// An evaluation's of this training: it has the copies, too, but where it is the weights' average that is evaluated, or in
// the end (`keeps_best`) the best weights.
PlanOptions evaluation_options(const Model& model, const TrainOptions& options, std::int64_t images, bool keeps_best);

// What a training keeps 16-bit copies of its weights in, for the plans of its steps; f32: it keeps none.
DType copies_of(const TrainOptions& options);

// The net that takes this batch of a training: `model`, or with_soft_targets(model) where its labels are targets.
Model model_for(const Model& model, const Batch& batch);

}  // namespace fovea
