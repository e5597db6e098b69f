// SPDX-License-Identifier: Apache-2.0
//
// The rule by which gradients change weights, with the memory it needs: PyTorch's SGD, RMSprop, Adagrad, Adam and AdamW.
#pragma once
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/backend/backend.h"
#include "core/executor/parameters.h"
#include "core/train/parameter_groups.h"

namespace fovea {

enum class OptimizerKind { sgd, rmsprop, adagrad, adam, adamw };
inline constexpr std::array<std::pair<OptimizerKind, std::string_view>, 5> optimizer_names{
    {{OptimizerKind::sgd, "sgd"},
     {OptimizerKind::rmsprop, "rmsprop"},
     {OptimizerKind::adagrad, "adagrad"},
     {OptimizerKind::adam, "adam"},
     {OptimizerKind::adamw, "adamw"}}};

// The formulae stand in core/ops/{sgd,rmsprop,adagrad,adam}.h; what an optimizer does not name there it ignores.
struct OptimizerOptions {
  OptimizerKind kind = OptimizerKind::sgd;
  double learning_rate = 0.01;
  double momentum = 0;  // sgd, rmsprop
  double weight_decay = 0;
  bool nesterov = false;              // sgd
  double beta1 = 0.9, beta2 = 0.999;  // adam, adamw
  double epsilon = 1e-8;              // all but sgd
  double alpha = 0.99;                // rmsprop
  double lr_decay = 0;                // adagrad: the rate is divided by 1 + lr_decay * (steps done)
  bool operator==(const OptimizerOptions&) const = default;
};

// Throws InputError naming the option, what was expected and what was given.
void validate(const OptimizerOptions& options);

// What an optimizer of this kind remembers of every parameter, in the order of Optimizer::slots.
std::vector<std::string> slot_names(OptimizerKind kind);

class Optimizer {
 public:
  // What is remembered from step to step, an arena for each: "momentum", "first_moment", ... All start at zero.
  struct Slot {
    std::string name;
    std::unique_ptr<ParameterArena> arena;
  };

  // The backend must outlive the optimizer. `runs` are what it changes (parameter_groups.h).
  Optimizer(const OptimizerOptions& options, Backend& backend, const ParameterLayout& layout,
            std::vector<ParameterRun> runs);

  // Step `number`, from 1 on; writes the weights' 16-bit copy too where they have one. Only enqueues where the device is
  // asynchronous. A step that is captured reads its factors from memory, where factors() of each step are to be put before a replay; `memory`: empty views, or those and a halt.
  void step(ParameterArena& weights, ParameterArena& gradients, double learning_rate, std::int64_t number,
            const UpdateMemory& memory = {});

  // The factors of a step, those of each run behind those of the one before.
  std::vector<float> factors(double learning_rate, std::int64_t number) const;
  static std::int64_t factors_per_run(OptimizerKind kind);

  const std::vector<Slot>& slots() const { return slots_; }

 private:
  // The options of one run in a step.
  SgdOptions sgd(const ParameterRun& run, double learning_rate) const;
  RmspropOptions rmsprop(const ParameterRun& run, double learning_rate) const;
  AdagradOptions adagrad(const ParameterRun& run, double learning_rate, std::int64_t number) const;
  AdamOptions adam(const ParameterRun& run, double learning_rate, std::int64_t number) const;
  View slot(std::size_t i, const ParameterRun& run) { return part_of(slots_[i].arena->trained(), run); }

  OptimizerOptions options_;
  std::vector<ParameterRun> runs_;
  std::vector<Slot> slots_;
  Ops* ops_ = nullptr;
};

}  // namespace fovea
