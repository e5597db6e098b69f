// SPDX-License-Identifier: Apache-2.0
//
// Whether a training fits its device, found out before anything is allocated: --memory-limit, --micro-batch.
#pragma once
#include <string>
#include <vector>

#include "cli/arguments.h"
#include "core/train/training_memory.h"

namespace fovea::cli {

struct MemoryFlags {
  std::string limit;        // empty: what is free on the device
  std::string micro_batch;  // a number or "auto"; empty: the checkpoint's on --resume, and else whole batches
};
void declare(Arguments& arguments, MemoryFlags& flags);

// A layer in each line: what it holds of each kind; below, the parts that the device holds at once.
std::vector<std::string> memory_table(const Model& model, const TrainingMemory& memory);

// Sets options.micro_batch as asked; a run that goes on (`resumed`) keeps the one it has when "auto" is asked for. Throws
// InputError with the table and what would fit when that is more than the limit.
void fit_into_memory(const MemoryFlags& flags, bool resumed, const Model& model, Backend& backend,
                     const TrainingSets& sets, TrainOptions& options);

// How batches are computed, in words, and which layers make that another step than the whole batch's.
std::string micro_batch_note(const TrainOptions& options, const Model& model);

}  // namespace fovea::cli
