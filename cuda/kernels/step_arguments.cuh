// SPDX-License-Identifier: Apache-2.0
//
// What the update kernels (sgd, adam, rmsprop, adagrad) are told of a step (core/ops/update_memory.h): factors as they were
// when the kernel was launched, or where to find them when it runs, and whether to do anything. All threads read the same
// few words, which one load of a warp brings in.
#pragma once
#include "core/ops/update_memory.h"
#include "cuda/runtime/dialect.cuh"

namespace fovea::FOVEA_TARGET {

__device__ __forceinline__ bool halted(const std::int64_t* halt) { return halt != nullptr && *halt >= 0; }

template <class Factors>
struct StepArguments {
  Factors given;
  const Factors* in_memory;  // null: those given
  const std::int64_t* halt;  // null: go on

  template <class Options>
  explicit StepArguments(const Options& options)
      : given(options),
        in_memory(static_cast<const Factors*>(options.memory.factors.data)),
        halt(static_cast<const std::int64_t*>(options.memory.halt.data)) {}

  __device__ __forceinline__ bool is_halted() const { return halted(halt); }
  __device__ __forceinline__ Factors factors() const { return in_memory != nullptr ? *in_memory : given; }
};

}  // namespace fovea::FOVEA_TARGET
