// SPDX-License-Identifier: Apache-2.0
#include "core/train/training_model.h"

#include <fmt/core.h>

#include "core/support/error.h"

namespace fovea {

Augmentation augmentation_of(const TrainOptions& options) {
  return options.augment.empty() ? Augmentation() : Augmentation::parse(options.augment);
}

Model training_model(const Model& model, const TrainOptions& options) {
  if (!augmentation_of(options).mixes()) return model;
  try {
    return with_soft_targets(model);
  } catch (const InputError& error) {
    throw InputError(fmt::format("augmentation '{}' mixes labels: {}", options.augment, error.what()));
  }
}

PlanOptions pass_options(const Model& model, Precision precision, std::int64_t images, bool training,
                         PlanPasses passes) {
  require_passes(precision, passes);
  return {.batch = images,
          .training = training,
          .target = model.loss,
          .dtype = storage_of(precision),
          .keep = {model.logits},
          .passes = passes,
          .kept_copies = passes.keep_copies(training, storage_of(precision))};
}

PlanOptions evaluation_options(const Model& model, const TrainOptions& options, std::int64_t images, bool keeps_best) {
  PlanOptions plan = pass_options(model, options.precision, images, false, options.passes);
  plan.kept_copies = options.ema <= 0 && !keeps_best && is_16_bit(copies_of(options));
  return plan;
}

DType copies_of(const TrainOptions& options) {
  const DType stored = storage_of(options.precision);
  return options.passes.keep_copies(true, stored) ? stored : DType::f32;
}

Model model_for(const Model& model, const Batch& batch) {
  return batch.labels.dtype() == DType::f32 ? with_soft_targets(model) : model;
}

}  // namespace fovea
